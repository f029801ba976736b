# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks on this machine: no success where nothing was looked at, groups of any name, and each of two clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import PROJECT, Outcome, execute

WEB = {"name": "web", "address": "192.0.2.30", "ports": [80]}
# Preflight ends with it, before it changes anything.
WRONG = {**WEB, "scheduler": 5}


def group(**addresses: str) -> dict[str, Any]:
    return {"hosts": {host: {"ansible_host": address} for host, address in addresses.items()}}


LB, RS = group(lb1="192.0.2.3"), group(rs1="192.0.2.4", rs2="192.0.2.5")
USUAL = {"directors": LB, "realservers": RS, "others": group(other="192.0.2.9")}
RENAMED = {"lb": LB, "web": RS, "others": group(other="192.0.2.9")}


def run(
    tmp_path: Path, name: str, children: dict[str, Any], *arguments: str, services: Any = (WEB,), **own: Any
) -> Outcome:
    """Run a playbook with an inventory whose hosts are all this machine."""
    told = {"lvs_services": list(services)} if services else {}
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory = {"all": {"vars": {**local, "director_interface": "lo", **told, **own}, "children": children}}
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps(inventory))
    return execute("ansible-playbook", f"lvs.cluster.{name}", "-i", str(path), *arguments)


def words(outcome: Outcome) -> str:
    return " ".join(outcome.output.replace("''", "'").split())


PLAYBOOKS = ("adopt", "drain", "preflight", "restore", "rolling", "site", "status", "teardown", "verify")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_first_looks_at_its_scope(name: str) -> None:
    """No play names a group, and the first one is that of scope.yml, which fails without hosts."""
    plays = yaml.safe_load((PROJECT / "playbooks" / f"{name}.yml").read_text())
    first = plays[0]["ansible.builtin.import_playbook"]
    assert first == ("preflight.yml" if name == "site" else "scope.yml")
    for play in plays:
        assert "play_hosts(hostvars" in play.get("hosts", "play_hosts(hostvars") or play["hosts"] == "all:localhost"


@pytest.mark.parametrize("name", ["site", "drain", "teardown"])
def test_a_playbook_without_a_host_fails(tmp_path: Path, name: str) -> None:
    """Seen: with groups named lb and web, site skipped ten plays and reported success."""
    services = [{**WEB, "directors": ["lb"], "real_servers": ["web"]}]
    outcome = run(tmp_path, name, RENAMED, services=services)
    assert outcome.status != 0
    assert "Nothing was checked or changed: the inventory has no host in " in words(outcome)
    assert "lvs_services (web).directors: 'lb1' is in no group whose directors the playbooks" in words(outcome)
    assert not any(outcome.changed().values())


@pytest.mark.parametrize("name", ["verify", "rolling"])
def test_a_limit_that_leaves_out_every_host_fails(tmp_path: Path, name: str) -> None:
    outcome = run(tmp_path, name, USUAL, "--limit", "other")
    assert outcome.status != 0
    assert "Nothing was checked or changed: --limit leaves out every host of this playbook" in words(outcome)


def test_an_empty_inventory_fails(tmp_path: Path) -> None:
    outcome = run(tmp_path, "site", {})
    assert outcome.status != 0
    assert "Nothing was checked or changed: the inventory has no host in any of the groups" in words(outcome)


@pytest.mark.parametrize("where", ["inventory", "extra"])
def test_groups_of_any_name(tmp_path: Path, where: str) -> None:
    """Each play has the hosts of its group, also the first one with hosts, and with --limit."""
    names = {"lvs_directors_group": "lb", "lvs_realservers_group": "web"}
    given = (
        {"own": names, "arguments": []} if where == "inventory" else {"own": {}, "arguments": ["-e", json.dumps(names)]}
    )
    arguments = [*given["arguments"], "--limit", "lb1:rs2"]
    outcome = run(tmp_path, "preflight", RENAMED, *arguments, services=[WRONG], **given["own"])
    assert "This run includes directors lb1; real servers rs2. Outside --limit: rs1." in words(outcome)
    assert {"ok: [lb1]", "ok: [rs2]"} <= set(outcome.output.splitlines())
    # All that is wrong is the description.
    assert "'1 error found. Read 2 hosts: lb1, rs2.'" in outcome.output.replace('"', "'")
    assert "Not read, so not checked: rs1." in outcome.output


