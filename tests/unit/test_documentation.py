# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of a module says of its options is what the module takes, in depth."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from argument_specs import argument_spec
from commands import PROJECT, execute

MODULES = sorted(path.stem for path in (PROJECT / "plugins" / "modules").glob("*.py"))
INTERNAL = {"lab_host_info", "lab_image", "lab_snapshot", "lab_vms"}
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if path.is_dir())
TOLD = ("type", "elements", "choices", "default", "required")


@functools.cache
def documented() -> dict:
    """Return module -> its documentation, as ansible-doc reads it, fragments included."""
    told = execute("ansible-doc", "--json", *(f"lvs.cluster.{name}" for name in MODULES))
    assert told.status == 0, told.output
    return {name.rsplit(".", 1)[1]: entry["doc"] for name, entry in json.loads(told.output).items()}


def compare(where: str, docs: dict, spec: dict) -> None:
    assert docs.keys() == spec.keys(), where
    for name, option in spec.items():
        told = {key: docs[name][key] for key in TOLD if docs[name].get(key) not in (None, False)}
        taken = {key: option[key] for key in TOLD if option.get(key) not in (None, False)}
        assert told == {"type": "str", **taken}, f"{where}.{name}"
        compare(f"{where}.{name}", docs[name].get("suboptions") or {}, option.get("options") or {})


@pytest.mark.parametrize("name", MODULES)
def test_options(name):
    compare(name, documented()[name]["options"], argument_spec(name))


@pytest.mark.parametrize("name", MODULES)
def test_every_public_module_is_in_the_action_group(name):
    grouped = f"    - {name}\n" in Path(PROJECT / "meta" / "runtime.yml").read_text()
    assert grouped == (name not in INTERNAL)


@pytest.mark.parametrize("name", MODULES)
def test_internal_modules_say_so_and_stay_out_of_the_readme(name):
    says_so = documented()[name]["description"][0].startswith("Internal module of the role ")
    assert says_so == (name in INTERNAL)
    assert name not in INTERNAL or f"`{name}`" not in (PROJECT / "README.md").read_text()


@pytest.mark.parametrize("name", MODULES)
def test_what_ansible_test_asks_of_the_text_of_a_module(name):
    """The whole of it is the part `sanity`; these are its rules that are broken most easily."""
    lines = (PROJECT / "plugins" / "modules" / f"{name}.py").read_text().splitlines()
    assert lines[1] == "# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)"
    assert [number for number, line in enumerate(lines, 1) if len(line) > 160] == []


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_what_galaxy_asks_for(name):
    assert f"# Role `lvs.cluster.{name}`\n" in (PROJECT / "roles" / name / "README.md").read_text()


@pytest.mark.parametrize("name", MODULES)
def test_return_values_and_examples_are_there(name):
    text = (PROJECT / "plugins" / "modules" / f"{name}.py").read_text()
    assert f"lvs.cluster.{name}:" in text.split("EXAMPLES = ")[1]
    assert "RETURN = " in text
