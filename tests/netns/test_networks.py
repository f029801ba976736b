# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts with several networks: what the kernel does with their packets, and that preflight_info returns the same."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from netns_hosts import LIMIT, Namespace, Segment

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
# A client of another network
CLIENT = "203.0.113.9"


def look(host: Namespace, *addresses: str) -> dict[str, Any]:
    answer = host.module("preflight_info", addresses=list(addresses))
    assert "facts" in answer, answer
    facts: dict[str, Any] = answer["facts"]
    return facts


def arrivals(sender: Namespace, receiver: Namespace, to: str, first: str, last: str) -> list[str]:
    """Send a packet from each of two addresses, and return whose came, up to that of `last`, which always arrives.

    Both take the same way, and the one that is sent first would be received first.
    """
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with ExitStack() as stack:
        with receiver.entered():
            inbox = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            inbox.settimeout(LIMIT)
            inbox.bind((to, 0))
        for source in (first, last):
            with sender.entered():
                outbox = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
                outbox.bind((source, 0))
                outbox.sendto(source.encode(), (to, inbox.getsockname()[1]))
        came: list[str] = []
        while last not in came:
            came.append(inbox.recv(100).decode())
        return came


def connect(one: Namespace, other: Namespace, device: str, near: str, far: str) -> None:
    """Connect two hosts by another segment of their own, on a device of that name with these addresses."""
    one.ip(f"link add {device} type veth peer name {device} netns {other.name}")
    for host, address in ((one, near), (other, far)):
        host.ip(f"link set {device} up", f"addr add {address} dev {device}")
    for host in (one, other):
        host.wait_until_running(device)


def test_the_routes_say_what_is_on_a_segment(make_segment: Callable[[int], Segment], make_namespace: Any) -> None:
    """A director with a leg in each of two networks, and a way to a third by a gateway."""
    director, _server = make_segment(2).hosts
    other = make_namespace()
    connect(director, other, "eth1", "198.51.100.1/24", "198.51.100.4/24")
    director.ip("route add 203.0.113.0/24 via 198.51.100.4", "route add 203.0.113.7/32 dev eth1")
    other.ip("addr add 203.0.113.7/32 dev lo")
    director.ip(f"addr add {VIP}/32 dev lo")
    asked = ("192.0.2.2", "198.51.100.4", "203.0.113.4", "203.0.113.7", "2001:db8::2", VIP, "100.64.0.1")
    facts = look(director, *asked)
    assert facts["routes"] == {
        "192.0.2.2": {"interface": "eth0", "gateway": ""},
        "198.51.100.4": {"interface": "eth1", "gateway": ""},
        "203.0.113.4": {"interface": "eth1", "gateway": "198.51.100.4"},
        "203.0.113.7": {"interface": "eth1", "gateway": ""},
        "2001:db8::2": {"interface": "eth0", "gateway": ""},
        # Where it would be if this host did not have it
        VIP: {"interface": "eth0", "gateway": ""},
        "100.64.0.1": {"interface": "", "gateway": ""},
    }
    # ARP is asked where the routes lead, whatever network the address is of.
    assert len(facts["owners"]["198.51.100.4"]) == len(facts["owners"]["203.0.113.7"]) == 1
    assert "203.0.113.4" in facts["unasked"]


def test_routing_rules_count(make_segment: Callable[[int], Segment], make_namespace: Any) -> None:
    director, _server = make_segment(2).hosts
    connect(director, make_namespace(), "eth1", "198.51.100.1/24", "198.51.100.4/24")
    director.ip("rule add to 203.0.113.4 lookup 77", "route add 203.0.113.4/32 dev eth1 table 77")
    assert look(director, "203.0.113.4")["routes"]["203.0.113.4"] == {"interface": "eth1", "gateway": ""}


@pytest.mark.parametrize("strict_on", ["all", "eth0"])
def test_a_strict_reverse_path_filter_drops_clients_of_other_networks(
    make_segment: Callable[[int], Segment], make_namespace: Any, strict_on: str
) -> None:
    """The server's default route leaves by eth1, and the frames of the director come in on eth0."""
    director, server = make_segment(2).hosts
    connect(server, make_namespace(), "eth1", "198.51.100.2/24", "198.51.100.254/24")
    server.ip("route add default via 198.51.100.254")
    director.ip(f"addr add {CLIENT}/32 dev lo")
    server.ip(f"addr add {VIP}/32 dev lo")
    director.ip(f"route add {VIP}/32 via 192.0.2.2")
    for device in ("all", "eth0", "eth1"):
        server.sysctl(f"ipv4/conf/{device}/rp_filter", 0)
    assert look(server, VIP)["filtered"] == {}
    assert arrivals(director, server, VIP, CLIENT, "192.0.2.1") == [CLIENT, "192.0.2.1"]
    server.sysctl(f"ipv4/conf/{strict_on}/rp_filter", 1)
    facts = look(server, VIP)
    # Only eth0: what comes in on eth1 is answered there.
    assert {name: set(found) for name, found in facts["filtered"].items()} == {"eth0": {"192.0.2.2", VIP}}
    assert arrivals(director, server, VIP, CLIENT, "192.0.2.1") == ["192.0.2.1"]
    # Loose on this one interface is enough, whatever `all` says.
    server.sysctl("ipv4/conf/eth0/rp_filter", 2)
    facts = look(server, VIP)
    assert facts["filtered"] == {}
    assert [one["rp_filter"] for one in facts["interfaces"] if one["name"] == "eth0"] == [2]
    assert arrivals(director, server, VIP, CLIENT, "192.0.2.1") == [CLIENT, "192.0.2.1"]


