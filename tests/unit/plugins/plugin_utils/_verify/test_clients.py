# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that no director passed on: the client's own route, or another host that answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.distribution import connections_to
from verified_hosts import VIP, facts, good_cluster, judge, table

ASTRAY = (
    f"client: route to: '{VIP}' leaves through mgmt0, not through a segment of the cluster (eth0); "
    f"add a route to {VIP} through eth0, or remove the host from the group of the clients."
)
UNCOUNTED = (
    f"client: service: '{VIP}:80' answered 12 requests, and no director counted a connection; find out which host answers "
    "this client; if it is the director, set net.ipv4.vs.run_estimation to 1."
)


@pytest.fixture
def hosts() -> dict[str, Any]:
    """Return hostvars of a cluster that works, whose client has a route to the VIP."""
    found = good_cluster()
    route(found, "eth0")
    return found


def route(hosts: dict[str, Any], interface: str) -> None:
    """Have the client send to the VIP through an interface."""
    gateway = "203.0.113.2" if interface == "mgmt0" else ""
    hosts["client"]["__verify_look"]["facts"]["routes"] = {VIP: {"interface": interface, "gateway": gateway}}


def fail(hosts: dict[str, Any]) -> None:
    visited = hosts["client"]["__verify_visits"]["services"][0]
    visited.update(failed=12, servers={}, visits=[{"server": "", "error": "timed out", "milliseconds": 5000}] * 12)


def count(hosts: dict[str, Any], *connections: int) -> None:
    """Have the director count so many more connections while the client asks, one number for each server."""
    hosts["director"]["__verify_after"] = table(10 + connections[0], 20 + connections[1])


def test_a_client_that_sends_through_a_segment_of_the_cluster(hosts: dict[str, Any]) -> None:
    assert judge(hosts)["errors"] == []


@pytest.mark.parametrize("failed", [True, False])
def test_a_client_whose_requests_leave_elsewhere(hosts: dict[str, Any], failed: bool) -> None:
    """Also when something there answers them."""
    route(hosts, "mgmt0")
    count(hosts, 0, 0)
    if failed:
        fail(hosts)
    assert judge(hosts)["errors"] == [ASTRAY]


def test_a_client_that_reaches_the_director_by_another_way(hosts: dict[str, Any]) -> None:
    """What the director counted shows that a router brings it there."""
    route(hosts, "mgmt0")
    told = judge(hosts)
    assert (told["errors"], told["warnings"]) == ([], [])


def test_a_client_without_a_route(hosts: dict[str, Any]) -> None:
    route(hosts, "")
    fail(hosts)
    (error,) = judge(hosts)["errors"]
    assert error.startswith(f"client: route to: '{VIP}' is missing on this host, which is on a segment of the cluster")


def test_a_client_behind_routers(hosts: dict[str, Any]) -> None:
    """It has no address on a segment of the cluster, so its route says nothing."""
    route(hosts, "mgmt0")
    hosts["client"]["__verify_look"]["facts"]["interfaces"][1]["addresses"] = ["203.0.113.6/24"]
    fail(hosts)
    (error,) = judge(hosts)["errors"]
    assert error.startswith(f"client: service: '{VIP}:80' failed in 12 of 12 requests (timed out)")


@pytest.mark.parametrize(
    ("counted", "warned"),
    [((0, 0), True), ((1, 0), False), ((6, 6), False)],
)
def test_requests_that_no_director_counted(hosts: dict[str, Any], counted: tuple[int, int], warned: bool) -> None:
    count(hosts, *counted)
    assert (UNCOUNTED in judge(hosts)["warnings"]) == warned


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({}, 12),
        ({"port": 0}, 12),
        ({"fwmark": 7, "address": None, "port": None, "protocol": None}, 12),
        ({"port": 81}, 0),
        ({"protocol": "udp"}, 0),
        ({"address": "192.0.2.31"}, 0),
    ],
)
def test_which_services_count(change: dict[str, Any], counted: int) -> None:
    """Those of the endpoint, of every port, and of marks, which may take any packet."""
    before, after = table(10, 20), table(16, 26)
    after["services"][0].update(change)
    assert connections_to(before, after, VIP, 80) == counted


def test_a_director_that_was_not_read_twice(hosts: dict[str, Any]) -> None:
    """Nothing is said about what it counted."""
    count(hosts, 0, 0)
    hosts["director"]["__verify_after"] = {}
    assert UNCOUNTED not in judge(hosts)["warnings"]


def test_facts_of_a_client_that_was_not_read(hosts: dict[str, Any]) -> None:
    hosts["client"]["__verify_look"]["facts"] = {**facts("client"), "routes": {}}
    fail(hosts)
    (error,) = judge(hosts)["errors"]
    assert error.startswith("client: service: ")
