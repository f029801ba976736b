# SPDX-License-Identifier: GPL-3.0-or-later
"""realserver_path_info without a network: what is asked, from where, and what answers mean."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._path import verdict as path_verdict
from ansible_collections.lvs.cluster.plugins.module_utils._path.model import Answer, Evidence, Probe, Way
from ansible_collections.lvs.cluster.plugins.module_utils._path.plan import PathInquiry, plan_ways
from ansible_collections.lvs.cluster.plugins.module_utils._path.sockets import _filter
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Own, Route
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.routes import best_route, parse_ipv4_routes
from hypothesis import given
from hypothesis import strategies as st

VIP, RIP, MAC, OTHER = "192.0.2.30", "192.0.2.4", "02:00:00:00:00:04", "02:00:00:00:00:99"
OWN = [
    Own("lo", "127.0.0.1", 8, 254),
    Own("eth0", VIP, 32, 0),
    Own("eth0", "198.51.100.3", 24, 0),
    Own("eth0", "192.0.2.3", 24, 0),
    Own("eth0", "fe80::3", 64, 253),
    Own("eth0", "2001:db8::3", 64, 0),
    Own("eth1", "203.0.113.3", 24, 0),
]
ROUTES = parse_ipv4_routes(
    [
        "eth0 00000000 FE0200C0 0003 0 0 0 00000000 0 0 0",
        "eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0",
        "eth1 007100CB 00000000 0001 0 0 0 00FFFFFF 0 0 0",
    ]
)


def route(address: str) -> Route | None:
    return best_route(address, ROUTES)


def inquiry(server: dict[str, Any] | None = None, **service: Any) -> PathInquiry:
    options = {"address": VIP, "port": 80, "real_servers": [{"address": RIP, **(server or {})}], **service}
    return PathInquiry.from_options({"services": [options]})


def test_defaults() -> None:
    assert inquiry().probes == (Probe(VIP, 80, "tcp", RIP, 80),)
    assert inquiry({"forwarding": "masquerade", "port": 8080}).probes[0].server_port == 8080
    assert inquiry({"forwarding": "direct", "port": 8080}).probes[0].server_port == 80
    asked = inquiry(protocol="udp", payload_hex="00 ff", expect="ok").probes[0]
    assert (asked.payload, asked.expect) == (b"\x00\xff", b"ok")


@pytest.mark.parametrize(
    ("server", "service", "about"),
    [
        ({}, {"address": "x"}, ("address of services[0]", "x")),
        ({}, {"port": 0}, ("port of services[0]", 0)),
        ({"address": "y"}, {}, ("address of real_servers", "y")),
        ({"address": "2001:db8::4"}, {}, ("address of real_servers", "2001:db8::4")),
        ({"forwarding": "tunnel", "tunnel_type": "gue"}, {}, ("tunnel_port of services[0]", None)),
        ({"forwarding": "masquerade", "port": 70000}, {}, ("port of services[0]", 70000)),
        ({}, {"payload": "x"}, ("payload of services[0]", None)),
        ({}, {"protocol": "udp", "expect": "x"}, ("expect of services[0]", None)),
        ({}, {"protocol": "udp", "payload": "x", "payload_hex": "00"}, ("payload of services[0]", "x")),
        ({}, {"protocol": "udp", "payload_hex": "xx"}, ("payload_hex of services[0]", "xx")),
        ({}, {"protocol": "udp", "payload": "x" * 1201}, ("payload of services[0]", None)),
    ],
)
def test_refused_options(server: dict[str, Any], service: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        inquiry(server, **service)
    assert error_words(caught.value) == about


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": 61}, {"attempts": 0}, {"attempts": 21}])
def test_refused_waits(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        PathInquiry.from_options({"services": [], **options})


@pytest.mark.parametrize(
    ("probe", "way"),
    [
        (Probe(VIP, 80, "tcp", RIP, 80), Way("eth0", "192.0.2.3")),
        (Probe(VIP, 80, "tcp", "192.0.2.3", 80), Way(here=True)),
        (Probe(VIP, 80, "tcp", "10.0.0.1", 80), Way("eth0", gateway="192.0.2.254")),
        (Probe(VIP, 80, "tcp", "203.0.113.4", 80), Way("eth1", "203.0.113.3")),
        (Probe(VIP, 80, "tcp", "10.0.0.1", 80, "tunnel"), Way("eth0", "198.51.100.3")),
        (Probe(VIP, 80, "tcp", "203.0.113.4", 80, "tunnel"), Way("eth1", "203.0.113.3")),
        (Probe("2001:db8::30", 80, "tcp", RIP, 80, "tunnel"), Way("eth0", "2001:db8::3")),
        (Probe(VIP, 80, "tcp", "10.0.0.1", 8080, "masquerade"), Way("eth0", "198.51.100.3")),
    ],
    ids=str,
)
def test_ways(probe: Probe, way: Way) -> None:
    assert plan_ways([probe], None, OWN, route) == [way]


def test_interface_is_taken_at_its_word() -> None:
    (way,) = plan_ways([Probe(VIP, 80, "tcp", "10.0.0.1", 80)], "eth1", OWN, route)
    assert way == Way("eth1", "203.0.113.3")


PROBES = {
    "direct": Probe(VIP, 80, "tcp", RIP, 80),
    "udp": Probe(VIP, 80, "udp", RIP, 80, payload=b"?", expect=b"!"),
    "mute": Probe(VIP, 80, "udp", RIP, 80),
    "sctp": Probe(VIP, 80, "sctp", RIP, 80),
    "tunnel": Probe(VIP, 80, "tcp", RIP, 80, "tunnel"),
    "masquerade": Probe(VIP, 80, "tcp", RIP, 8080, "masquerade"),
}
WAY = Way("eth0", "192.0.2.3", MAC)


@pytest.mark.parametrize(
    ("probe", "evidence", "word", "good"),
    [
        ("direct", Evidence(WAY, (Answer("syn_ack", MAC, 1.0),)), "ok", True),
        ("direct", Evidence(WAY, (Answer("syn_ack", OTHER, 1.0),)), "elsewhere", False),
        # The server's own answer counts, whatever else comes.
        ("direct", Evidence(WAY, (Answer("syn_ack", OTHER, 1.0), Answer("syn_ack", MAC, 2.0))), "ok", True),
        ("direct", Evidence(WAY, (Answer("reset", MAC, 1.0),)), "refused", False),
        ("direct", Evidence(WAY, (Answer("reset", MAC, 1.0),), rip="open"), "rip_only", False),
        ("direct", Evidence(WAY, (Answer("unreachable", MAC, 1.0, RIP, 10),)), "rejected", False),
        ("direct", Evidence(WAY, (Answer("unreachable", MAC, 1.0, RIP, 3),)), "rejected", False),
        ("direct", Evidence(WAY, (Answer("returned", MAC, 1.0),)), "returned", False),
        ("direct", Evidence(WAY), "silent", False),
        ("direct", Evidence(WAY, pinged=True), "filtered", False),
        ("direct", Evidence(WAY._replace(mac="")), "no_mac", False),
        ("direct", Evidence(Way("eth0", gateway="192.0.2.254")), "off_segment", False),
        ("direct", Evidence(Way("eth0")), "unproven", None),
        ("direct", Evidence(Way(here=True), listening=True), "local", True),
        ("direct", Evidence(Way(here=True)), "refused", False),
        ("udp", Evidence(WAY, (Answer("datagram", MAC, 1.0, payload=b"so!"),)), "ok", True),
        ("udp", Evidence(WAY, (Answer("datagram", MAC, 1.0, payload=b"so?"),)), "wrong_answer", False),
        ("udp", Evidence(WAY, (Answer("unreachable", MAC, 1.0, RIP, 3),)), "refused", False),
        ("udp", Evidence(WAY, (Answer("unreachable", MAC, 1.0, RIP, 13),)), "rejected", False),
        ("mute", Evidence(WAY), "unproven", None),
        ("sctp", Evidence(WAY), "unproven", None),
        ("tunnel", Evidence(WAY, (Answer("syn_ack", OTHER, 1.0),)), "ok", True),
        ("tunnel", Evidence(WAY, (Answer("unwrapped", MAC, 1.0, RIP, 2),)), "no_tunnel", False),
        ("tunnel", Evidence(WAY), "silent", False),
        ("masquerade", Evidence(WAY, (Answer("syn_ack", "", 1.0),), rip="open"), "ok", True),
        ("masquerade", Evidence(WAY, rip="refused"), "refused", False),
        ("masquerade", Evidence(WAY, rip="silent"), "silent", False),
    ],
)
def test_verdicts(probe: str, evidence: Evidence, word: str, good: bool | None) -> None:
    verdict = path_verdict.judge(PROBES[probe], evidence)
    assert (verdict.word, verdict.good) == (word, good)
    assert bool(verdict.remedy) == (not good)


kinds = st.sampled_from(["syn_ack", "reset", "datagram", "unreachable", "returned", "unwrapped"])
answers = st.builds(Answer, kinds, st.sampled_from([MAC, OTHER]), st.just(1.0), st.just(RIP), st.integers(0, 15))
evidences = st.builds(
    Evidence,
    st.sampled_from([WAY, Way("eth0"), Way(here=True), Way("eth0", gateway="none"), WAY._replace(mac="")]),
    st.lists(answers, max_size=3).map(tuple),
    st.booleans(),
    st.sampled_from(["", "open", "refused", "silent"]),
    st.booleans(),
)


@given(probe=st.sampled_from(list(PROBES.values())), evidence=evidences)
def test_whatever_is_seen_means_something(probe: Probe, evidence: Evidence) -> None:
    verdict = path_verdict.judge(probe, evidence)
    assert bool(verdict.remedy) == (not verdict.good)
    sentence = path_verdict.describe(probe, verdict)
    assert sentence.startswith(f"{RIP}:")
    assert sentence.endswith(".")
    assert verdict.rule in sentence
    assert verdict.remedy in sentence


def test_report() -> None:
    probes = [PROBES["direct"], PROBES["tunnel"]]
    told = path_verdict.report(probes, [Evidence(WAY, (Answer("syn_ack", MAC, 1.0),)), Evidence(WAY)])
    assert (told["ok"], [path["ok"] for path in told["paths"]]) == (False, [True, False])
    assert told["summary"][0] == f"tcp {VIP}:80  {RIP}:80  ok  {MAC}  1.0 ms"
    assert (
        told["paths"][1]["sentence"]
        == f"{RIP}:80: tcp {VIP}:80 {told['paths'][1]['rule']}; {told['paths'][1]['remedy']}."
    )


def run_filter(program: bytes, packet: bytes) -> int:
    """Run classic BPF of the three instructions that ours has, as the kernel would."""
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    accumulator, at = 0, 0
    for _ in itertools.repeat(None, 1000):
        code = int.from_bytes(steps[at][:2], "little")
        true, false, value = steps[at][2], steps[at][3], int.from_bytes(steps[at][4:], "little")
        at += 1
        if code == 0x20:
            accumulator = int.from_bytes(packet[value : value + 4], "big")
        elif code == 0x15:
            at += true if accumulator == value else false
        else:
            assert code == 0x06
            return value
    raise AssertionError("the filter does not end")


@given(
    own=st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=100), others=st.ip_addresses(v=4), data=st.data()
)
def test_filter_takes_what_is_to_or_from_own_addresses(own: list[str], others: Any, data: st.DataObject) -> None:
    program = _filter(4, own)
    pick = st.one_of(st.sampled_from(own), st.just(str(others)))
    source, target = data.draw(pick), data.draw(pick)
    packet = bytes(12) + b"".join(bytes(map(int, one.split("."))) for one in (source, target))
    assert bool(run_filter(program, packet)) == (source in own or target in own)
