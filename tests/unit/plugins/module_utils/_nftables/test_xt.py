# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions of iptables: their structures, as iptables-nft 1.8.9 writes them, and rules in words."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import pack_attribute
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Rule
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.text import rule_text
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.xt import Extension, extensions, translate

XT: dict[str, Any] = {"xt": {"type": "match", "name": "what"}}


def conntrack(flags: int, inverted: int, states: int) -> bytes:
    return bytes(146) + struct.pack("=HHHH", flags, inverted, states, 0) + bytes(8)


def multiport(flags: int, ports: list[int], ranges: list[int], inverted: int = 0) -> bytes:
    return struct.pack("=BB15H", flags, len(ports), *ports, *[0] * (15 - len(ports))) + bytes(
        [*ranges, *[0] * (15 - len(ranges)), inverted]
    )


RANGE = b"".join(socket.inet_aton(one).ljust(16, b"\0") for one in ("10.0.0.1", "10.0.0.9", "0.0.0.0", "0.0.0.0"))


@pytest.mark.parametrize(
    ("extension", "text"),
    [
        (("match", "conntrack", 3, conntrack(0x2001, 0, 8 | 256)), "ct state { new, untracked }"),
        (("match", "conntrack", 3, conntrack(1, 1, 1)), "ct state != { invalid }"),
        (("match", "conntrack", 3, conntrack(0x40, 0, 0)), "xt match conntrack status"),
        (("match", "conntrack", 3, conntrack(0x9, 0, 8)), "xt match conntrack"),
        (("match", "conntrack", 3, b"short"), "xt match conntrack"),
        (("match", "state", 0, struct.pack("=I", 6)), "ct state { established, related }"),
        (("match", "multiport", 1, multiport(1, [80, 1000, 2000], [0, 1])), "th dport { 80, 1000-2000 }"),
        (("match", "multiport", 1, multiport(0, [80], [], 1)), "th sport != { 80 }"),
        (("match", "multiport", 1, multiport(2, [80], [])), "xt match multiport"),
        (("match", "tcp", 0, struct.pack("=4HBBBB", 0, 65535, 80, 90, 0, 0, 0, 2)), "tcp dport != 80-90"),
        (("match", "tcp", 0, struct.pack("=4HBBBB", 0, 65535, 0, 65535, 0, 0x17, 2, 0)), "tcp flags & 23 2"),
        (("match", "udp", 0, struct.pack("=4HB", 53, 53, 0, 65535, 0)), "udp sport 53-53"),
        (("match", "addrtype", 1, struct.pack("=HHI", 0, 4, 2)), "fib daddr type != { local }"),
        (("match", "addrtype", 1, struct.pack("=HHI", 4, 0, 0)), "xt match addrtype of another kind"),
        (("match", "iprange", 1, RANGE + bytes([0x11])), "ip saddr != 10.0.0.1-10.0.0.9"),
        (("match", "icmp", 0, bytes([3, 0, 255, 0])), "icmp type destination-unreachable"),
        (("match", "icmp6", 0, bytes([2, 0, 0, 1])), "icmpv6 type != packet-too-big icmpv6 code 0-0"),
        (("match", "icmp", 0, bytes([255, 0, 255, 0])), "meta l4proto icmp"),
        (("match", "set", 4, struct.pack("=HBB", 0, 1, 2)), "xt match set of sources"),
        (("match", "set", 4, struct.pack("=HBB", 0, 2, 2)), "xt match set"),
        (("match", "comment", 0, b"anything\0"), "a rule without expressions"),
        (("target", "REJECT", 0, bytes(4)), "reject"),
        (("target", "CT", 1, struct.pack("=H", 1)), "notrack"),
        (("target", "CT", 1, struct.pack("=H", 2)), "xt target CT"),
        (("target", "NOTRACK", 0, b""), "notrack"),
        (("match", "u32", 0, b""), "xt match u32"),
    ],
)  # fmt: skip
def test_structures(extension: tuple[str, str, int, bytes], text: str) -> None:
    assert rule_text(translate(Rule((XT,)), "ip", [Extension(*extension)])) == text


def test_what_the_kernel_sends_and_a_comment_of_ours() -> None:
    def expression(kind: str, name: str, info: bytes) -> bytes:
        data = (
            pack_attribute(1, name.encode() + b"\0") + pack_attribute(2, struct.pack(">I", 0)) + pack_attribute(3, info)
        )
        return pack_attribute(1, pack_attribute(1, kind.encode() + b"\0") + pack_attribute(2, data))

    sent = [("match", "comment", b"lvs.cluster d\0"), ("immediate", "", b""), ("target", "REJECT", bytes(4))]
    read = extensions(b"".join(expression(*one) for one in sent))
    assert [one.name for one in read] == ["comment", "REJECT"]
    assert translate(Rule((XT, XT)), "ip", read) == Rule(({"reject": None},), "lvs.cluster d")
    assert translate(Rule((XT,)), "ip", read) == Rule((XT,)), "another rule than was read"


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        ([{"counter": None}, {"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["lo", {"accept": None}]]}}}], "iifname vmap { lo : accept }"),
        ([{"limit": {"rate": 5, "per": "minute", "inv": True}}, {"goto": {"target": "x"}}], "limit rate over 5/minute goto x"),
        ([{"ct count": {"val": 5}}, {"reject": {"type": "tcp reset"}}], "ct count 5 reject with tcp reset"),
        ([{"match": {"op": "==", "left": {"numgen": {"mode": "inc"}}, "right": {"elem": {"val": 1}}}}], '{"numgen":{"mode":"inc"}} 1'),
        ([{"xt": None}, {"queue": {"num": 1}}], 'xt (iptables extension) {"queue":{"num":1}}'),
        ([{"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": {"set": list(range(100))}}}], None),
    ],
)  # fmt: skip
def test_text(expr: list[Any], text: str | None) -> None:
    told = rule_text(Rule(tuple(expr)))
    assert told == text if text else (len(told) == 203 and told.endswith("..."))
