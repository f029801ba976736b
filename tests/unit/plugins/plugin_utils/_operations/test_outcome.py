# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directors a drain or restore can do without, and which it can't."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.outcome import (
    active_vips,
    by_director,
    step_outcome,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.rolling import rolling_batch
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

GROUPS = {"directors": ["lb1", "lb2", "lb3"], "realservers": ["rs1", "rs2"]}
HOSTVARS: dict[str, dict[str, Any]] = {
    "lb1": {"director_address": "192.0.2.1"},
    "lb2": {"director_address": "192.0.2.2"},
    "lb3": {"director_address": "192.0.2.3", "director_state": "absent"},
    "rs1": {"realserver_address": "192.0.2.4"},
    "rs2": {"realserver_address": "192.0.2.5"},
}
SERVICES = [
    {"name": "web", "address": "192.0.2.30", "ports": [80]},
    {
        "name": "mail",
        "address": "192.0.2.31",
        "ports": [25],
        "directors": ["lb2", "lb1"],
        "real_servers": ["rs2", "192.0.2.9"],
    },
]
READ = read_topology(SERVICES, GROUPS, HOSTVARS)
DEAD = {"unreachable": True, "msg": "ssh: no route"}


@pytest.mark.parametrize(
    ("names", "lb1", "lb2"),
    [
        ("rs1", ["192.0.2.30"], []),
        ("rs2", ["192.0.2.30"], ["192.0.2.31"]),
        ("192.0.2.9", [], ["192.0.2.31"]),
        ("rs1,192.0.2.9", ["192.0.2.30"], ["192.0.2.31"]),
    ],
)
def test_who_is_active_for_whom(names: str, lb1: list[str], lb2: list[str]) -> None:
    """A director can be on standby for one service and answer for another."""
    assert active_vips(READ, GROUPS, names, "lb1") == lb1
    assert active_vips(READ, GROUPS, names, "lb2") == lb2
    assert active_vips(READ, GROUPS, names, "lb3") == []


def test_with_failover_each_director_can_be_active_at_any_moment() -> None:
    hostvars = {host: {**own, "director_failover": "vrrp"} for host, own in HOSTVARS.items()}
    read = read_topology(SERVICES, GROUPS, hostvars)
    for host in ("lb1", "lb2"):
        assert active_vips(read, GROUPS, "rs2", host) == ["192.0.2.30", "192.0.2.31"]
    assert active_vips(read, GROUPS, "rs2", "lb3") == []


def test_a_standby_is_a_note_and_an_active_director_an_error() -> None:
    told = step_outcome(READ, GROUPS, "rs1", {"lb1": {"changed": True}, "lb2": DEAD}, "lvs.cluster.drain")
    assert (told.errors, told.unreachable) == ((), ("lb2",))
    assert told.notes == (
        "lb2: standby director could not be reached (ssh: no route), so nothing is changed there; run lvs.cluster.drain "
        "again when it is reachable.",
    )
    told = step_outcome(READ, GROUPS, "rs2", {"lb1": {}, "lb2": DEAD}, "lvs.cluster.drain")
    assert (told.notes, told.unreachable) == ((), ("lb2",))
    assert told.errors == (
        "lb2: director could not be reached (ssh: no route), and answers for 192.0.2.31; make it reachable, or declare "
        "director_state: absent for it and run lvs.cluster.site, which moves its VIPs.",
    )


def test_what_a_director_refuses_is_an_error_as_it_is() -> None:
    refused = {"failed": True, "msg": "servers: would leave nobody to serve."}
    told = step_outcome(READ, GROUPS, "rs1", {"lb1": {}, "lb2": refused}, "lvs.cluster.drain")
    assert told == (("lb2: servers: would leave nobody to serve.",), (), ())


def item(director: str, **result: Any) -> dict[str, Any]:
    return {"item": {"director": director}, **result}


def test_the_first_problem_of_a_director_counts() -> None:
    results = [item("lb1"), item("lb1", **DEAD), item("lb1", failed=True, msg="later"), item("lb2"), {"skipped": True}]
    assert by_director(results) == {"lb1": results[1], "lb2": results[3]}


def test_a_batch_goes_on_without_a_standby() -> None:
    steps = rolling_batch(READ, GROUPS, ["rs1"], [item("lb1"), item("lb2", **DEAD)], [])
    assert [one["director"] for one in steps["check"]] == ["lb1", "lb2"]
    for name in ("drain", "probe", "restore"):
        assert [one["director"] for one in steps[name]] == ["lb1"], name
    assert steps["errors"] == steps["problems"] == []
    assert steps["lines"][0].startswith("lb2: standby director could not be reached (ssh: no route)")


def test_a_batch_does_not_go_on_without_the_active_director() -> None:
    (error,) = rolling_batch(READ, GROUPS, ["rs1"], [item("lb1", **DEAD), item("lb2")], [])["errors"]
    assert error.startswith("lb1: director could not be reached (ssh: no route), and answers for 192.0.2.30")


def test_what_failed_in_a_drain_is_a_problem() -> None:
    changes = [item("lb1", failed=True, msg="rs1 has 3 connections."), item("lb2", **DEAD)]
    assert rolling_batch(READ, GROUPS, ["rs1"], [], [], changes)["problems"] == [
        "lb1: rs1 has 3 connections.",
        "lb2: director could not be reached (ssh: no route)",
    ]
