# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at this host's addresses and routes with nothing but the standard library."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from ._errors import KernelRefusal
from ._netlink import (
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    pack_message,
    unpack_attributes,
    unpack_messages,
)

# include/uapi/linux: rtnetlink.h, if_addr.h, route.h
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, device index
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTF_UP, _RTF_GATEWAY, _RTF_REJECT = 0x1, 0x2, 0x200
_WAIT = 10.0


class Own(NamedTuple):
    """An address of this host; `scope` is the kernel's number, 0 for global."""

    interface: str
    address: str
    prefix: int
    scope: int


class Route(NamedTuple):
    """A route; `gateway` is empty when the network is on the segment itself."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    interface: str
    gateway: str
    metric: int


def own_addresses() -> list[Own]:
    """Return every address of this network namespace; raise KernelRefusal when the kernel does not say."""
    request = pack_message(_RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    found: list[Own] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
            netlink.settimeout(_WAIT)
            netlink.bind((0, 0))
            netlink.send(request)
            while True:
                for message in unpack_messages(netlink.recv(1 << 16)):
                    if message.kind in (NLMSG_DONE, NLMSG_ERROR):
                        if message.errno:
                            raise OSError(message.errno, "the dump ended")
                        return found
                    own = _own(message.payload) if message.kind == _RTM_NEWADDR else None
                    if own:
                        found.append(own)
    except OSError as error:
        raise KernelRefusal(f"The kernel did not list this host's addresses ({error}).", error.errno or 0) from None


def _own(payload: bytes) -> Own | None:
    family, prefix, _flags, scope, index = _IFADDRMSG.unpack_from(payload)
    attributes = unpack_attributes(payload[_IFADDRMSG.size :])
    packed = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
    if family not in (socket.AF_INET, socket.AF_INET6) or not packed:
        return None
    with suppress(OSError):  # the device has just gone
        return Own(socket.if_indextoname(index), socket.inet_ntop(family, packed), prefix, scope)
    return None


def route_to(address: str) -> Route | None:
    """Return the main table's route to the address, as if the address were not the host's own."""
    path = "/proc/net/ipv6_route" if ":" in address else "/proc/net/route"
    with suppress(OSError), open(path, encoding="ascii") as lines:
        routes = parse_ipv6_routes(lines) if ":" in address else parse_ipv4_routes(lines)
        return best_route(address, routes)
    return None


def best_route(address: str, routes: Iterable[Route]) -> Route | None:
    """Return the route with the longest prefix, of these the one with the lowest metric."""
    target = ipaddress.ip_address(address)
    fitting = [route for route in routes if target in route.network]
    return max(fitting, key=lambda route: (route.network.prefixlen, -route.metric), default=None)


def parse_ipv4_routes(lines: Iterable[str]) -> list[Route]:
    """Return the routes of /proc/net/route: hexadecimal words in the host's byte order (fib_route_seq_show)."""
    routes = []
    for fields in (line.split() for line in lines):
        if len(fields) < 8 or fields[0] == "Iface":
            continue
        interface, destination, gateway, flags, *_, metric, mask = fields[:8]
        if int(flags, 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP:
            network = ipaddress.IPv4Network((_ipv4(destination), _ipv4(mask)))
            routes.append(Route(network, interface, _gateway(_ipv4(gateway), flags), int(metric)))
    return routes


def parse_ipv6_routes(lines: Iterable[str]) -> list[Route]:
    """Return the routes of /proc/net/ipv6_route, but for those that lead to the host itself."""
    routes = []
    for fields in (line.split() for line in lines):
        if len(fields) < 10:
            continue
        destination, length, _source, _source_length, gateway, metric, *_, flags, interface = fields
        if int(flags, 16) & (_RTF_UP | _RTF_REJECT) == _RTF_UP and interface != "lo" and int(length, 16) < 128:
            network = ipaddress.IPv6Network((int(destination, 16), int(length, 16)))
            routes.append(Route(network, interface, _gateway(_ipv6(gateway), flags), int(metric, 16)))
    return routes


def _gateway(address: str, flags: str) -> str:
    return address if int(flags, 16) & _RTF_GATEWAY else ""


def _ipv4(word: str) -> str:
    return socket.inet_ntoa(struct.pack("=I", int(word, 16)))


def _ipv6(word: str) -> str:
    return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(word))
