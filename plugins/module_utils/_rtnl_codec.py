# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses and neighbours in rtnetlink, decoded without a library (include/uapi/linux: if_addr.h, neighbour.h).

For what has to run before pyroute2 is there, or must not carry it in memory for good. Changes go through pyroute2.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import NamedTuple

from ._errors import MalformedAnswer
from ._netlink import unpack_attributes

RTM_GETADDR, RTM_GETNEIGH = 22, 30
# The kernel takes the short form of a request for a dump: the family alone (rtnetlink_rcv_msg in net/core/rtnetlink.c).
REQUEST = struct.Struct("=B15x")

_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_PERMANENT = 0x80
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index
_NEIGHBOR = struct.Struct("=BxxxiHBB")  # family, interface index, state, flags, type
_LENGTHS = {socket.AF_INET: 4, socket.AF_INET6: 16}


class HostAddress(NamedTuple):
    """One address of this host, in canonical text, on the interface of that number."""

    interface: int
    address: str
    prefix: int


class HostNeighbor(NamedTuple):
    """One neighbour entry; `mac` is empty while it is not known."""

    interface: int
    address: str
    mac: str
    permanent: bool


def decode_address(payload: bytes) -> HostAddress | None:
    """Return what an RTM_NEWADDR message tells, None for a family other than IPv4 and IPv6."""
    family, prefix, _flags, _scope, index = _ADDRESS.unpack(_header(payload, _ADDRESS))
    if family not in _LENGTHS:
        return None
    attributes = unpack_attributes(payload[_ADDRESS.size :])
    # With a peer, IFA_ADDRESS is the far end and IFA_LOCAL this host's own.
    packed = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS, b""))
    return HostAddress(index, _text(packed, family), prefix)


def decode_neighbor(payload: bytes) -> HostNeighbor | None:
    """Return what an RTM_NEWNEIGH message tells, None for a family other than IPv4 and IPv6."""
    family, index, state, _flags, _type = _NEIGHBOR.unpack(_header(payload, _NEIGHBOR))
    if family not in _LENGTHS:
        return None
    attributes = unpack_attributes(payload[_NEIGHBOR.size :])
    mac = attributes.get(_NDA_LLADDR, b"").hex(":")
    return HostNeighbor(index, _text(attributes.get(_NDA_DST, b""), family), mac, bool(state & _NUD_PERMANENT))


def _header(payload: bytes, layout: struct.Struct) -> bytes:
    if len(payload) < layout.size:
        raise MalformedAnswer(f"rtnetlink message of {len(payload)} bytes, shorter than its header of {layout.size}")
    return payload[: layout.size]


def _text(packed: bytes, family: int) -> str:
    if len(packed) != _LENGTHS[socket.AddressFamily(family)]:
        raise MalformedAnswer(f"rtnetlink address of {len(packed)} bytes in family {family}")
    return str(ipaddress.ip_address(packed))
