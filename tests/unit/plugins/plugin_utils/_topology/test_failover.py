# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors that decide among themselves who has the VIPs: their VRRP instances, and what they have to agree on."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.failover import (
    failover_gate,
    failover_instances,
    failover_openings,
    failover_sync,
    failover_vips,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.owners import (
    ANOTHER,
    AT_RUN_TIME,
    NOBODY,
    vip_owners,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_findings, read_topology
from hypothesis import given
from hypothesis import strategies as st

WEB, MAIL, DNS = "192.0.2.30", "192.0.2.31", "2001:db8::32"
HOSTS = ("lb1", "lb2", "lb3", "rs1")
GROUPS = {"directors": ["lb1", "lb2", "lb3"], "realservers": ["rs1"]}
SERVICES = [
    {"name": "web", "address": WEB, "ports": [80], "directors": ["lb1", "lb2"]},
    {"name": "mail", "address": MAIL, "ports": [25], "directors": ["lb2", "lb1"]},
    {"name": "dns", "address": DNS, "ports": [53], "directors": ["lb1", "lb2"]},
]


def hostvars(everywhere: dict[str, Any], **changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the variables of the hosts; directors have those of `everywhere`."""
    found = {}
    for number, host in enumerate(HOSTS, 2):
        own = {"director_address": [f"192.0.2.{number}", f"2001:db8::{number}"], **everywhere}
        if host.startswith("rs"):
            own = {"realserver_address": [f"192.0.2.{number}", f"2001:db8::{number}"]}
        found[host] = {**own, **changes.get(host, {})}
    return found


def vrrp(services: Any = None, **changes: dict[str, Any]) -> Topology:
    return read_topology(services or SERVICES, GROUPS, hostvars({"director_failover": "vrrp"}, **changes))


def test_each_order_of_directors_is_an_instance() -> None:
    found = vrrp()
    assert failover_instances(found, "lb1") == [
        {
            "name": "group1",
            "vrid": 51,
            "priority": 254,
            "source_address": "192.0.2.2",
            "peers": ["192.0.2.3"],
            "vips": [WEB, DNS],
        },
        {
            "name": "group2",
            "vrid": 52,
            "priority": 253,
            "source_address": "192.0.2.2",
            "peers": ["192.0.2.3"],
            "vips": [MAIL],
        },
    ]
    assert [one["priority"] for one in failover_instances(found, "lb2")] == [253, 254]
    assert failover_instances(found, "lb3") == failover_instances(found, "rs1") == []


def test_no_task_and_no_boot_assigns_or_releases_their_vips() -> None:
    found = vrrp()
    for host in ("lb1", "lb2"):
        assert failover_vips(found, host) == [WEB, MAIL, DNS]
        assert views.director_vips(found, host) == views.director_standby_vips(found, host) == []
        # Each of them has the whole table.
        assert len(views.director_services(found, host)) == len(SERVICES)
    assert failover_vips(found, "rs1") == []


def test_what_directors_need_of_each_other() -> None:
    found = vrrp()
    opening = {"address": "192.0.2.2", "port": None, "protocol": "vrrp", "source": "192.0.2.3"}
    assert failover_openings(found, "lb1") == [opening]
    assert failover_openings(found, "lb3") == failover_openings(found, "rs1") == []
    assert failover_gate(found, "lb1") == {"anchors": ["169.254.51.51", "169.254.52.52"], "standby": -2}
    assert failover_gate(found, "rs1") == {"anchors": [], "standby": 0}
    assert failover_sync(found, "lb1")
    # Nobody is there to synchronise with.
    assert not failover_sync(vrrp(lb2={"director_state": "absent"}), "lb1")
    # A standby stays below a master of any place, also while one of three is absent.
    three = [{**SERVICES[0], "directors": ["lb1", "lb2", "lb3"]}]
    assert failover_gate(vrrp(three, lb2={"director_state": "absent"}), "lb3")["standby"] == -3


@pytest.mark.parametrize(("address", "synchronised"), [("2001:db8::9", False), ("192.0.2.9", True)])
def test_tunnels_of_another_family_exclude_synchronisation(address: str, synchronised: bool) -> None:
    tunnel = {"name": "far", "address": WEB, "ports": [80], "directors": ["lb1", "lb2"], "forwarding": "tunnel"}
    found = vrrp([{**tunnel, "real_servers": ["rs1"]}], rs1={"realserver_address": address})
    assert failover_sync(found, "lb1") == synchronised


@pytest.mark.parametrize(
    ("change", "refused"),
    [({}, True), ({"forwarding": "masquerade"}, False), ({"directors": ["lb1"]}, False)],
)
def test_a_director_that_is_a_real_server_too(change: dict[str, Any], refused: bool, error_words: Any) -> None:
    service = {**SERVICES[0], "real_servers": ["lb1", "rs1"], **change}
    found = read_findings(
        [service], GROUPS, hostvars({"director_failover": "vrrp"}, lb1={"realserver_address": "192.0.2.2"})
    )
    assert [error_words(one.error)[0] for one in found] == ["lb1: director_failover"] * refused


def test_without_an_engine_all_is_as_it_was() -> None:
    found = read_topology(SERVICES, GROUPS, hostvars({}))
    assert failover_vips(found, "lb1") == failover_instances(found, "lb1") == []
    assert (views.director_vips(found, "lb1"), views.director_standby_vips(found, "lb1")) == ([WEB, DNS], [MAIL])


def test_one_that_is_absent_keeps_its_place() -> None:
    found = vrrp(lb1={"director_state": "absent"})
    assert failover_instances(found, "lb1") == []
    (web, mail) = failover_instances(found, "lb2")
    assert (web["priority"], web["peers"], mail["priority"]) == (253, [], 254)


def test_who_has_a_vip_is_decided_at_run_time() -> None:
    owners = vip_owners(vrrp(lb2={"director_state": "absent"}))
    assert [owners[WEB].seen_from(host) for host in HOSTS] == [AT_RUN_TIME, ANOTHER, ANOTHER, ANOTHER]
    assert [owner.director for owner in owners.values()] == ["lb1", "lb1", "lb1"]
    gone = vip_owners(vrrp(lb1={"director_state": "absent"}, lb2={"director_state": "absent"}))
    assert gone[WEB].seen_from("lb1") == NOBODY


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        ({"lb2": {"director_failover": "none"}}, ["director_failover"] * 2),
        ({"lb2": {"director_vrid": 60}}, ["director_vrid"]),
        ({host: {"director_vrid": 255} for host in ("lb1", "lb2")}, ["director_vrid"] * 2),
        ({host: {"director_vrid": 254} for host in ("lb1", "lb2")}, []),
        ({"lb1": {"director_vrid": 0}}, ["director_vrid of lb1", "director_vrid"]),
        ({"lb1": {"director_address": "2001:db8::2"}}, ["director_address"]),
        ({"lb1": {"director_address": "2001:db8::2", "director_state": "absent"}}, []),
        ({"lb1": {"director_failover": "raft"}}, ["director_failover"]),
        # A director of no service has nothing to agree on.
        ({"lb3": {"director_failover": "none", "director_vrid": 7}}, []),
    ],
)
def test_what_directors_have_to_agree_on(changes: dict[str, Any], subjects: list[str], error_words: Any) -> None:
    found = read_findings(SERVICES, GROUPS, hostvars({"director_failover": "vrrp"}, **changes))
    assert sorted(error_words(one.error)[0].partition(": ")[2] or one.subject for one in found) == sorted(subjects)


orders = st.lists(st.permutations(["lb1", "lb2", "lb3"]), min_size=1, max_size=6)


@given(orders, st.sets(st.sampled_from(["lb1", "lb2", "lb3"]), max_size=3))
def test_directors_agree_about_every_instance(orders: list[list[str]], absent: set[str]) -> None:
    """Of each group all directors have the same VRID and VIPs, different priorities, and each other as peers."""
    services = [
        {"name": f"s{number}", "address": f"192.0.2.{100 + number}", "ports": [80], "directors": order}
        for number, order in enumerate(orders)
    ]
    found = vrrp(services, **{host: {"director_state": "absent"} for host in absent})
    hosts = [host for host in ("lb1", "lb2", "lb3") if host not in absent]
    views_of = {host: failover_instances(found, host) for host in hosts}
    for one, other in combinations(views_of.values(), 2):
        assert [(each["vrid"], each["vips"]) for each in one] == [(each["vrid"], each["vips"]) for each in other]
        assert all(mine["priority"] != theirs["priority"] for mine, theirs in zip(one, other, strict=True))
        assert all(mine["source_address"] in theirs["peers"] for mine, theirs in zip(one, other, strict=True))
    for instances in views_of.values():
        assert len({each["vrid"] for each in instances}) == len(instances)
        assert sorted(vip for each in instances for vip in each["vips"]) == sorted(str(s["address"]) for s in services)
