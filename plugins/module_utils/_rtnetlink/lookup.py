# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's own answer to where a packet goes: its routing rules, all tables and the reverse path filter count.

Nothing is sent. RTM_GETROUTE: inet_rtm_getroute in net/ipv4/route.c, inet6_rtm_getroute in net/ipv6/route.c.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from typing import NamedTuple

from .._core.address import is_ipv6, packed
from .._netlink.messages import Conversation, NetlinkError, pack_attribute, unpack_attributes
from .dump import route_socket
from .model import Route

# include/uapi/linux/rtnetlink.h
_RTM_GETROUTE = 26
# family, destination and source length, TOS, table, protocol, scope, type, flags
_RTMSG = struct.Struct("=8BI")
_RTA_DST, _RTA_SRC, _RTA_IIF, _RTA_OIF, _RTA_GATEWAY, _RTA_MULTIPATH, _RTA_VIA = 1, 2, 3, 4, 5, 9, 18
_UNICAST, _LOCAL = 1, 2
_INDEX = struct.Struct("=I")
_RTNEXTHOP = struct.Struct("=HBBi")  # length, flags, hops, device index


class Answer(NamedTuple):
    """Where a packet to an address goes: to this host itself (`local`), by a `route`, or nowhere (neither)."""

    local: bool = False
    route: Route | None = None


class RouteLookup:
    """A conversation with the kernel about routes of this network namespace; raises OSError without rtnetlink."""

    def __init__(self) -> None:
        self._talk = Conversation(route_socket())

    def __enter__(self) -> RouteLookup:
        return self

    def __exit__(self, *_error: object) -> None:
        self._talk.close()

    def find(self, address: str) -> Answer:
        """Return where this host's own packets to the address go."""
        try:
            payload = self._talk.get(_RTM_GETROUTE, _request(address)).payload
        except NetlinkError:
            return Answer()
        kind, attributes = payload[7], unpack_attributes(payload[_RTMSG.size :])
        if kind == _UNICAST:
            return Answer(route=_route(address, attributes))
        return Answer(local=kind == _LOCAL)

    def is_filtered(self, source: str, address: str, interface: str) -> bool:
        """Whether the reverse path filter drops packets from `source` to an own IPv4 address that come in on a device.

        The kernel looks for the way back to `source` as it does for a packet, with `address` as the sender of the
        answers. It answers EXDEV if there is another one, and from Linux 6.13 on EINVAL, which before was only for a
        source that can't be, such as an own address.
        """
        try:
            index = _INDEX.pack(socket.if_nametoindex(interface))
            self._talk.get(_RTM_GETROUTE, _request(address, source) + pack_attribute(_RTA_IIF, index))
        except NetlinkError as error:
            return error.errno in (errno.EXDEV, errno.EINVAL)
        except OSError:  # the device has just gone
            return False
        return False


def _request(address: str, source: str = "") -> bytes:
    bits = 128 if is_ipv6(address) else 32
    family = socket.AF_INET6 if is_ipv6(address) else socket.AF_INET
    request = _RTMSG.pack(family, bits, bits if source else 0, 0, 0, 0, 0, 0, 0)
    request += pack_attribute(_RTA_DST, packed(address))
    return request + pack_attribute(_RTA_SRC, packed(source)) if source else request


def _route(address: str, attributes: dict[int, bytes]) -> Route | None:
    if _RTA_MULTIPATH in attributes:  # an answer names one way, but a kernel may list all
        first = attributes[_RTA_MULTIPATH]
        length, _flags, _hops, index = _RTNEXTHOP.unpack_from(first)
        attributes = {
            _RTA_OIF: _INDEX.pack(index),
            **unpack_attributes(first[_RTNEXTHOP.size : length]),
        }
    if _RTA_OIF not in attributes:
        return None
    try:
        interface = socket.if_indextoname(_INDEX.unpack(attributes[_RTA_OIF])[0])
    except OSError:  # the device has just gone
        return None
    return Route(ipaddress.ip_network(address), interface, _gateway(attributes), 0)


def _gateway(attributes: dict[int, bytes]) -> str:
    """Return the gateway, which can be of the other family (RTA_VIA: family, address)."""
    gateway = attributes.get(_RTA_GATEWAY) or attributes.get(_RTA_VIA, b"")[2:]
    return str(ipaddress.ip_address(gateway)) if gateway else ""
