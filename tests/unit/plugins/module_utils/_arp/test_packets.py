# SPDX-License-Identifier: GPL-3.0-or-later
"""The ARP and ND codec, against the bytes of the RFCs."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp import packets as packets_packets
from hypothesis import given
from hypothesis import strategies as st

MAC = "52:54:00:00:00:03"

macs = st.binary(min_size=6, max_size=6).map(packets_packets.mac_text)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(str)
packets = st.builds(packets_packets.Arp, st.integers(0, 0xFFFF), macs, ipv4, macs, ipv4)


def test_request_bytes() -> None:
    assert packets_packets.arp_request(MAC, "192.0.2.3", "192.0.2.30").hex() == (
        "ffffffffffff" "525400000003" "0806"
        "0001" "0800" "06" "04" "0001"
        "525400000003" "c0000203" "000000000000" "c000021e"
    )  # fmt: skip


def test_announcement_is_a_request_for_the_sender_itself() -> None:
    packet = packets_packets.unpack_arp(packets_packets.arp_announcement(MAC, "192.0.2.30"))
    assert packet == packets_packets.Arp(packets_packets.REQUEST, MAC, "192.0.2.30", "00:00:00:00:00:00", "192.0.2.30")


@given(packet=packets, destination=macs, padding=st.binary(max_size=18))
def test_arp_round_trip(packet: packets_packets.Arp, destination: str, padding: bytes) -> None:
    assert packets_packets.unpack_arp(packets_packets.pack_arp(packet, destination) + padding) == packet


@given(packet=packets, cut=st.integers(0, 41))
def test_arp_cut_off_is_nothing(packet: packets_packets.Arp, cut: int) -> None:
    assert packets_packets.unpack_arp(packets_packets.pack_arp(packet)[:cut]) is None


@pytest.mark.parametrize(("offset", "byte"), [(12, 0x86), (13, 0x00), (15, 6), (16, 0x86), (18, 8), (19, 16)], ids=str)
def test_other_protocols_are_nothing(offset: int, byte: int) -> None:
    frame = bytearray(packets_packets.arp_announcement(MAC, "192.0.2.30"))
    frame[offset] = byte
    assert packets_packets.unpack_arp(bytes(frame)) is None


def test_solicitation_bytes() -> None:
    assert packets_packets.nd_solicitation(MAC, "2001:db8::30").hex() == (
        "87" "00" "0000" "00000000" "20010db8000000000000000000000030" "01" "01" "525400000003"
    )  # fmt: skip


def test_probe_bytes() -> None:
    # Nothing of it tells an address of the sender; it is byte for byte what Linux sends in its own DAD (enhanced_dad off).
    assert packets_packets.nd_probe(MAC, "2001:db8::30").hex() == (
        "3333ff000030" "525400000003" "86dd"
        "60000000" "0018" "3a" "ff" + "00" * 16 + "ff0200000000000000000001ff000030"
        "87" "00" "4c8f" "00000000" "20010db8000000000000000000000030"
    )  # fmt: skip


@given(address=ipv6)
def test_probe_has_a_valid_checksum(address: str) -> None:
    frame = packets_packets.nd_probe(MAC, address)
    summed = frame[22:54] + bytes((0, 0, 0, 24, 0, 0, 0, 58)) + frame[54:]
    total = sum(summed[0::2]) * 256 + sum(summed[1::2])
    assert total % 0xFFFF == 0


@pytest.mark.parametrize(("router", "flags"), [(False, "20000000"), (True, "a0000000")])
def test_advertisement_bytes(router: bool, flags: str) -> None:
    assert packets_packets.nd_announcement(MAC, "2001:db8::30", router).hex() == (
        "88" "00" "0000" + flags + "20010db8000000000000000000000030" "02" "01" "525400000003"
    )  # fmt: skip


@given(mac=macs, address=ipv6, router=st.booleans())
def test_advertisement_round_trip(mac: str, address: str, router: bool) -> None:
    found = packets_packets.unpack_advertisement(packets_packets.nd_announcement(mac, address, router))
    assert found is not None
    assert (ipaddress.ip_address(found[0]), found[1]) == (ipaddress.ip_address(address), mac)


@given(message=st.binary(max_size=80), advertisement=st.booleans())
def test_any_message_is_read_without_fail(message: bytes, advertisement: bool) -> None:
    found = packets_packets.unpack_advertisement((b"\x88\x00" if advertisement else b"") + message)
    assert found is None or len(found) == 2


def test_other_options_are_passed_over_and_an_advertisement_without_a_mac_is_nothing() -> None:
    message = packets_packets.nd_announcement(MAC, "2001:db8::30", False)
    nonce = bytes((14, 1, 0, 0, 0, 0, 0, 0))
    assert packets_packets.unpack_advertisement(message[:24] + nonce + message[24:]) == ("2001:db8::30", MAC)
    assert packets_packets.unpack_advertisement(message[:24]) is None
    assert packets_packets.unpack_advertisement(message[:24] + bytes(8) + message[24:]) is None
    assert packets_packets.unpack_advertisement(packets_packets.nd_solicitation(MAC, "2001:db8::30")) is None


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("2001:db8::30", "ff02::1:ff00:30"),
        ("2001:db8::1:2:3", "ff02::1:ff02:3"),
        ("fe80::ab:cdef", "ff02::1:ffab:cdef"),
    ],
)
def test_solicited_node(address: str, group: str) -> None:
    assert packets_packets.solicited_node(address) == group
