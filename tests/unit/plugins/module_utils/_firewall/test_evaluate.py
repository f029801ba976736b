# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of packets in a ruleset, and so whether vip_firewall opens something for them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.evaluate import Tracer
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.packets import Packet, errors, reply, request
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.plan import plan_nftables
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Ruleset
from firewall_rulesets import (
    ACCEPT,
    DIP,
    DPORT,
    DROP,
    GOTO,
    INPUT,
    JUMP,
    LO,
    REJECT,
    RETURN,
    RIP,
    RIP6,
    VIP6,
    WEB,
    WEB6,
    match,
    ruleset,
)


def dropped(there: Ruleset, packet: Packet) -> bool:
    return any(event.verdict == "drop" for event in Tracer(there, packet).events(there.chains[INPUT]))


TUNNELED = request(Opening(RIP, "ipip", 0, DIP))


@pytest.mark.parametrize(
    ("rules", "policy", "expected"),
    [
        ([], "drop", True),
        ([], "accept", False),
        ([[LO, ACCEPT]], "drop", True),
        ([[DROP]], "accept", True),
        ([[{"counter": {"packets": 1, "bytes": 2}}, REJECT]], "accept", True),
        ([[match(DPORT, 80), ACCEPT], [DROP]], "accept", False),
        ([[match(DPORT, 80), ACCEPT]], "drop", False),
        ([[match(DPORT, 81), ACCEPT]], "drop", True),
        ([[match(DPORT, {"set": [22, {"range": [70, 90]}]}), ACCEPT]], "drop", False),
        ([[match(DPORT, "@ports"), ACCEPT]], "drop", False),
        ([[match(DPORT, "@gone"), ACCEPT]], "drop", True),
        ([[match(DPORT, "@ports", "!="), DROP]], "accept", False),
        ([[match(DPORT, 22, "!="), DROP]], "accept", True),
        ([[match(("udp", "dport"), 80), ACCEPT]], "drop", True),
        ([[match(("th", "dport"), 80), ACCEPT]], "drop", False),
        ([[match(("ip", "daddr"), {"prefix": {"addr": "192.0.2.0", "len": 24}}), ACCEPT]], "drop", False),
        ([[match(("ip", "daddr"), "192.0.2.31"), ACCEPT]], "drop", True),
        ([[match(("ip6", "daddr"), VIP6), ACCEPT]], "drop", True),
        ([[match(("meta", "l4proto"), 6), ACCEPT]], "drop", False),
        ([[match(("meta", "l4proto"), {"set": ["icmp", "ipv6-icmp"]}), ACCEPT]], "drop", True),
        ([[match(("meta", "nfproto"), "ipv4"), DROP]], "accept", True),
        ([[match(("ct", "state"), ["established", "related"], "in"), ACCEPT]], "drop", True),
        ([[match(("ct", "state"), "new", "in"), DROP]], "accept", True),
        ([[match(("ct", "state"), {"|": ["invalid", "untracked"]}, "in"), DROP]], "accept", False),
        # What is for one device is not for all packets, whatever it does.
        ([[match(("meta", "iifname"), "eth0"), DROP]], "accept", False),
        ([[match(("meta", "iifname"), "eth0"), ACCEPT]], "drop", True),
        ([[match(("meta", "iifname"), "lo", "!="), DROP]], "accept", True),
        # Some clients only
        ([[match(("ip", "saddr"), "@banned"), DROP]], "accept", False),
        ([[match(("ip", "saddr"), "198.51.100.0"), ACCEPT]], "drop", True),
        ([[{"limit": {"rate": 1, "per": "second"}}, DROP]], "accept", False),
        # What iptables-nft has of its own
        ([[{"xt": {"type": "match", "name": "comment"}}, {"xt": {"type": "target", "name": "REJECT"}}]], "accept", True),
        ([[{"xt": {"type": "match", "name": "set"}}, DROP]], "accept", False),
        ([[{"xt": {"type": "target", "name": "LOG"}}]], "accept", False),
        ([[match(DPORT, 22), {"xt": None}]], "drop", True),
        # Chains
        ([[JUMP]], "accept", True),
        ([[LO, JUMP]], "accept", False),
        ([[match(("ip", "saddr"), "@banned"), JUMP]], "accept", False),
        ([[RETURN], [DROP]], "accept", False),
        ([[RETURN]], "drop", True),
        ([[{"vmap": {"key": match(DPORT, 0)["match"]["left"], "data": {"set": [[80, ACCEPT], [81, DROP]]}}}]], "drop", False),
        ([[{"vmap": {"key": match(DPORT, 0)["match"]["left"], "data": {"set": [[80, JUMP], [81, ACCEPT]]}}}]], "accept", False),
        ([[{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["lo", ACCEPT], ["eth0", JUMP]]}}}]], "accept", False),
    ],
)  # fmt: skip
def test_what_is_opened(rules: list[list[Any]], policy: str, expected: bool) -> None:
    """It is what is dropped by default, and nothing else."""
    there = ruleset(*rules, policy=policy, sub=([DROP],))
    assert any(event.default for event in Tracer(there, request(WEB)).events(there.chains[INPUT])) is expected
    words = plan_nftables(there, WantedFirewall("director", (WEB,))).words
    assert words == (["open tcp 192.0.2.30:80 in inet filter input"] if expected else [])


