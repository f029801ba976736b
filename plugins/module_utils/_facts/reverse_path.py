# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the kernel which packets of clients its reverse path filter would drop; nothing is sent."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence

from .._core.address import is_ipv6
from .._rtnetlink.lookup import RouteLookup
from .model import Interface

STRICT = 1
# Addresses that no host has (RFC 5737): they stand for clients of other networks, which the default route reaches.
_ELSEWHERE = ("203.0.113.1", "198.51.100.1", "192.0.2.1")


def filtered_addresses(interfaces: Sequence[Interface], addresses: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return, by device, the own IPv4 addresses to which packets from other networks that come in on it are dropped.

    The module judges those of the device itself, and those of `addresses` that another device has, such as a VIP on lo.
    A host without a route to other networks drops nothing that it could answer.
    """
    own = {address: one.name for one in interfaces for address in _ipv4(one)}
    known = [ipaddress.ip_network(cidr, strict=False) for one in interfaces for cidr in one.addresses]
    found = {}
    with RouteLookup() as kernel:
        outside = (one for one in _ELSEWHERE if not any(ipaddress.ip_address(one) in network for network in known))
        client = next((one for one in outside if kernel.find(one).route), "")
        for one in interfaces:
            if client and one.arp and one.up and one.rp_filter == STRICT:
                asked = [address for address in own if own[address] == one.name or address in addresses]
                dropped = tuple(address for address in asked if kernel.is_filtered(client, address, one.name))
                if dropped:
                    found[one.name] = dropped
    return found


def _ipv4(interface: Interface) -> list[str]:
    return [address for address in interface.own if not is_ipv6(address)]
