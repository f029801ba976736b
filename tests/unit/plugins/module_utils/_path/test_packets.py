# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets of realserver_path_info, against bytes and over random ones."""

from __future__ import annotations

import socket
import struct

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.checksum import internet_checksum
from ansible_collections.lvs.cluster.plugins.module_utils._path import packets
from ansible_collections.lvs.cluster.plugins.module_utils._path.packets import Flow
from hypothesis import given
from hypothesis import strategies as st

ports = st.integers(0, 65535)
numbers = st.integers(0, 0xFFFFFFFF)


def addresses(six: int) -> st.SearchStrategy[str]:
    """Return addresses of a family in the C library's words, which differ from Python's where IPv4 is mapped."""
    family = socket.AF_INET6 if six else socket.AF_INET
    return st.ip_addresses(v=6 if six else 4).map(lambda one: socket.inet_ntop(family, one.packed))


flows = st.integers(0, 1).flatmap(
    lambda six: st.builds(
        Flow,
        addresses(six),
        ports,
        addresses(six),
        ports,
    )
)
FLOW = Flow("192.0.2.3", 40000, "192.0.2.30", 80)


def sums_up(data: bytes) -> bool:
    """Return whether data with its checksum in it is valid, by another way than ours."""
    padded = data + bytes(len(data) % 2)
    return (sum(padded[0::2]) * 256 + sum(padded[1::2])) % 0xFFFF == 0


def parts(packet: bytes) -> tuple[bytes, bytes, int, bytes]:
    """Return header, both addresses, protocol and message of a packet."""
    if packet[0] >> 4 == 4:
        return packet[:20], packet[12:20], packet[9], packet[20:]
    return packet[:40], packet[8:40], packet[6], packet[40:]


def is_whole(packet: bytes) -> None:
    """Assert that lengths and checksums are right."""
    header, addresses, protocol, message = parts(packet)
    if len(header) == 20:
        assert sums_up(header)
        assert struct.unpack_from("!H", packet, 2) == (len(packet),)
    else:
        assert struct.unpack_from("!H", packet, 4) == (len(message),)
    pseudo = addresses + struct.pack("!II", len(message), protocol)
    assert sums_up(message if protocol == socket.IPPROTO_ICMP else pseudo + message)


def test_syn_bytes() -> None:
    assert packets.pack_tcp(FLOW, packets.SYN, 1).hex() == (
        "4500002c" "00004000" "4006" "b6aa" "c0000203" "c000021e"
        "9c40" "0050" "00000001" "00000000" "60" "02" "faf0" "7cbe" "0000" "02040578"
    )  # fmt: skip


@given(flow=flows, flags=st.integers(0, 0x3F), sequence=numbers, acknowledged=numbers)
def test_tcp_round_trip(flow: Flow, flags: int, sequence: int, acknowledged: int) -> None:
    packet = packets.pack_tcp(flow, flags, sequence, acknowledged)
    is_whole(packet)
    assert packets.unpack(packet + b"padding") == packets.Tcp(flow, flags, sequence, acknowledged)


@given(flow=flows, payload=st.binary(max_size=64))
def test_udp_round_trip(flow: Flow, payload: bytes) -> None:
    packet = packets.pack_udp(flow, payload)
    is_whole(packet)
    assert parts(packet)[3][6:8] != b"\0\0"
    assert packets.unpack(packet) == packets.Datagram(flow, payload)


@given(flow=flows)
def test_ping_is_no_answer_and_its_echo_is(flow: Flow) -> None:
    packet = packets.pack_ping(flow)
    is_whole(packet)
    assert packets.unpack(packet) is None
    start = 40 if flow.version == 6 else 20
    echo = bytearray(packet)
    echo[start] = 129 if flow.version == 6 else 0
    assert packets.unpack(bytes(echo)) == packets.Echo(Flow(flow.source, 0, flow.target, flow.source_port))


@given(flow=flows, code=st.integers(0, 255), kept=st.integers(8, 60))
def test_unreachable_tells_of_what(flow: Flow, code: int, kept: int) -> None:
    """An ICMP error quotes at least eight bytes after the header of what it is about."""
    asked = packets.pack_tcp(flow, packets.SYN, 7)
    start = 40 if flow.version == 6 else 20
    answer = bytearray(packets.pack_ping(Flow(flow.target, 0, flow.source, 0)))
    quoted = asked[: start + kept]
    answer[start : start + 2] = bytes((1 if flow.version == 6 else 3, code))
    answer += quoted
    at = 4 if flow.version == 6 else 2
    struct.pack_into("!H", answer, at, struct.unpack_from("!H", answer, at)[0] + len(quoted))
    assert packets.unpack(bytes(answer)) == packets.Unreachable(flow.target, code, flow)


@given(flow=flows, cut=st.integers(0, 63))
def test_cut_off_is_nothing_or_what_it_still_says(flow: Flow, cut: int) -> None:
    packet = packets.pack_tcp(flow, packets.SYN, 7)
    whole = (40 if flow.version == 6 else 20) + 20
    found = packets.unpack(packet[:cut])
    assert (found is not None) == (cut >= whole)


@given(data=st.binary(max_size=200))
def test_anything_can_be_heard(data: bytes) -> None:
    packets.unpack(data)


@pytest.mark.parametrize("fragment", [0x2000, 0x0001])
def test_fragments_are_nothing(fragment: int) -> None:
    packet = bytearray(packets.pack_tcp(FLOW, packets.SYN, 1))
    struct.pack_into("!H", packet, 6, fragment)
    assert packets.unpack(bytes(packet)) is None


@pytest.mark.parametrize(
    ("source", "target", "kind", "protocol"),
    [("192.0.2.3", "192.0.2.30", "0800", 4), ("2001:db8::3", "2001:db8::30", "86dd", 41)],
)
def test_tunnels(source: str, target: str, kind: str, protocol: int) -> None:
    packet = packets.pack_tcp(Flow(source, 1, target, 2), packets.SYN, 1)
    assert packets.gre(packet) == bytes.fromhex("0000" + kind) + packet
    assert packets.gue(packet) == bytes((0, protocol, 0, 0)) + packet


@given(data=st.binary(max_size=99))
def test_checksum(data: bytes) -> None:
    padded = data + bytes(len(data) % 2)
    assert sums_up(padded + struct.pack("!H", internet_checksum(data)))
