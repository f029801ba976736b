# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a director from taking the VIPs over: its VRRP, its table, its sync daemons, and its paths."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.operations import FilterModule

problems = FilterModule().filters()["failover_problems"]
SERVERS = [{"address": one, "port": 80, "forwarding": "direct", "weight": 1} for one in ("192.0.2.4", "192.0.2.5")]
SERVICE = {"address": "192.0.2.30", "port": 80, "protocol": "tcp", "scheduler": "rr", "real_servers": SERVERS}
DAEMONS = [{"state": state, "interface": "eth0", "sync_id": 51} for state in ("master", "backup")]
PATH = {"ok": True, "sentence": "tcp 192.0.2.30:80 is served by 192.0.2.4."}


def director(role: str) -> dict[str, Any]:
    """Return what the playbook registers on a director that is well."""
    instance = {"name": "group1", "role": role, "settled": True}
    found = {
        "__failover_roles": {"unit": "lvs-cluster-vrrp.service", "running": True, "instances": [instance]},
        "__failover_table": {"services": [SERVICE], "sync_daemons": DAEMONS},
        "__failover_paths": {"paths": [PATH]},
    }
    return copy.deepcopy(found)


@pytest.fixture
def hostvars() -> dict[str, Any]:
    return {"lb1": director("master"), "lb2": director("backup")}


def test_a_director_that_is_ready(hostvars: dict[str, Any]) -> None:
    assert problems(["lb1", "lb2"], hostvars, "lb2") == []
    # It has the VIPs already.
    assert problems(["lb1", "lb2"], hostvars, "lb1") == []


def roles(own: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = own["__failover_roles"]
    return found


def table(own: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = own["__failover_table"]
    return found


SERVER = "server 192.0.2.5:80 of tcp 192.0.2.30:80"
CASES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "stopped": (lambda own: roles(own).update(running=False), "lvs-cluster-vrrp.service does not run"),
    "unsettled": (
        lambda own: roles(own)["instances"][0].update(settled=False),
        "instance group1 is backup and has not the VIPs of that role",
    ),
    "no service": (
        lambda own: table(own).update(services=[]),
        "service tcp 192.0.2.30:80, which lb1 has, is missing",
    ),
    "no server": (
        lambda own: table(own)["services"][0]["real_servers"].pop(),
        f"{SERVER}, which lb1 has, is missing",
    ),
    "drained": (
        lambda own: table(own)["services"][0]["real_servers"][1].update(weight=0),
        f"{SERVER} has weight 0, and 1 on lb1",
    ),
    "no sync": (
        lambda own: table(own).update(sync_daemons=DAEMONS[:1]),
        "no sync daemon receives the connections of lb1 (sync ID 51)",
    ),
    "path": (
        lambda own: own["__failover_paths"].update(paths=[PATH, {"ok": False, "sentence": "rs2 is silent."}]),
        "rs2 is silent",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_director_that_is_not(hostvars: dict[str, Any], name: str) -> None:
    change, sentence = CASES[name]
    change(hostvars["lb2"])
    assert problems(["lb1", "lb2"], hostvars, "lb2") == [sentence]


def test_what_nobody_has_is_not_missing(hostvars: dict[str, Any]) -> None:
    """A weight that differs is no reason, and neither is a service that the target has besides."""
    for own in hostvars.values():
        table(own)["sync_daemons"] = []
    table(hostvars["lb1"])["services"][0]["real_servers"][1]["weight"] = 7
    table(hostvars["lb2"])["services"].append({**SERVICE, "port": 81, "real_servers": []})
    assert problems(["lb1", "lb2"], hostvars, "lb2") == []
