# SPDX-License-Identifier: GPL-3.0-or-later
"""Every error of every module and role names the value, the rule that it breaks and the remedy.

The other unit tests bring the errors about; this one runs last, walks every place in the source that makes one, and
judges all that was said there. A place that no test reached fails, and so does one whose words nobody wrote down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    InvalidValue,
    LibraryMissing,
    MalformedAnswer,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding, Findings
from argument_specs import argument_spec
from commands import PROJECT
from error_sites import imported_by, sites
from error_words import TOLD, WORDS

SITES = sites()
MODULES = sorted(path.stem for path in (PROJECT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.parent.parent.name for path in PROJECT.glob("roles/*/meta/argument_specs.yml"))
# Fails with what Ansible's own reading of its options says, and with nothing else.
NO_ERRORS = {"print_lines": "shows the lines that it is given"}


def parts(name: str, error: Any) -> tuple[str, str, str]:
    """Return what an error has to name, as regular expressions."""
    if isinstance(error, InvalidValue):
        value = error.option if error.value is None else repr(error.value)
        return re.escape(value), re.escape(error.rule), re.escape(error.remedy)
    if isinstance(error, Finding):
        return re.escape(error.value or error.subject), re.escape(error.rule), re.escape(error.remedy)
    if isinstance(error, MalformedAnswer):
        return "read: .+", "Nothing was decided on it", "please report it with `uname -r`"
    if isinstance(error, LibraryMissing):
        return error.library, "is missing on this host", "install the package"
    assert name in WORDS, f"write down in error_words.py what the error of {name} has to name"
    return WORDS[name]


@pytest.mark.parametrize("name", SITES)
def test_value_rule_and_remedy(recorder, name):
    said = recorder.said(name)
    assert said, f"no unit test brings about the error of {name}: add a case"
    for error in said:
        if isinstance(error, Findings):
            assert error.findings, "each of them is judged by itself"
            continue
        text = error.sentence if isinstance(error, Finding) else str(error)
        named = parts(name, error)
        assert all(named), text
        assert [part for part in named if not re.search(part, text, re.DOTALL)] == [], text


def test_no_words_are_left_over():
    assert WORDS.keys() - SITES.keys() == set()


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_errors_of_its_own(module):
    files = imported_by(PROJECT / "plugins" / "modules" / f"{module}.py")
    own = [site.name for site in SITES.values() if site.file in files]
    assert bool(own) != (module in NO_ERRORS), own


def role_specs(role: str) -> dict[str, Any]:
    read = yaml.safe_load((PROJECT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = {}
    for entry in read["argument_specs"].values():
        options.update(entry.get("options") or {})
    return options


WRONG: dict[str, Any] = {"int": "nosuch", "float": "nosuch", "bool": "nosuch", "dict": "nosuch", "list": {"no": "such"}}


def wrong_values(spec: dict[str, Any]) -> Iterator[tuple[str, Any, list[str]]]:
    """Yield option (with those that it is in), a value that it can't have, and what an error has to name besides it."""
    for name, option in spec.items():
        kind, listed = option.get("type", "str"), option.get("type") == "list"
        if kind in WRONG:
            yield name, {name: WRONG[kind]}, [name, f"convert to {kind}"]
        if listed and option.get("elements") in WRONG and option["elements"] != "list":
            yield name, {name: ["nosuch"]}, [name, f"convert to {option['elements']}"]
        if option.get("choices"):
            bad = -17 if option.get("type") == "int" else "nosuch"
            yield name, {name: [bad] if listed else bad}, [name, str(bad), *map(str, option["choices"])]
        if option.get("required"):
            yield name, {}, [name, "missing required"]
        for _inner, value, named in wrong_values(option.get("options") or {}):
            yield name, {name: [value] if listed else value}, [*named[:1], name, *named[1:]]


@pytest.mark.parametrize("whose", [*MODULES, *(f"role {role}" for role in ROLES)])
def test_what_ansible_says_of_options(whose):
    """Ansible checks types, choices and what is required; its words name them too, as far as the specs tell."""
    spec = role_specs(whose[5:]) if whose.startswith("role ") else argument_spec(whose)
    tried = 0
    for name, options, named in wrong_values(spec):
        said = "; ".join(ArgumentSpecValidator(spec).validate(dict(options)).error_messages)
        missing = [word for word in named if word not in said]
        assert not missing, f"{name}: {options}: {said}"
        tried += 1
    assert tried or not spec


SPEAKING = {"ansible.builtin.assert": "fail_msg", "ansible.builtin.fail": "msg"}


def told() -> dict[tuple[str, int], str]:
    """Return file and number -> what a task of the roles and playbooks says when it fails by itself."""
    found = {}
    for path in sorted([*PROJECT.glob("roles/*/tasks/*.yml"), *PROJECT.glob("playbooks/*.yml")]):
        said = [
            task[module].get(key, "")
            for task in _dicts(yaml.safe_load(path.read_text()))
            for module, key in SPEAKING.items()
            if module in task
        ]
        found.update({(str(path.relative_to(PROJECT)), number): text for number, text in enumerate(said)})
    return found


def _dicts(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _dicts(item)


def test_what_roles_and_playbooks_say():
    said = told()
    assert said.keys() == TOLD.keys()
    for place, text in said.items():
        plain = re.sub(r"\s*\({{.*?}}\)", "", " ".join(text.split()))
        assert [part for part in TOLD[place] if not re.search(part, plain)] == [], plain
