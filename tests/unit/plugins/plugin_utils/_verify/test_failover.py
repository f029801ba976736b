# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors with VRRP: who has the VIP is seen and not declared, and it is one of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.verify import verify_checks
from verified_hosts import GROUPS, MACS, SERVICES, VIP, good_cluster

SECOND = "02:00:00:00:00:09"
DIRECTORS = {**GROUPS, "directors": ["director", "second"]}


@pytest.fixture
def hosts() -> dict[str, Any]:
    """Return hostvars of a cluster with two directors, of which the first has the VIP."""
    found = good_cluster()
    found["second"] = copy.deepcopy(found["director"])
    found["second"]["ansible_host"] = "192.0.2.9"
    found["second"]["__verify_look"]["facts"]["interfaces"][1].update(mac=SECOND)
    found["second"]["__verify_after"] = copy.deepcopy(found["second"]["__verify_look"]["table"])
    for host in ("director", "second"):
        found[host]["director_failover"] = "vrrp"
        found[host]["__verify_look"]["boots"]["director"]["declared"]["vips"] = []
    addresses(found, director=True, second=False)
    return found


def addresses(hosts: dict[str, Any], **has: bool) -> None:
    """Say which director has the VIP."""
    for host, own in (("director", "192.0.2.3/24"), ("second", "192.0.2.9/24")):
        vips = [f"{VIP}/32"] if has[host] else []
        hosts[host]["__verify_look"]["facts"]["interfaces"][1]["addresses"] = [own, *vips]


def heard(hosts: dict[str, Any], *macs: str) -> None:
    """Say who answers for the VIP; a director does not hear itself."""
    for look in (own["__verify_look"] for own in hosts.values() if "__verify_look" in own):
        mine = look["facts"]["interfaces"][1]["mac"]
        look["facts"]["owners"] = {VIP: [mac for mac in macs if mac != mine]}


def judged(hosts: dict[str, Any]) -> dict[str, Any]:
    return verify_checks(SERVICES, DIRECTORS, hosts)


@pytest.mark.parametrize(("active", "standby"), [("director", "second"), ("second", "director")])
def test_each_director_may_have_it(hosts: dict[str, Any], active: str, standby: str) -> None:
    addresses(hosts, **{active: True, standby: False})
    mac = {"director": MACS["director"], "second": SECOND}[active]
    heard(hosts, mac)
    told = judged(hosts)
    assert (told["errors"], told["warnings"]) == ([], [])
    lines = "\n".join(told["lines"])
    assert f"{VIP} is assigned by failover on {active}, and {standby} on standby" in lines
    assert f"{VIP} is answered for by {active} ({mac}) alone" in lines


def test_two_that_have_it_at_once(hosts: dict[str, Any]) -> None:
    """With the MAC of each, and who heard which."""
    addresses(hosts, director=True, second=True)
    heard(hosts, MACS["director"], SECOND)
    (error,) = judged(hosts)["errors"]
    assert error == (
        f"VIP: '{VIP}' is on 2 directors at once: director ({MACS['director']}, which second, rs1, rs2, client heard) and "
        f"second ({SECOND}, which director, rs1, rs2, client heard); look why they do not hear each other: "
        "lvs-cluster-vrrp.service on each, a packet filter that drops IP protocol 112, and the segment itself."
    )


def test_none_that_has_it(hosts: dict[str, Any]) -> None:
    addresses(hosts, director=False, second=False)
    heard(hosts)
    (error,) = judged(hosts)["errors"]
    assert error.startswith(
        f"VIP: '{VIP}' is on none of its directors (director, second); look at lvs-cluster-vrrp.service"
    )


def test_one_that_was_not_looked_at_may_have_it(hosts: dict[str, Any]) -> None:
    addresses(hosts, director=False, second=False)
    del hosts["second"]["__verify_look"], hosts["second"]["__verify_after"]
    heard(hosts, SECOND)
    assert judged(hosts)["errors"] == []


def test_a_stranger_that_answers_too_is_still_named(hosts: dict[str, Any]) -> None:
    heard(hosts, MACS["director"], "02:00:00:00:00:77")
    (error,) = judged(hosts)["errors"]
    assert "02:00:00:00:00:77 too, which is no host of the cluster" in error


def test_a_boot_that_brings_it_back(hosts: dict[str, Any]) -> None:
    """On the standby that would be a second one."""
    heard(hosts, MACS["director"])
    vips = [{"interface": "eth0", "addresses": [VIP]}]
    hosts["second"]["__verify_look"]["boots"]["director"]["declared"]["vips"] = vips
    (error,) = judged(hosts)["errors"]
    assert f"brings VIP {VIP} back at boot, also on standby, and failover assigns it" in error
