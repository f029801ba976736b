# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's addresses, neighbours and routes, and their changes, seen with nothing but the standard library."""

from __future__ import annotations

import errno
import ipaddress
import select
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from .._neighbor.model import Entry
from .._netlink.messages import RECEIVE_BYTES, unpack_attributes
from .dump import Address, addresses, dump, route_socket

# include/uapi/linux: rtnetlink.h, neighbour.h, route.h
_RTM_NEWNEIGH, _RTM_GETNEIGH = 28, 30
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_NDMSG = struct.Struct("=BxxxiHBB")  # family, device index, state, flags, type
_NDA_DST, _NDA_LLADDR, _NUD_PERMANENT = 1, 2, 0x80
_RTF_UP, _RTF_GATEWAY, _RTF_REJECT = 0x1, 0x2, 0x200


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


class Changes:
    """Whether links or addresses of this network namespace changed since they were last looked at."""

    def __init__(self) -> None:
        self._socket = route_socket(_RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR)

    def fileno(self) -> int:
        """Return what select(2) wants."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a change, `seconds` at most; return whether there was one."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def forget(self) -> None:
        """Forget the changes that were until now."""
        while self.wait(0):
            try:
                self._socket.recv(RECEIVE_BYTES)
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # more came than the socket holds: that is forgotten too
                    raise


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
        interface, destination, gateway, flags, *_counts, metric, mask = fields[:8]
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
        destination, length, _source, _source_length, gateway, metric, *_counts, flags, interface = fields
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
