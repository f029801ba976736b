# SPDX-License-Identifier: GPL-3.0-or-later
"""A router that is told who has the VIPs: the same after another director has them, and the router was rebooted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lab_shell import LabShell

LAB = LabShell("molecule/gateway/inventory")
on, mac = LAB.on, LAB.mac
VIP, VIP6 = "192.168.91.30", "2001:db8:91::30"
URLS = {VIP: f"http://{VIP}/", VIP6: f"http://[{VIP6}]/"}
UNIT = "lvs-cluster-gateway.service"


@pytest.fixture(scope="module")
def active() -> str:
    """Return the director that has the VIPs."""
    having = [host for host in ("director", "standby") if f"inet {VIP}/" in on(host, "ip address show dev lan0")]
    assert len(having) == 1
    return having[0]


def visits(vip: str, number: int = 12) -> Counter[str]:
    """Return how many of the client's visits each server answered."""
    return LAB.visits(URLS[vip], number)


def balanced(director: str) -> int:
    """Return how many connections a director has given to servers until now."""
    return sum(connections for connections, _, _ in LAB.counted(director).values())


def known(vip: str) -> str:
    """Return what the router's neighbour table has for a VIP, which begins the line."""
    return on("router", f"ip neighbour show {vip} dev lan0").partition(" ")[2].strip()


def announce(server: str) -> None:
    """Have a real server claim the VIP, for longer than a router holds on to what it has just heard."""
    on(server, f"arping -U -c 3 -I lan0 -s {VIP} {VIP}")


@contextmanager
def unbound() -> Iterator[None]:
    """Let the router ask, and keep what would bind it again from doing so meanwhile."""
    on("router", f"systemctl stop {UNIT}; ip neighbour del {VIP} dev lan0")
    try:
        yield
    finally:
        on("router", f"systemctl start {UNIT}")


def test_everyone_would_answer(active):
    assert LAB.who_answers("router", VIP) == {mac(active), mac("rs1"), mac("rs2")}


@pytest.mark.parametrize("vip", URLS)
def test_the_router_knows_and_does_not_ask(active, vip):
    assert known(vip) == f"lladdr {mac(active)} PERMANENT"
    asks = f"ether src {mac('router')} and (arp[24:4] = 0xc0a85b1e or (icmp6 and ip6[40] = 135 and ip6[60:4] = 0x30))"
    with LAB.hearing("router", asks) as heard:
        before = balanced(active)
        assert visits(vip) == {"rs1": 6, "rs2": 6}
        assert balanced(active) == before + 12
    assert heard == []


def test_the_router_believes_nobody_else(active):
    announce("rs1")
    assert known(VIP) == f"lladdr {mac(active)} PERMANENT"
    assert visits(VIP) == {"rs1": 6, "rs2": 6}


def test_it_is_the_binding_that_does_it(active):
    with unbound():
        visits(VIP, 1)
        announce("rs1")
        assert mac("rs1") in known(VIP)
        before = balanced(active)
        assert visits(VIP) == {"rs1": 12}
        assert balanced(active) == before
    assert known(VIP) == f"lladdr {mac(active)} PERMANENT"
    assert visits(VIP) == {"rs1": 6, "rs2": 6}
