# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's addresses, neighbours and routes, and their changes, seen with nothing but the standard library."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from .._netlink.messages import unpack_attributes
from .dump import addresses, dump
from .model import Address, Entry, Own

# include/uapi/linux: rtnetlink.h, neighbour.h, route.h
_RTM_NEWNEIGH, _RTM_GETNEIGH = 28, 30
_NDMSG = struct.Struct("=BxxxiHBB")  # family, device index, state, flags, type
_NDA_DST, _NDA_LLADDR, _NUD_PERMANENT = 1, 2, 0x80


def own_addresses() -> list[Own]:
    """Return every address of this network namespace; raise KernelRefusal when the kernel does not say."""
    found = (_own(address) for address in addresses())
    return [own for own in found if own]


def own_neighbors() -> list[Entry]:
    """Return the neighbour table of this network namespace; raise KernelRefusal when the kernel does not say."""
    found = (_entry(payload) for payload in dump(_RTM_GETNEIGH, _RTM_NEWNEIGH, _NDMSG.size, "neighbours"))
    return [entry for entry in found if entry]


def _own(address: Address) -> Own | None:
    with suppress(OSError):  # the device has just gone
        return Own(socket.if_indextoname(address.device), address.address, address.prefix, address.scope)
    return None


def _entry(payload: bytes) -> Entry | None:
    family, index, state, _flags, _type = _NDMSG.unpack_from(payload)
    attributes = unpack_attributes(payload[_NDMSG.size :])
    packed = attributes.get(_NDA_DST)
    if family not in (socket.AF_INET, socket.AF_INET6) or not packed:
        return None
    mac = attributes.get(_NDA_LLADDR, b"").hex(":")
    with suppress(OSError):  # the device has just gone
        address = socket.inet_ntop(family, packed)
        return Entry(socket.if_indextoname(index), address, mac, bool(state & _NUD_PERMANENT))
    return None
