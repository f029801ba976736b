# SPDX-License-Identifier: GPL-3.0-or-later
"""What a static neighbour entry does for a gateway on the wire, and what the kernel does with it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp.client import announce
from ansible_collections.lvs.cluster.plugins.module_utils._arp.packets import REQUEST, unpack_arp
from netns_hosts import Namespace, Segment
from netns_neighbors import BOTH, MAC, VIP, VIP6, carry_out, shown

ETH_P_ALL = 3


@pytest.mark.parametrize("static", [True, False])
def test_the_gateway_asks_nobody_and_believes_nobody(make_segment: Callable[[int], Segment], static: bool) -> None:
    segment = make_segment(3)
    director, poisoner, gateway = segment.hosts
    director.ip(f"addr add {VIP}/32 dev eth0")
    director.ip(f"addr add {VIP6}/128 dev eth0 nodad")
    if static:
        carry_out(gateway, {VIP: segment.mac(1), VIP6: segment.mac(1)})
    with poisoner.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        send(gateway, director)
        asked = questions(wire, segment.mac(3))
        announce("eth0", [VIP, VIP6], 1, 0)
    found = shown(gateway)
    macs = {found[vip][0] for vip in BOTH}
    # The other case shows that the test can see both: it asks, and takes the poison.
    assert (asked, macs) == ((set(), {segment.mac(1)}) if static else (set(BOTH), {segment.mac(2)}))


def send(sender: Namespace, director: Namespace) -> None:
    """Send a datagram to each VIP, and see that the director has it."""
    for family, vip in ((socket.AF_INET, VIP), (socket.AF_INET6, VIP6)):
        with director.entered(), socket.socket(family, socket.SOCK_DGRAM) as receiver:
            receiver.settimeout(10)
            receiver.bind((vip, 9999))
            with sender.entered(), socket.socket(family, socket.SOCK_DGRAM) as out:
                out.sendto(b"for the VIP", (vip, 9999))
            assert receiver.recv(64) == b"for the VIP"


def questions(wire: socket.socket, mac: str) -> set[str]:
    """Return the VIPs that a host has asked the segment for, by ARP or by neighbour solicitation."""
    wire.setblocking(False)
    asked = set()
    while True:
        try:
            frame = wire.recv(2048)
        except BlockingIOError:
            return asked & BOTH.keys()
        if frame[6:12].hex(":") == mac:
            arp = unpack_arp(frame)
            if arp and arp.operation == REQUEST:
                asked.add(arp.target)
            # IPv6, ICMPv6, neighbour solicitation; the target is behind 14 bytes of Ethernet, 40 of IPv6 and 8.
            elif (frame[12:14], frame[20], frame[54]) == (b"\x86\xdd", 58, 135):
                asked.add(socket.inet_ntop(socket.AF_INET6, frame[62:78]))


@pytest.mark.parametrize(
    ("commands", "left"),
    [
        (["link set far1 down"], [VIP, VIP6]),
        (["link set far1 down", "link set far1 up"], [VIP, VIP6]),
        (["link set eth1 down"], []),
        (["link set eth1 address 02:00:00:00:00:99"], []),
        (["addr del 198.51.100.1/24 dev eth1"], [VIP6]),
    ],
)
def test_what_the_kernel_does_with_entries_is_as_documented(
    gateway: Namespace, commands: list[str], left: list[str]
) -> None:
    carry_out(gateway, BOTH, interface="eth1")
    for command in commands:
        gateway.ip(command)
    assert list(shown(gateway, "eth1")) == left


def test_entries_of_a_device_that_is_down_hold_when_it_comes_up(gateway: Namespace) -> None:
    gateway.ip("link set eth1 down")
    made = carry_out(gateway, BOTH, interface="eth1")
    assert made.words == [f"set {vip} to {MAC} on eth1" for vip in BOTH]
    assert [warning.split(":")[0] for warning in made.warnings] == ["eth1 is down"]
    gateway.ip("link set eth1 up")
    assert shown(gateway, "eth1") == dict.fromkeys(BOTH, (MAC, "PERMANENT"))
    assert not carry_out(gateway, BOTH, interface="eth1").changed
