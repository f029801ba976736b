# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_arp_filter on a real kernel: who answers for a VIP, whom the host asks as, and what is left afterwards."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp.packets import REPLY, REQUEST, Arp
from netns_hosts import Namespace, Segment
from netns_vips import Capture

VIP, OTHER, VIP6 = "192.0.2.30", "192.0.2.31", "2001:db8::30"
CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
Module = Callable[..., dict[str, Any]]


@pytest.fixture
def module(nftables_binding: Path) -> Module:
    """Return a function that runs vip_arp_filter on a host, and returns its answer."""

    def run(host: Namespace, check: bool = False, **options: Any) -> dict[str, Any]:
        answer = host.module("vip_arp_filter", check=check, bindings=nftables_binding, name="realserver", **options)
        assert "operations" in answer, answer
        return answer

    return run


@pytest.fixture
def hosts(make_segment: Callable[[int], Segment]) -> tuple[Namespace, Namespace]:
    """Return a client, and a server with two VIPs on lo."""
    client, server = make_segment(2).hosts
    for vip in (VIP, OTHER):
        server.ip(f"addr add {vip}/32 dev lo")
    return client, server


def wish(*addresses: str) -> dict[str, Any]:
    """Return the options that keep these VIPs out of ARP."""
    return {"addresses": list(addresses), "source_address": SERVER}


def answers(client: Namespace, server: Namespace, vip: str) -> bool:
    """Return whether the server answers when the client sends to the VIP."""
    client.ip("neigh flush dev eth0")
    with Capture(client) as wire:
        send(client, vip)
        return any(isinstance(one, Arp) and (one.operation, one.sender) == (REPLY, vip) for one in wire.heard())


def asks_as(server: Namespace, client: Namespace, vip: str) -> set[str]:
    """Return the senders of the requests that the client hears when the server sends to it from the VIP."""
    server.ip("neigh flush dev eth0")
    with Capture(client) as wire:
        send(server, CLIENT, source=vip)
        return {one.sender for one in wire.heard() if isinstance(one, Arp) and one.operation == REQUEST}


def send(host: Namespace, target: str, source: str = "0.0.0.0") -> None:
    """Send a datagram, for which the kernel has to ask the segment."""
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((source, 0))
        out.sendto(b"", (target, 9999))


def test_a_vip_is_kept_out_of_arp_and_let_in_again(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, server = hosts
    assert answers(client, server, VIP)
    assert asks_as(server, client, VIP) == {VIP}
    module(server, **wish(VIP, VIP6))
    assert not answers(client, server, VIP)
    assert asks_as(server, client, VIP) == {SERVER}
    assert client.json("neigh show 192.0.2.2")[0]["lladdr"] == "02:00:00:00:00:02"
    assert client.json(f"neigh show {VIP}")[0].get("lladdr") is None
    assert answers(client, server, OTHER)
    assert answers(client, server, SERVER)
    module(server, state="absent")
    assert answers(client, server, VIP)
    assert asks_as(server, client, VIP) == {VIP}
    assert server.run("nft", "list", "ruleset") == ""


def test_the_neighbour_is_found_all_the_same(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, server = hosts
    module(server, **wish(VIP))
    client.ip(f"route add {VIP}/32 via {SERVER}")
    client.ip(f"addr add {OTHER}/32 dev lo")
    with client.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((CLIENT, 9999))
        receiver.settimeout(5)
        asks_as(server, client, VIP)
        assert receiver.recvfrom(64)[1][0] == VIP


def test_only_the_difference_is_done(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    _, server = hosts
    table = "(table arp lvs-cluster-realserver)"
    rehearsed = module(server, check=True, **wish(VIP))
    assert server.run("nft", "list", "ruleset") == ""
    made = module(server, **wish(VIP))
    assert made["operations"] == [f"keep {VIP} out of ARP, and ask as {SERVER} {table}"] == rehearsed["operations"]
    assert made["diff"] == rehearsed["diff"]
    assert (made["addresses"], made["source_address"]) == ([VIP], SERVER)
    assert not module(server, **wish(VIP))["changed"]
    both = module(server, **wish(VIP, OTHER))
    assert both["operations"] == [f"keep {VIP}, {OTHER} out of ARP, and ask as {SERVER} {table}"]
    assert both["diff"]["before"] == {"addresses": [VIP], "source_address": SERVER}
    assert not module(server, **wish(OTHER, VIP))["changed"]
    assert module(server, **wish(VIP6))["operations"] == ["remove table arp lvs-cluster-realserver"]
    assert not module(server, state="absent", **wish(VIP))["changed"]


@pytest.mark.parametrize(
    "hands",
    [
        "flush chain arp lvs-cluster-realserver input",
        "add rule arp lvs-cluster-realserver output accept",
        "insert rule arp lvs-cluster-realserver input accept",
        "add chain arp lvs-cluster-realserver more",
        "delete element arp lvs-cluster-realserver vips { 192.0.2.30 }",
        "add element arp lvs-cluster-realserver vips { 192.0.2.99 }",
        "delete table arp lvs-cluster-realserver",
    ],
)
def test_what_hands_did_is_put_right(hosts: tuple[Namespace, Namespace], module: Module, hands: str) -> None:
    client, server = hosts
    module(server, **wish(VIP))
    server.run("nft", "add", "table", "arp", "theirs")
    server.run("nft", hands)
    assert module(server, **wish(VIP))["changed"]
    assert not answers(client, server, VIP)
    assert not module(server, **wish(VIP))["changed"]
    assert "table arp theirs" in server.run("nft", "list", "tables")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"addresses": [VIP], "source_address": "192.0.2.77"},
            f"source_address: '192.0.2.77' is not an address of this host, which has {SERVER}, {OTHER}; "
            "name the one on the segment of the director.",
        ),
        ({"addresses": [VIP]}, f"source_address is missing for {VIP}; name this host's own IPv4 address (RIP)."),
    ],
)
def test_bad_input(hosts: tuple[Namespace, Namespace], module: Module, options: dict[str, Any], words: str) -> None:
    assert module(hosts[1], **options)["msg"] == words