@pytest.mark.parametrize(
    ("packet", "left", "right", "expected"),
    [
        # As Debian, Enterprise Linux and a host without /etc/protocols name protocol 4, and another that is called ipip.
        (TUNNELED, ("meta", "l4proto"), "ipencap", False),
        (TUNNELED, ("meta", "l4proto"), "ipv4", False),
        (TUNNELED, ("meta", "l4proto"), 4, False),
        (TUNNELED, ("ip", "protocol"), "ipencap", False),
        (TUNNELED, ("meta", "l4proto"), "ipip", True),
        (TUNNELED, ("meta", "nfproto"), "ipv4", False),
        (TUNNELED, ("ip", "saddr"), DIP, False),
        (TUNNELED, ("ip", "saddr"), "192.0.2.9", True),
        (TUNNELED, ("th", "dport"), {"range": [0, 65535]}, True),
        (TUNNELED, ("gre", "protocol"), "ip", True),
        (request(Opening(RIP, "ipip")), ("ip", "saddr"), DIP, True),  # some senders only
        (request(Opening(RIP6, "gre")), ("ip6", "nexthdr"), "gre", False),
        (reply(Opening(RIP, "tcp", 80)), ("ct", "state"), ["established", "related"], False),
        (reply(Opening(RIP, "tcp", 80), "invalid"), ("ct", "state"), ["established", "related"], True),
        (reply(Opening(RIP, "tcp", 80)), ("tcp", "sport"), 80, False),
        (reply(Opening(RIP, "tcp", 80)), ("tcp", "dport"), 80, True),
        (errors([WEB])[0], ("icmp", "type"), {"set": ["destination-unreachable", "time-exceeded"]}, False),
        (errors([WEB])[0], ("icmp", "type"), "echo-request", True),
        (errors([WEB6])[0], ("icmpv6", "type"), "packet-too-big", False),
        (errors([WEB6])[0], ("meta", "l4proto"), "ipv6-icmp", False),
        (errors([WEB6])[0], ("icmp", "type"), "destination-unreachable", True),
    ],
)  # fmt: skip
def test_what_a_match_says_of_a_packet(packet: Packet, left: tuple[str, str], right: Any, expected: bool) -> None:
    there = ruleset([match(left, right, "in" if isinstance(right, list) else "=="), ACCEPT], policy="drop")
    assert dropped(there, packet) is expected


def test_jumps_that_go_round_end() -> None:
    there = ruleset([JUMP], sub=([JUMP],), policy="drop")
    assert dropped(there, request(WEB))


def test_goto_does_not_come_back() -> None:
    there = ruleset([GOTO], [DROP])
    assert not dropped(there, request(WEB))
