# SPDX-License-Identifier: GPL-3.0-or-later
"""verify on hosts with several networks, and on hosts that are director and real server."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.verify import verify_checks
from verified_hosts import GROUPS, MACS, SERVICES, VIP, boot, facts, fails, good_cluster, judge


@pytest.fixture
def hosts() -> dict[str, Any]:
    """Return hostvars of a cluster that works."""
    return good_cluster()


def devices(hosts: dict[str, Any], host: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hosts[host]["__verify_look"]["facts"]["interfaces"]
    return found


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, []),
        ("eth0", []),
        ({VIP: "eth1"}, ["is on eth0, and belongs on eth1; run lvs.cluster.site"]),
        ("eth1", ["is on eth0, and belongs on eth1; run lvs.cluster.site"]),
    ],
)
def test_a_vip_belongs_on_the_interface_of_its_network(hosts: dict[str, Any], chosen: Any, expected: list[str]) -> None:
    for device in devices(hosts, "director"):
        device["arp"] = device["name"] != "lo"
    devices(hosts, "director").append(
        {"name": "eth1", "mac": "02:00:00:00:01:03", "up": True, "addresses": ["198.51.100.3/24"], "arp": True}
    )
    # The interface of its network, whatever director_interface says
    hosts["director"]["director_interface"] = "eth1"
    if chosen:
        hosts["director"]["director_vip_interface"] = chosen
    errors = [error for error in judge(hosts)["errors"] if "VIP" in error]
    assert [error.startswith(f"director: VIP: '{VIP}' {words}") for error, words in zip(errors, expected)] == [
        True
    ] * len(expected)
    assert len(errors) == len(expected)


@pytest.mark.parametrize(("host", "address"), [("rs1", VIP), ("director", VIP)])
def test_what_the_reverse_path_filter_drops(hosts: dict[str, Any], host: str, address: str) -> None:
    """Where every client was served it is told; where one was not, it is why."""
    hosts["director"]["director_interface"] = "eth0"
    hosts[host]["__verify_look"]["facts"]["filtered"] = {"eth0": [address]}
    told = judge(hosts)
    assert told["errors"] == []
    (warning,) = told["warnings"]
    assert warning.startswith(
        f"{host}: rp_filter: '1' is in effect on eth0, and the host answers clients of other networks"
    )
    hosts["client"]["__verify_visits"]["services"][0]["failed"] = 12
    (error,) = judge(hosts)["errors"]
    assert error == warning


def test_a_director_on_standby_that_serves_and_has_the_services(hosts: dict[str, Any]) -> None:
    """As a run before 1.1.0 left it: both balance what the other one sends."""
    table = copy.deepcopy(hosts["director"]["__verify_look"]["table"])
    look = hosts["rs2"]["__verify_look"]
    look["boots"].update(
        boot("director", declared={"vips": [], "services": [], "timeouts": {}, "sysctls": {"conn_reuse_mode": 2}})
    )
    look["table"] = {**table, "services": [], "counters": []}
    groups = {**GROUPS, "directors": ["director", "rs2"]}
    before = verify_checks(SERVICES, groups, hosts)
    assert before["errors"] == []
    look["table"] = table
    (error,) = verify_checks(SERVICES, groups, hosts)["errors"]
    assert error.startswith(f"rs2: service: 'tcp {VIP}:80' is in the table of this host, which is a real server of it")
    # The bad path of the server follows from it.
    fails(hosts, 1, "rejected", "is rejected by the VIP (ICMP code 3)")
    assert verify_checks(SERVICES, groups, hosts)["errors"] == [error]


@pytest.mark.parametrize(("bound_on", "failed"), [("eth0", 0), ("eth1", 1)])
def test_a_gateway_is_told_where_it_sends(hosts: dict[str, Any], bound_on: str, failed: int) -> None:
    entries = [{"interface": bound_on, "address": VIP, "mac": MACS["director"]}]
    told = {**facts("client"), "interfaces": [], "routes": {VIP: {"interface": "eth0", "gateway": ""}}}
    hosts["gate"] = {"__verify_look": {"facts": told, "sysctls": {}, "boots": {}, "paths": [], "neighbors": entries}}
    errors = verify_checks(SERVICES, {**GROUPS, "gateways": ["gate"]}, hosts)["errors"]
    assert [error.startswith(f"gate: VIP: '{VIP}' is bound on eth1, and ") for error in errors] == [True] * failed