def test_a_rule_for_answers_from_the_vip_passes_the_filter(
    make_segment: Callable[[int], Segment], make_namespace: Any
) -> None:
    director, server = make_segment(2).hosts
    connect(server, make_namespace(), "eth1", "198.51.100.2/24", "198.51.100.254/24")
    server.ip("route add default via 198.51.100.254", f"addr add {VIP}/32 dev lo")
    server.ip(f"rule add from {VIP} lookup 77", "route add default via 192.0.2.1 dev eth0 table 77")
    director.ip(f"addr add {CLIENT}/32 dev lo", f"route add {VIP}/32 via 192.0.2.2")
    server.sysctl("ipv4/conf/eth0/rp_filter", 1)
    assert look(server, VIP)["filtered"] == {"eth0": ["192.0.2.2"]}
    assert arrivals(director, server, VIP, CLIENT, "192.0.2.1") == [CLIENT, "192.0.2.1"]


def test_without_a_route_to_other_networks_nothing_is_said(make_segment: Callable[[int], Segment]) -> None:
    (host,) = make_segment(1).hosts
    host.sysctl("ipv4/conf/eth0/rp_filter", 1)
    assert look(host)["filtered"] == {}


@pytest.fixture(name="behind_the_director")
def made_behind_the_director(make_segment: Callable[[int], Segment]) -> tuple[Namespace, Namespace, Namespace]:
    """A client, a director with the VIPs, and a server whose answers go to the client by way of the director."""
    client, director, server = made = make_segment(3).hosts
    director.ip(f"addr add {VIP}/32 dev eth0", f"addr add {VIP6}/128 dev eth0 nodad")
    server.ip(f"addr add {VIP}/32 dev lo", f"addr add {VIP6}/128 dev lo nodad")
    server.ip("route add 192.0.2.1/32 via 192.0.2.2", "route add 2001:db8::1/128 via 2001:db8::2")
    for host in made:
        for device in ("all", "eth0"):
            host.sysctl(f"ipv4/conf/{device}/rp_filter", 0)
            host.sysctl(f"ipv4/conf/{device}/send_redirects", 0)
    return client, director, server


@pytest.mark.parametrize("rp_filter", [0, 1, 2])
def test_a_director_forwards_what_has_its_own_vip_as_sender_with_accept_local(
    behind_the_director: tuple[Namespace, Namespace, Namespace], rp_filter: int
) -> None:
    """Without accept_local it takes such a packet for a martian; that of another sender is forwarded."""
    client, director, server = behind_the_director
    director.sysctl("ipv4/conf/all/forwarding", 1)
    director.sysctl("ipv4/conf/eth0/rp_filter", rp_filter)
    assert arrivals(server, client, "192.0.2.1", VIP, "192.0.2.3") == ["192.0.2.3"]
    director.sysctl("ipv4/conf/eth0/accept_local", 1)
    (eth0,) = [one for one in look(director)["interfaces"] if one["name"] == "eth0"]
    assert (eth0["accept_local"], eth0["forwarding"], eth0["rp_filter"]) == (True, True, rp_filter)
    assert arrivals(server, client, "192.0.2.1", VIP, "192.0.2.3") == [VIP, "192.0.2.3"]


@pytest.mark.parametrize(("rp_filter", "passes"), [(0, True), (1, False), (2, True)])
def test_a_strict_filter_wants_the_vip_on_the_interface_of_the_servers(
    behind_the_director: tuple[Namespace, Namespace, Namespace], rp_filter: int, passes: bool
) -> None:
    """Such as where clients and servers have a network each, and the VIP is on the clients'."""
    client, director, server = behind_the_director
    director.ip(f"addr del {VIP}/32 dev eth0", "link add clients0 type bridge", "link set clients0 up")
    director.ip(f"addr add {VIP}/32 dev clients0")
    director.sysctl("ipv4/conf/all/forwarding", 1)
    director.sysctl("ipv4/conf/eth0/accept_local", 1)
    director.sysctl("ipv4/conf/eth0/rp_filter", rp_filter)
    came = arrivals(server, client, "192.0.2.1", VIP, "192.0.2.3")
    assert came == ([VIP, "192.0.2.3"] if passes else ["192.0.2.3"])


def test_ipv6_needs_forwarding_alone(behind_the_director: tuple[Namespace, Namespace, Namespace]) -> None:
    client, director, server = behind_the_director
    assert look(director)["ipv6_forwarding"] is False
    director.sysctl("ipv6/conf/all/forwarding", 1)
    assert look(director)["ipv6_forwarding"] is True
    assert arrivals(server, client, "2001:db8::1", VIP6, "2001:db8::3") == [VIP6, "2001:db8::3"]


def test_which_devices_do_arp(make_segment: Callable[[int], Segment]) -> None:
    """One without ARP, as dummy devices and tunnels are, has the flag NOARP."""
    (host,) = make_segment(1).hosts
    host.ip("link add br7 type bridge", "link add quiet7 type bridge", "link set quiet7 arp off")
    found = {one["name"]: one["arp"] for one in look(host)["interfaces"]}
    expected = {"lo": False, "eth0": True, "br7": True, "quiet7": False}
    assert {name: found[name] for name in expected} == expected
