# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step of a role runs by its tag alone, and the tags are documented."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from commands import PROJECT, execute

ROLES = ("director", "gateway", "realserver", "webserver")
HOSTS = {
    "all": {
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "director_interface": "lo",
            "gateway_interface": "lo",
            "lvs_services": [{"name": "web", "address": "192.0.2.30", "ports": [80]}],
        },
        "children": {
            "directors": {"hosts": {"one": {"director_address": "192.0.2.3"}}},
            "realservers": {"hosts": {"one": {"realserver_address": "192.0.2.3"}}},
            "gateways": {"hosts": {"one": {}}},
        },
    }
}


@pytest.fixture(name="inventory")
def made_inventory(tmp_path: Path) -> str:
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps(HOSTS))
    return str(path)


def documented(role: str) -> set[str]:
    spec = yaml.safe_load((PROJECT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    (told,) = (one for one in spec["argument_specs"]["main"]["description"] if one.startswith("Tags select steps"))
    return set(re.findall(rf"C\(({role}_[a-z]+)\)", told)) - {"director_result", "director_held", "gateway_entries"}


def test_the_tags_of_site_are_those_that_are_documented(inventory: str) -> None:
    run = execute("ansible-playbook", "lvs.cluster.site", "-i", inventory, "--list-tags")
    assert run.status == 0, run.output
    listed = {tag for line in re.findall(r"TASK TAGS: \[(.*)\]", run.output) for tag in line.split(", ") if tag}
    told = set().union(*map(documented, ROLES))
    assert listed == told | {"always", "demo_page", "verify", "realserver_cleanup"}


def steps(inventory: str, *arguments: str) -> list[set[str]]:
    """Return the tags of each task that site would run, but for those that always run."""
    run = execute("ansible-playbook", "lvs.cluster.site", "-i", inventory, "--list-tasks", *arguments)
    assert run.status == 0, run.output
    tags = [set(line.split(", ")) for line in re.findall(r"^ {6}\S.*\tTAGS: \[(.*)\]$", run.output, re.MULTILINE)]
    return [one for one in tags if "always" not in one]


def test_every_step_of_a_role_has_a_tag(inventory: str) -> None:
    told = set().union(*map(documented, ROLES))
    assert all(
        one & {*told, "demo_page", "realserver_cleanup"}
        for one in steps(inventory, "--skip-tags", "verify")
        if one != {""}
    )
    found = set().union(*steps(inventory))
    # Those of the page are tags of what site includes.
    assert told <= found


@pytest.mark.parametrize(("tag", "tasks"), [("director_sysctl", 3), ("director_persist", 8), ("gateway_neighbors", 5)])
def test_a_tag_selects_its_step_alone(inventory: str, tag: str, tasks: int) -> None:
    chosen = steps(inventory, "--tags", tag)
    assert len(chosen) == tasks
    assert all(tag in one for one in chosen)


def play(tmp_path: Path, inventory: str, role: str, variables: dict, *arguments: str):
    path = tmp_path / "play.json"
    path.write_text(
        json.dumps([{"hosts": "one", "gather_facts": False, "vars": variables, "roles": [f"lvs.cluster.{role}"]}])
    )
    return execute("ansible-playbook", str(path), "-i", inventory, *arguments)


@pytest.mark.parametrize(("tag", "reached"), [("realserver_arp", True), ("realserver_install", False)])
def test_what_a_step_includes_runs_by_the_tag(tmp_path: Path, inventory: str, tag: str, reached: bool) -> None:
    """The filter of this host, which is a director too, is refused before anything is changed."""
    variables = {"realserver_arp_mode": "arptables", "realserver_packages": []}
    run = play(tmp_path, inventory, "realserver", variables, "--tags", tag)
    assert ("would keep one from answering for 192.0.2.30" in " ".join(run.output.split())) == reached
    assert (run.status != 0) == reached, run.output


@pytest.mark.parametrize(("verify", "status"), [(True, 2), (False, 0)])
def test_a_server_that_was_held_back_fails_the_last_step(
    tmp_path: Path, inventory: str, verify: bool, status: int
) -> None:
    held = {"director_held": [{"sentence": "rs1 does not serve."}], "director_verify": verify}
    run = play(tmp_path, inventory, "director", held, "--tags", "director_verify")
    assert run.status == status, run.output
    assert ("rs1 does not serve." in run.output) == verify
