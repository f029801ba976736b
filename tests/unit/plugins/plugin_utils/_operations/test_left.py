# SPDX-License-Identifier: GPL-3.0-or-later
"""What site and teardown leave on hosts, and because of hosts, that they could not reach."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.operations import left_behind, teardown_left

GROUPS = {"directors": ["lb1", "lb2"], "realservers": ["rs1", "rs2"], "gateways": ["gw"]}
TORN = "teardown_done"
SERVICES = [
    {
        "name": "web",
        "address": ["192.0.2.30", "192.0.2.31"],
        "ports": [80],
        "directors": ["lb1", "lb2"],
        "may_be_empty": True,
    }
]


def hosts(**own: dict[str, Any]) -> dict[str, dict[str, Any]]:
    numbers = {
        name: {"ansible_host": f"192.0.2.{number}"} for number, name in enumerate(["lb1", "lb2", "rs1", "rs2", "gw"], 1)
    }
    return {name: {**one, **own.get(name, {})} for name, one in numbers.items()}


AGAIN = "run lvs.cluster.site again when it is reachable."


@pytest.mark.parametrize(
    ("host", "own", "line"),
    [
        ("rs2", {"realserver_state": "absent"}, "may still have VIPs (192.0.2.30, 192.0.2.31)"),
        ("rs2", {"realserver_state": "drained"}, "is not changed"),
        ("gw", {"gateway_state": "absent"}, "may still have neighbour entries of the VIPs"),
    ],
)
def test_what_a_lost_host_keeps(host: str, own: dict[str, Any], line: str) -> None:
    told = left_behind(SERVICES, GROUPS, hosts(**{host: own}), [host])
    assert told == [f"{host}: was not reached, and {line}; {AGAIN}"]


@pytest.mark.parametrize("kept", [True, False])
def test_servers_keep_what_a_lost_director_may_send_clients_to(kept: bool) -> None:
    own = {"realserver_leftovers": kept}
    first, *more = left_behind(SERVICES, GROUPS, hosts(lb1={"director_state": "absent"}, rs1=own), ["lb1"])
    vips = "virtual services and VIPs (192.0.2.30, 192.0.2.31), which it restores when it boots"
    assert first == f"lb1: was not reached, and may still have {vips}; {AGAIN}"
    assert [line.partition(":")[0] for line in more] == (["rs1"] if kept else [])
    assert left_behind(SERVICES, GROUPS, hosts(rs1=own, rs2={"realserver_state": "absent"}), ["rs2"])[1:] == []


DONE = {"lb1": ["director"], "lb2": ["director"], "rs1": ["realserver"], "rs2": ["realserver"], "gw": ["gateway"]}


def torn(unreachable: str = "", **done: Any) -> dict[str, Any]:
    found = {name: {TORN: roles} for name, roles in {**DONE, **done}.items()}
    for own in found.values():
        own["teardown_reach"] = {"unreachable": unreachable.split()}
    return teardown_left(GROUPS, found, list(found))


def test_all_is_torn_down() -> None:
    assert torn() == {"director": [], "realserver": [], "gateway": [], "lines": []}


LATER = "it could not be reached. Run lvs.cluster.teardown again when it is reachable."


def test_a_lost_director_leaves_all_behind_it() -> None:
    told = torn("lb2", lb2=(), rs1=(), rs2=(), gw=())
    assert (told["director"], told["realserver"], told["gateway"]) == (["lb2"], ["rs1", "rs2"], ["gw"])
    keeps = "keeps its VIPs, since this run has not removed lb2, which can still send clients to it. Remove the directors too, "
    keeps += "or set realserver_state to absent for this host and run lvs.cluster.site."
    assert told["lines"] == [
        f"lb2 still has its virtual services and VIPs, since {LATER}",
        f"rs1 {keeps}",
        f"rs2 {keeps}",
        "gw keeps its neighbour entries, since lb2, rs1, rs2 can still have the VIPs. Remove these first.",
    ]


def test_a_lost_server_keeps_its_vips() -> None:
    first, second = torn("rs1", rs1=(), gw=())["lines"]
    assert first == f"rs1 still has its VIPs, since {LATER}"
    assert second.startswith("gw keeps its neighbour entries, since rs1 can still have the VIPs.")


def test_a_role_that_failed_is_left_too() -> None:
    assert torn(rs1=(), gw=("gateway",))["lines"] == [
        "rs1 still has its VIPs, since the role failed there. Correct that, and run lvs.cluster.teardown again.",
    ]


def test_a_director_outside_the_limit_keeps_the_servers_too() -> None:
    own = {"lb1": {}, "lb2": {TORN: ["director"]}, "rs1": {}}
    (line,) = teardown_left(GROUPS, own, ["rs1"])["lines"]
    assert line.startswith(
        "rs1 keeps its VIPs, since this run has not removed lb1, which can still send clients to it."
    )
