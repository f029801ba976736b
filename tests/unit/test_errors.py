# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module has errors, and what Ansible, roles and playbooks say names the value, the rule and the remedy.

What the collection's own errors name is guaranteed by LvsError; see also plugins/module_utils/_core/test_errors.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from argument_specs import argument_spec
from commands import PROJECT
from error_classes import error_classes, imported_by, made_in

MODULES = sorted(path.stem for path in (PROJECT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.parent.parent.name for path in PROJECT.glob("roles/*/meta/argument_specs.yml"))
# Fails with what Ansible's own reading of its options says, and with nothing else.
NO_ERRORS = {"print_lines": "shows the lines that it is given"}


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_errors_of_its_own(module):
    files = imported_by(PROJECT / "plugins" / "modules" / f"{module}.py")
    kinds = {kind.__name__ for kind in error_classes()}
    own = {file.name: kinds & made_in(file) for file in files if kinds & made_in(file)}
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


# What the errors of roles and playbooks have to name, as regular expressions, by file and task: the value, the rule and
# the remedy. A task that passes on sentences of the code names where they come from.
TOLD = {
    ("playbooks/preflight.yml", 0): (r"lvs_preflight\.lines",) * 3,
    ("playbooks/rolling.yml", 0): (
        r"servers: {{ servers ",
        "matches no host of this run",
        "name hosts, groups or addresses",
    ),
    ("playbooks/rolling.yml", 1): ("{{ rolling_tasks ", "is not a file here", "name one with the tasks"),
    # Sentences of _topology/reach and _operations/outcome, which have tests of their own
    ("playbooks/rolling.yml", 2): (r"rolling_reach\.errors",) * 3,
    ("playbooks/rolling.yml", 3): (r"_rolling\.errors",) * 3,
    ("playbooks/rolling.yml", 4): (r"_rolling\.problems", "to undo the drain", "Run lvs.cluster.restore"),
    ("playbooks/failover.yml", 0): ("to: '{{ to ", "has to be a director of this run", "name one with -e to=HOST"),
    # Sentences of _operations/handover, which has tests of its own
    ("playbooks/failover.yml", 1): ("{{ to }}: ", "_failover_problems", "Run lvs.cluster.site"),
    ("playbooks/adopt.yml", 0): (r"_adopt_reach\.errors",) * 3,
    ("playbooks/drain.yml", 1): (r"drain_check\.errors",) * 3,
    ("playbooks/drain.yml", 2): (r"_drain_outcome\.errors",) * 3,
    ("playbooks/restore.yml", 1): (r"restore_outcome\.errors",) * 3,
    ("playbooks/status.yml", 0): (r"lvs_status\.errors",) * 3,
    ("playbooks/drain.yml", 0): ("No server was drained", "this run leaves out", "Include them in --limit"),
    ("playbooks/restore.yml", 0): ("No server was restored", "this run leaves out", "Include them in --limit"),
    # Sentences of _topology/scope and _preflight/releases, which have tests of their own
    ("playbooks/scope.yml", 0): (r"_scope_result\.error",) * 3,
    ("playbooks/site.yml", 0): ("_site_refusals",) * 3,
    # Sentences of _operations/left, which has tests of its own
    ("playbooks/teardown.yml", 0): (r"_teardown_left\.lines",) * 3,
    ("playbooks/rolling.yml", 6): ("{{ _rolling_drained ", "stays drained, since", "Correct the cause, then run"),
    ("playbooks/rolling.yml", 5): (
        "{{ inventory_hostname }} stays drained",
        "since this failed",
        "Correct the cause, then run",
    ),
    # Each is a sentence of _table/readiness, which has tests of its own.
    ("roles/director/tasks/verify.yml", 0): (r"director_held", "sentence", "sentence"),
    ("roles/lab/tasks/build.yml", 0): (
        r"image {{ __lab_image\.key }}",
        "needs root on this machine",
        "run lab_up as root",
    ),
    ("roles/lab/tasks/install.yml", 0): (r"missing_message",) * 3,
    ("playbooks/verify.yml", 0): (
        r"lvs_verified\.errors",
        "checks failed",
        "see the list above",
    ),
    ("roles/realserver/tasks/arp_arptables.yml", 0): (
        "realserver_arp_mode: 'arptables'",
        "of which it is the director too",
        "write realserver_arp_mode: sysctl",
    ),
}


def test_what_roles_and_playbooks_say():
    said = told()
    assert said.keys() == TOLD.keys()
    for place, text in said.items():
        plain = re.sub(r"\s*\({{.*?}}\)", "", " ".join(text.split()))
        assert [part for part in TOLD[place] if not re.search(part, plain)] == [], plain
