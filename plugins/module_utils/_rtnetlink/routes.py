# SPDX-License-Identifier: GPL-3.0-or-later
"""The route to an address: the kernel's own answer, or for an own address the main table's, read from /proc."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from .._core.address import is_ipv6
from .lookup import RouteLookup
from .model import Route

_RTF_UP, _RTF_GATEWAY, _RTF_REJECT = 0x1, 0x2, 0x200


def route_to(address: str) -> Route | None:
    """Return the route to the address, as if the address were not the host's own; None where there is none."""
    return routes_to([address])[address]


def routes_to(addresses: Iterable[str]) -> dict[str, Route | None]:
    """Return the route to each address, as `route_to` does.

    Routing rules and all tables count, but for an own address, whose route would lead to the host itself: for that one
    the main table says where it would be.
    """
    found: dict[str, Route | None] = {}
    tables: dict[bool, list[Route]] = {}
    with RouteLookup() as kernel:
        for address in addresses:
            answer = kernel.find(address)
            found[address] = answer.route
            if answer.local:
                family = is_ipv6(address)
                if family not in tables:
                    tables[family] = _main_table(family)
                found[address] = best_route(address, tables[family])
    return found


def main_routes() -> list[Route]:
    """Return the routes of the main table, of both families."""
    return _main_table(ipv6=False) + _main_table(ipv6=True)


def _main_table(ipv6: bool) -> list[Route]:
    path = "/proc/net/ipv6_route" if ipv6 else "/proc/net/route"
    with suppress(OSError), open(path, encoding="ascii") as lines:
        return parse_ipv6_routes(lines) if ipv6 else parse_ipv4_routes(lines)
    return []


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
