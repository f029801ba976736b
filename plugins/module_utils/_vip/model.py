# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and addresses of a host as data."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import NamedTuple

from .._core.address import is_ipv6
from .._rtnetlink.model import Link


class Held(NamedTuple):
    """An address on a device.

    `label` is empty for IPv6; `peer` is the far end of a point-to-point address, else empty; `deprecated` (IPv6) means
    that the kernel does not choose it as a source; `noprefixroute` (IPv6) that the kernel made no route for its prefix;
    `usable` is false where duplicate address detection (IPv6) has failed.
    """

    interface: str
    address: str
    prefix: int
    scope: str = "global"
    label: str = ""
    peer: str = ""
    secondary: bool = False
    deprecated: bool = False
    noprefixroute: bool = False
    usable: bool = True

    @property
    def cidr(self) -> str:
        """The address with its prefix length."""
        return f"{self.address}/{self.prefix}"

    @property
    def ipv6(self) -> bool:
        """Whether this is an IPv6 address."""
        return is_ipv6(self.address)

    def shares_network(self, other: Held) -> bool:
        """Whether the kernel makes one of the two the other's secondary: IPv4, one device, the same network."""
        return (
            not (self.ipv6 or other.ipv6)
            and (self.interface, self.prefix) == (other.interface, other.prefix)
            and _network(self) == _network(other)
        )


class CurrentVips(NamedTuple):
    """What a host has: devices by name, and every address, in the kernel's order."""

    links: Mapping[str, Link]
    held: tuple[Held, ...]

    def on(self, interface: str) -> list[Held]:
        """Return the addresses of one device."""
        return [held for held in self.held if held.interface == interface]


def secondaries(current: CurrentVips, primary: Held) -> list[Held]:
    """Return the addresses that hang on this one (see __inet_del_ifa in net/ipv4/devinet.c)."""
    if primary.secondary:
        return []
    return [one for one in current.held if one.secondary and one.shares_network(primary)]


def _network(held: Held) -> ipaddress.IPv4Network:
    # A point-to-point address belongs to the network of its far end.
    return ipaddress.IPv4Network((held.peer or held.address, held.prefix), strict=False)
