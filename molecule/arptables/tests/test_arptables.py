# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that a filter keeps out of ARP, seen from the client; the same after another mode, and after a reboot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from lab_shell import LabShell

LAB = LabShell("molecule/arptables/inventory")
on, mac = LAB.on, LAB.mac
VIP, CLIENT = "192.168.91.30", "192.168.91.6"
RIPS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5"}
TABLE = "arp lvs-cluster-realserver"
UNIT = "lvs-cluster-realserver.service"


def who_answers() -> set[str]:
    """Return the MACs that answer the client for the VIP."""
    return LAB.who_answers("client", VIP)


def asks_as(server: str) -> set[str]:
    """Return the senders that the client hears in the server's requests when it sends to the client from the VIP."""
    theirs = f"arp[6:2] = 1 and ether src {mac(server)} and dst host {CLIENT}"
    with LAB.hearing("client", theirs) as heard:
        on(server, f"ip neigh flush to {CLIENT} dev lan0; ping -c 1 -W 5 -I {VIP} {CLIENT} > /dev/null || true")
    return set(re.findall(r"who-has \S+ tell ([0-9.]+)", "".join(heard)))


@contextmanager
def without_filter(server: str) -> Iterator[None]:
    """Take the filter away, and keep what would bring it back from doing so meanwhile."""
    on(server, f"systemctl stop {UNIT}; nft delete table {TABLE}")
    try:
        yield
    finally:
        on(server, f"systemctl start {UNIT}")


def test_the_director_alone_answers():
    assert who_answers() == {mac("director")}


@pytest.mark.parametrize("server", RIPS)
def test_the_server_asks_as_itself(server):
    assert asks_as(server) == {RIPS[server]}


@pytest.mark.parametrize("server", RIPS)
def test_it_is_the_filter_that_does_it(server):
    """What the sysctls had been set to, where they were, is given back."""
    conf = "/proc/sys/net/ipv4/conf"
    names = "{all,default,lo,lan0}/arp_{ignore,announce}"
    assert set(on(server, f"bash -c 'cat {conf}/{names}'").split()) == {"0"}
    with without_filter(server):
        assert who_answers() == {mac("director"), mac(server)}
        assert asks_as(server) == {VIP}
    assert who_answers() == {mac("director")}
    assert asks_as(server) == {RIPS[server]}


def test_where_the_vip_is():
    assert f"inet {VIP}/32" in on("rs1", "ip address show dev lo")
    shown = on("rs2", "ip -details address show dev dummy0")
    assert f"inet {VIP}/32" in shown
    assert re.search(r"^ +dummy ", shown, re.M)
    assert VIP not in on("rs2", "ip address show dev lo")


def test_every_request_is_served():
    assert LAB.visits(f"http://{VIP}/", 12) == {"rs1": 6, "rs2": 6}
