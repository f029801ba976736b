# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_owner_info on a real segment."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp import client as packets_client
from ansible_collections.lvs.cluster.plugins.module_utils._arp import packets as packets_packets
from ansible_collections.lvs.cluster.plugins.modules.vip_owner_info import answer
from netns_hosts import RIGHTS, Namespace, Segment

VIP, VIP2, VIP6 = "192.0.2.30", "192.0.2.31", "2001:db8::30"


def ask(host: Namespace, *addresses: str, **options: Any) -> dict[str, Any]:
    """Ask as the module does, but in this process and not for long."""
    with host.entered():
        return answer({"addresses": list(addresses), "interface": None, "timeout": 0.3, "attempts": 2, **options})


def macs(result: dict[str, Any], vip: str = VIP) -> set[str]:
    """Return who answered."""
    return {owner["mac"] for owner in result["owners"][vip]}


@contextmanager
def traffic(host: Namespace, target: str) -> Iterator[None]:
    """Keep other ARP and IPv6 traffic going: names that nobody has are asked for all the time."""
    program = (
        "import socket, itertools\n"
        "four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
        "print('on', flush=True)\n"
        "for n in itertools.cycle(range(100, 200)):\n"
        f"    four.sendto(b'x', ('192.0.2.%d' % n, 9)); four.sendto(b'x', ('{target}', 9))\n"
        "    six.sendto(b'x', ('2001:db8::%x' % n, 9))\n"
    )
    noise = subprocess.Popen(
        ["ip", "netns", "exec", host.name, sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    )
    try:
        assert noise.stdout
        assert noise.stdout.readline() == "on\n"
        yield
    finally:
        noise.kill()
        noise.communicate(timeout=10)


def test_everyone_answers_for_vips_on_lo_until_the_arp_sysctls_are_set(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(4)
    director, *servers, client = segment.hosts
    director.ip(f"addr add {VIP}/32 dev eth0")
    for server in servers:
        server.ip(f"addr add {VIP}/32 dev lo")
    result = ask(client, VIP)
    assert macs(result) == {segment.mac(1), segment.mac(2), segment.mac(3)}
    assert result["summary"][0].startswith(f"{VIP}  CONFLICT, 3 hosts answer: ")
    for server in servers:
        server.sysctl("ipv4/conf/all/arp_ignore", 1)
    result = ask(client, VIP)
    assert macs(result) == {segment.mac(1)}
    assert (result["interface"], result["local"], result["operations"]) == ("eth0", {}, [])
    latency = result["owners"][VIP][0]["latency_ms"]
    assert 0 <= latency < 300
    assert result["summary"] == [f"{VIP}  {segment.mac(1)} ({latency} ms)"]


def test_several_vips_in_one_pass_among_other_traffic(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(4)
    segment.host(1).ip(f"addr add {VIP}/32 dev eth0")
    segment.host(2).ip(f"addr add {VIP2}/32 dev lo")
    segment.host(3).ip(f"addr add {VIP6}/128 dev eth0 nodad")
    with traffic(segment.host(4), "192.0.2.1"), traffic(segment.host(3), VIP):
        start = time.monotonic()
        result = ask(segment.host(4), VIP, VIP2, VIP6, "192.0.2.99", timeout=1)
        assert 1 <= time.monotonic() - start < 3
    assert macs(result, VIP) == {segment.mac(1)}
    assert macs(result, VIP2) == {segment.mac(2)}
    assert macs(result, VIP6) == {segment.mac(3)}
    assert result["owners"]["192.0.2.99"] == []
    assert result["summary"][3] == "192.0.2.99    nobody answers"


def test_two_owners_of_an_ipv6_vip(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(4)
    for number, device in ((1, "eth0"), (2, "eth0"), (3, "lo")):
        segment.host(number).ip(f"addr add {VIP6}/128 dev {device} nodad")
    # ND answers for a device's own addresses only: the third host, with the VIP on lo, is silent.
    assert macs(ask(segment.host(4), VIP6), VIP6) == {segment.mac(1), segment.mac(2)}


def test_asker_without_an_address_probes(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    segment.host(1).ip(f"addr add {VIP}/32 dev eth0")
    segment.host(2).ip("addr flush dev eth0 scope global")
    assert macs(ask(segment.host(2), VIP, interface="eth0")) == {segment.mac(1)}


def test_asker_that_has_the_vip_itself_hears_the_others(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    for number, device in ((1, "eth0"), (2, "lo")):
        segment.host(number).ip(f"addr add {VIP}/32 dev {device}")
    result = ask(segment.host(2), VIP)
    assert macs(result) == {segment.mac(1)}
    assert result["local"] == {VIP: "lo"}
    assert result["summary"][0].endswith("; this host has it too, on lo, and does not hear itself")


def test_module(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    segment.host(1).ip(f"addr add {VIP}/32 dev eth0")
    result = segment.host(2).module("vip_owner_info", check=True, addresses=[VIP], timeout=0.2)
    assert (result["changed"], macs(result)) == (False, {segment.mac(1)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"addresses": ["203.0.113.9"]},
            "addresses: '203.0.113.9' is behind the gateway 192.0.2.254, not on a segment of this host; name the interface "
            "to ask on.",
        ),
        (
            {"addresses": ["2001:db8:1::9"]},
            "addresses: '2001:db8:1::9' is on no network that this host has a route to, not on a segment of this host; "
            "name the interface to ask on.",
        ),
        (
            {"interface": "eth7"},
            "interface: 'eth7' does not exist on this host, which has eth0, lo; name one of these.",
        ),
        (
            {"interface": "lo"},
            "interface: 'lo' is not an Ethernet device and has no ARP; name one that is.",
        ),
    ],
)
def test_errors(make_segment: Callable[[int], Segment], options: dict[str, Any], message: str) -> None:
    host = make_segment(1).host(1)
    host.ip("route add default via 192.0.2.254")
    answer = host.module("vip_owner_info", **{"addresses": [VIP], **options})
    assert (answer.get("failed"), host.without_fallbacks(answer["msg"])) == (True, message)


def test_device_that_is_down(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.ip("link set eth0 down")
    answer = host.module("vip_owner_info", addresses=[VIP], interface="eth0")
    assert answer["msg"].startswith("The kernel refused to ask on eth0: it is down (errno 100); bring it up first.")


def test_not_permitted(make_segment: Callable[[int], Segment]) -> None:
    answer = make_segment(1).host(1).module("vip_owner_info", lacking=RIGHTS, addresses=[VIP])
    assert answer["msg"] == (
        "The task is not allowed to open eth0 for ARP: this needs CAP_NET_RAW; run the task as root (become: true)."
    )


def test_only_replies_to_the_asker_count(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    own, other = segment.mac(2), segment.mac(1)
    frames = [
        packets_packets.arp_announcement(other, VIP),
        packets_packets.pack_arp(
            packets_packets.Arp(packets_packets.REPLY, other, VIP, "02:00:00:00:00:77", "192.0.2.2")
        ),
        packets_packets.pack_arp(
            packets_packets.Arp(packets_packets.REPLY, other, VIP, "ff:ff:ff:ff:ff:ff", "192.0.2.2")
        ),
        packets_packets.pack_arp(
            packets_packets.Arp(packets_packets.REQUEST, other, VIP, own, "192.0.2.2"), destination=own
        ),
        packets_packets.pack_arp(
            packets_packets.Arp(packets_packets.REPLY, other, VIP, own, "192.0.2.2"), destination=own
        )[:40],
        packets_packets.pack_arp(
            packets_packets.Arp(packets_packets.REPLY, other, VIP2, own, "192.0.2.2"), destination=own
        ),
    ]
    with segment.host(2).entered():
        asker = packets_client.Segment("eth0")
    with segment.host(1).entered():
        sender = packets_client.Segment("eth0")
    with asker, sender:
        for frame in frames:
            sender.arp.send(frame)
        assert list(asker.receive([False], 1.0)) == [(VIP2, other)]
