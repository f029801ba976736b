# SPDX-License-Identifier: GPL-3.0-or-later
"""Network devices, addresses, neighbour entries and routes of a host as data."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

# rtnetlink's address scopes (rtm_scope in include/uapi/linux/rtnetlink.h) in the words of ip-address(8)
SCOPES = {"global": 0, "site": 200, "link": 253, "host": 254}
# The devices that a tunnel's module makes by itself, in each network namespace; the kernel never removes them.
FALLBACKS = {"tunl0": "ipip", "ip6tnl0": "ip6tnl"}
# The kinds of devices that are the end of a tunnel
TUNNELS = ("ipip", "ip6tnl", "gre")


class Link(NamedTuple):
    """A network device.

    `arp` says whether neighbours learn its addresses from it by ARP or ND (Ethernet, not lo, not dummy);
    `promotes` whether its secondary addresses survive their primary (sysctl promote_secondaries); `mac` is empty for a
    device that has none.
    """

    name: str
    kind: str
    up: bool
    arp: bool
    loopback: bool = False
    promotes: bool = False
    mac: str = ""


class Entry(NamedTuple):
    """An entry of the kernel's neighbour table, one for each device and address; `mac` is empty where none is known."""

    interface: str
    address: str
    mac: str = ""
    permanent: bool = False


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


class Address(NamedTuple):
    """An address in the kernel's numbers: `device` is an index, `far` the other end (mostly `address` itself)."""

    device: int
    family: int
    address: str
    far: str
    prefix: int
    scope: int
    flags: int
    label: str
