# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's devices and addresses as rtnetlink lists them, read with nothing but the standard library.

To look is most of what a run does, and all of it when nothing is to be changed: a library for the whole of rtnetlink
takes several times as long to import.
"""

from __future__ import annotations

import socket
import struct

from .._core.errors import refusal
from .._netlink.messages import Conversation, open_netlink, unpack_attributes
from .model import Address, Link

# include/uapi/linux: rtnetlink.h, if_link.h, if_addr.h
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_IFINFOMSG = struct.Struct("=BxHiII")  # family, hardware type, device index, flags, changed flags
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_LINKINFO, _IFLA_INFO_KIND = 1, 3, 18, 1
_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, device index
_IFA_ADDRESS, _IFA_LOCAL, _IFA_LABEL, _IFA_FLAGS = 1, 2, 3, 8
_FLAGS = struct.Struct("=I")  # the header's eight bits again, and those that came after them
# include/uapi/linux: if.h, if_arp.h
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_ARPHRD_ETHER = 1
_WAIT = 10.0


def route_socket(groups: int = 0) -> socket.socket:
    """Return a socket to rtnetlink, which hears of changes of these groups."""
    return open_netlink(socket.NETLINK_ROUTE, _WAIT, groups)


def dump(request: int, answer: int, header: int, what: str) -> list[bytes]:
    """Return the payloads of one kind; a header of so many zeros asks for all families.

    Raises KernelRefusal when the kernel does not list `what`.
    """
    try:
        with Conversation(route_socket()) as talk:
            return [message.payload for message in talk.dump(request, bytes(header)) if message.kind == answer]
    except OSError as error:
        raise refusal(f"list this host's {what}", error.errno or 0) from None


def links() -> dict[int, Link]:
    """Return index -> device of this network namespace; raise KernelRefusal when the kernel does not say."""
    return dict(_link(payload) for payload in dump(_RTM_GETLINK, _RTM_NEWLINK, _IFINFOMSG.size, "devices"))


def addresses() -> list[Address]:
    """Return this network namespace's addresses of IPv4 and IPv6, in the kernel's order; raise KernelRefusal."""
    found = (_address(payload) for payload in dump(_RTM_GETADDR, _RTM_NEWADDR, _IFADDRMSG.size, "addresses"))
    return [address for address in found if address]


def _link(payload: bytes) -> tuple[int, Link]:
    _family, kind, index, flags, _changed = _IFINFOMSG.unpack_from(payload)
    attributes = unpack_attributes(payload[_IFINFOMSG.size :])
    info = unpack_attributes(attributes.get(_IFLA_LINKINFO, b""))
    return index, Link(
        _text(attributes.get(_IFLA_IFNAME, b"")),
        _text(info.get(_IFLA_INFO_KIND, b"")),
        up=bool(flags & _IFF_UP),
        arp=kind == _ARPHRD_ETHER and not flags & (_IFF_LOOPBACK | _IFF_NOARP),
        loopback=bool(flags & _IFF_LOOPBACK),
        mac=attributes.get(_IFLA_ADDRESS, b"").hex(":"),
    )


def _address(payload: bytes) -> Address | None:
    family, prefix, flags, scope, index = _IFADDRMSG.unpack_from(payload)
    attributes = unpack_attributes(payload[_IFADDRMSG.size :])
    far = attributes.get(_IFA_ADDRESS, b"")
    near = attributes.get(_IFA_LOCAL) or far
    if family not in (socket.AF_INET, socket.AF_INET6) or not near:
        return None
    if _IFA_FLAGS in attributes:
        (flags,) = _FLAGS.unpack_from(attributes[_IFA_FLAGS])
    return Address(
        index,
        family,
        socket.inet_ntop(family, near),
        socket.inet_ntop(family, far or near),
        prefix,
        scope,
        flags,
        _text(attributes.get(_IFA_LABEL, b"")),
    )


def _text(value: bytes) -> str:
    """Return the kernel's text, which a NUL ends."""
    return value.partition(b"\0")[0].decode(errors="surrogateescape")
