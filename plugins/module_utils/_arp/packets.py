# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has an address: the ARP and ND messages that ask it and that say it, as bytes.

ARP after RFC 826 and RFC 5227, as whole Ethernet frames; ND after RFC 4861, as ICMPv6 messages whose checksum the
kernel fills in. Addresses are canonical text, MACs lower-case text with colons.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from .._core.checksum import internet_checksum

ETH_P_ARP = 0x0806
REQUEST, REPLY = 1, 2
UNSPECIFIED = "0.0.0.0"
ALL_NODES = "ff02::1"
ND_ADVERTISEMENT = 136
ETH_P_IPV6 = 0x86DD
UNSPECIFIED6 = "::"

_BROADCAST = "ff:ff:ff:ff:ff:ff"
_NOBODY = "00:00:00:00:00:00"
_ETHERNET = struct.Struct("!6s6sH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_HARDWARE, _ETH_P_IP = 1, 0x0800

_ND = struct.Struct("!BBHI16s")  # type, code, checksum, flags, target
_IPV6 = struct.Struct("!IHBB16s16s")  # version, payload's length, next header, hop limit, source, destination
_IPV6_VERSION = 6 << 28
ND_HOPS = 255  # RFC 4861: proves that the message was not forwarded
_ND_SOLICITATION = 135
_ND_ROUTER, _ND_OVERRIDE = 0x80000000, 0x20000000
_OPTION_SOURCE, _OPTION_TARGET = 1, 2


class Arp(NamedTuple):
    """The fields of one ARP packet for IPv4 on Ethernet."""

    operation: int
    sender_mac: str
    sender: str
    target_mac: str
    target: str


def pack_arp(packet: Arp, destination: str = _BROADCAST) -> bytes:
    """Return the frame; it goes from the packet's sender to `destination`."""
    return _ETHERNET.pack(_mac_bytes(destination), _mac_bytes(packet.sender_mac), ETH_P_ARP) + _ARP.pack(
        _ETHERNET_HARDWARE,
        _ETH_P_IP,
        6,
        4,
        packet.operation,
        _mac_bytes(packet.sender_mac),
        socket.inet_aton(packet.sender),
        _mac_bytes(packet.target_mac),
        socket.inet_aton(packet.target),
    )


def unpack_arp(frame: bytes) -> Arp | None:
    """Return the ARP packet of a frame, or None when it is anything else, or cut off."""
    if len(frame) < _ETHERNET.size + _ARP.size or _ETHERNET.unpack_from(frame)[2] != ETH_P_ARP:
        return None
    hardware, protocol, mac_size, address_size, operation, *fields = _ARP.unpack_from(frame, _ETHERNET.size)
    if (hardware, protocol, mac_size, address_size) != (_ETHERNET_HARDWARE, _ETH_P_IP, 6, 4):
        return None
    sender_mac, sender, target_mac, target = fields
    return Arp(
        operation, mac_text(sender_mac), socket.inet_ntoa(sender), mac_text(target_mac), socket.inet_ntoa(target)
    )


def arp_request(mac: str, sender: str, target: str) -> bytes:
    """Return the frame that asks everyone who has `target`; with sender 0.0.0.0 it is an RFC 5227 probe."""
    return pack_arp(Arp(REQUEST, mac, sender, _NOBODY, target))


def arp_announcement(mac: str, address: str) -> bytes:
    """Return the frame that tells everyone that `mac` has `address` (RFC 5227: a request for the sender itself)."""
    return arp_request(mac, address, address)


def nd_solicitation(mac: str, target: str) -> bytes:
    """Return the ICMPv6 message that asks who has `target`."""
    return _ND.pack(_ND_SOLICITATION, 0, 0, 0, _packed6(target)) + _link_layer(_OPTION_SOURCE, mac)


def nd_probe(mac: str, target: str) -> bytes:
    """Return the whole frame that asks who has `target` from ::, so that nobody learns who asks (RFC 4862, 5.4.2).

    The kernel would put an address of this host in, so IPv6 header and checksum are made here.
    """
    group, message = _packed6(solicited_node(target)), _ND.pack(_ND_SOLICITATION, 0, 0, 0, _packed6(target))
    pseudo_header = bytes(16) + group + struct.pack("!II", len(message), socket.IPPROTO_ICMPV6)
    checksum = struct.pack("!H", internet_checksum(pseudo_header + message))
    header = _IPV6.pack(_IPV6_VERSION, len(message), socket.IPPROTO_ICMPV6, ND_HOPS, bytes(16), group)
    ethernet = _ETHERNET.pack(b"\x33\x33" + group[12:], _mac_bytes(mac), ETH_P_IPV6)
    return ethernet + header + message[:2] + checksum + message[4:]


def nd_announcement(mac: str, address: str, router: bool) -> bytes:
    """Return the unsolicited advertisement that `mac` has `address` (RFC 4861, 7.2.6).

    `router` has to be right: a host that withdraws it is dropped as a default router.
    """
    flags = _ND_OVERRIDE | (_ND_ROUTER if router else 0)
    return _ND.pack(ND_ADVERTISEMENT, 0, 0, flags, _packed6(address)) + _link_layer(_OPTION_TARGET, mac)


def unpack_advertisement(message: bytes) -> tuple[str, str] | None:
    """Return address and MAC that an ICMPv6 message advertises; None when it is no such message, or names no MAC."""
    if len(message) < _ND.size:
        return None
    kind, code, _checksum, _flags, target = _ND.unpack_from(message)
    if (kind, code) != (ND_ADVERTISEMENT, 0):
        return None
    offset = _ND.size
    while offset + 8 <= len(message):
        option, length = message[offset], message[offset + 1] * 8
        if not length or offset + length > len(message):
            return None
        if option == _OPTION_TARGET and length == 8:
            return socket.inet_ntop(socket.AF_INET6, target), mac_text(message[offset + 2 : offset + 8])
        offset += length
    return None


def solicited_node(address: str) -> str:
    """Return the multicast group of those who may have the IPv6 address (RFC 4291, 2.7.1)."""
    return socket.inet_ntop(socket.AF_INET6, _packed6("ff02::1:ff00:0")[:13] + _packed6(address)[13:])


def mac_text(mac: bytes) -> str:
    """Return six bytes as text."""
    return mac.hex(":")


def _mac_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _packed6(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, address)


def _link_layer(option: int, mac: str) -> bytes:
    return bytes((option, 1)) + _mac_bytes(mac)