def clusters(services: dict[str, Any]) -> dict[str, Any]:
    """Return two clusters of one inventory; each has lvs_services of its own."""
    east = {
        "vars": {"lvs_services": [services["east"]]},
        "children": {"east_lb": LB, "east_rs": group(rs1="192.0.2.4")},
    }
    west = {
        "vars": {"lvs_services": [services["west"]]},
        "children": {"west_lb": group(lb2="192.0.2.6"), "west_rs": group(rs3="192.0.2.7")},
    }
    return {
        "directors": {"children": {"east_lb": {}, "west_lb": {}}},
        "realservers": {"children": {"east_rs": {}, "west_rs": {}}},
        "east": east,
        "west": west,
    }


def test_each_of_two_clusters_is_judged(tmp_path: Path) -> None:
    """Seen: the second one was judged by the lvs_services of the first, and nothing was told of its own."""
    services = {"east": WRONG, "west": {**WEB, "address": "192.0.2.31", "ports": [0]}}
    outcome = run(tmp_path, "preflight", clusters(services), services=None)
    assert outcome.status != 0
    for told in (
        "ERROR east: lvs_services (web).scheduler: '5' is not a text;",
        "ERROR west: lvs_services (web).ports: '0' is out of range;",
        "east: 1 error found. Read 2 hosts: lb1, rs1.",
        "west: 1 error found. Read 2 hosts: lb2, rs3.",
    ):
        assert told in words(outcome)


def test_descriptions_that_differ_by_a_variable(tmp_path: Path) -> None:
    """One text in all hosts' variables, which means another cluster for each child group."""
    children = clusters({"east": WEB, "west": WEB})
    for name, port in (("east", 0), ("west", 70000)):
        children[name]["vars"] = {"the_port": port}
    outcome = run(tmp_path, "preflight", children, services=[{**WEB, "ports": ["{{ the_port }}"]}])
    for told in ("east: lvs_services (web).ports: '0'", "west: lvs_services (web).ports: '70000'"):
        assert told in words(outcome)


@pytest.mark.parametrize("how", ["extra", "play"])
def test_a_description_that_a_play_or_a_run_gives(tmp_path: Path, how: str) -> None:
    children = clusters({"east": WEB, "west": {**WEB, "address": "192.0.2.31"}})
    arguments = ["-e", json.dumps({"lvs_services": [WRONG]})]
    if how == "play":
        play = tmp_path / "play.json"
        play.write_text(json.dumps([{"import_playbook": "lvs.cluster.preflight", "vars": {"lvs_services": [WRONG]}}]))
        outcome = run(tmp_path, "preflight", children, services=None)  # writes the inventory
        outcome = execute("ansible-playbook", str(play), "-i", str(tmp_path / "hosts.json"))
    else:
        outcome = run(tmp_path, "preflight", children, *arguments, services=None)
    assert "1 error found. Read 4 hosts: lb1, lb2, rs1, rs3." in words(outcome)


def test_drain_and_restore_fail_where_no_director_of_the_run_has_the_server(tmp_path: Path) -> None:
    children = clusters({"east": WEB, "west": {**WEB, "address": "192.0.2.31"}})
    for name, told in (("drain", "No server was drained"), ("restore", "No server was restored")):
        outcome = run(tmp_path, name, children, "-e", "servers=192.0.2.7", "--limit", "east", services=None)
        assert outcome.status != 0
        assert f"{told}: this run leaves out the directors that have these servers (lb2)." in words(outcome)


def test_rolling_fails_for_servers_that_the_run_does_not_have(tmp_path: Path) -> None:
    outcome = run(tmp_path, "rolling", USUAL, "-e", "servers=other", "--limit", "directors:realservers")
    assert outcome.status != 0
    assert "servers: other matches no host of this run" in words(outcome)


def test_rolling_takes_an_address(tmp_path: Path) -> None:
    outcome = run(tmp_path, "rolling", USUAL, "-e", "servers=192.0.2.5")
    assert "fatal: [rs2]: FAILED!" in outcome.output
    assert "rolling_tasks: it is not a file here" in words(outcome)


def test_teardown_keeps_the_vips_of_servers_whose_director_stays(tmp_path: Path) -> None:
    outcome = run(tmp_path, "teardown", USUAL, "--limit", "realservers", "--check")
    assert outcome.status != 0
    assert "rs1 keeps its VIPs, since this run has not removed lb1" in words(outcome)
    assert not any(outcome.changed().values())
