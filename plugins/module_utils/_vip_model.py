# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and addresses of a host as data, and the steps that change them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import NamedTuple, Union

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


class Held(NamedTuple):
    """An address on a device.

    `label` is empty for IPv6; `peer` is the far end of a point-to-point address, else empty; `deprecated` (IPv6) means
    that it is not chosen as a source; `plain` (IPv6) that it came with no route of its own; `usable` is false where
    duplicate address detection (IPv6) has failed.
    """

    interface: str
    address: str
    prefix: int
    scope: str = "global"
    label: str = ""
    peer: str = ""
    secondary: bool = False
    deprecated: bool = False
    plain: bool = False
    usable: bool = True

    @property
    def cidr(self) -> str:
        """The address with its prefix length."""
        return f"{self.address}/{self.prefix}"

    @property
    def ipv6(self) -> bool:
        """Whether this is an IPv6 address."""
        return ":" in self.address

    def shares_network(self, other: Held) -> bool:
        """Whether the kernel makes one of the two the other's secondary: IPv4, one device, the same network."""
        return (
            not (self.ipv6 or other.ipv6)
            and (self.interface, self.prefix) == (other.interface, other.prefix)
            and _network(self) == _network(other)
        )


class Current(NamedTuple):
    """What a host has: devices by name, and every address, in the kernel's order."""

    links: Mapping[str, Link]
    held: tuple[Held, ...]

    def on(self, interface: str) -> list[Held]:
        """Return the addresses of one device."""
        return [held for held in self.held if held.interface == interface]


class AddLink(NamedTuple):
    """Create a device."""

    interface: str
    kind: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"create {self.kind} device {self.interface}"


class RaiseLink(NamedTuple):
    """Bring a device up."""

    interface: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"bring {self.interface} up"


class LowerLink(NamedTuple):
    """Take a device down."""

    interface: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"take {self.interface} down"


class RemoveLink(NamedTuple):
    """Remove a device."""

    interface: str
    kind: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"remove {self.kind} device {self.interface}"


class AddAddress(NamedTuple):
    """Add an address."""

    held: Held

    @property
    def words(self) -> str:
        """The step for people."""
        label = "" if self.held.label in ("", self.held.interface) else f", label {self.held.label}"
        nature = "not used as a source" if self.held.ipv6 else f"scope {self.held.scope}"
        return f"add {self.held.cidr} to {self.held.interface} ({nature}{label})"


class SettleAddress(NamedTuple):
    """Change an IPv6 address in place: no source of the host's own traffic, no route of its own."""

    held: Held

    @property
    def words(self) -> str:
        """The step for people."""
        return f"change {self.held.cidr} on {self.held.interface}: not used as a source"


class RemoveAddress(NamedTuple):
    """Remove an address; `keep` are the secondaries that must not fall with it.

    `promote` asks to switch promote_secondaries on for the moment of the removal.
    """

    held: Held
    keep: tuple[str, ...] = ()
    promote: bool = False

    @property
    def words(self) -> str:
        """The step for people."""
        kept = f", keeping {', '.join(self.keep)}" if self.keep else ""
        return f"remove {self.held.cidr} from {self.held.interface}{kept}"


class Announce(NamedTuple):
    """Tell the segment who has the addresses now; `interval` is in seconds."""

    interface: str
    addresses: tuple[str, ...]
    times: int
    interval: float

    @property
    def words(self) -> str:
        """The step for people."""
        often = "once" if self.times == 1 else f"{self.times} times"
        return f"announce {', '.join(self.addresses)} on {self.interface} {often}"


VipOperation = Union[AddLink, RaiseLink, LowerLink, RemoveLink, AddAddress, SettleAddress, RemoveAddress, Announce]


def simulate(current: Current, operation: VipOperation) -> Current:
    """Return what the kernel makes of `current` by one step."""
    links, held = dict(current.links), list(current.held)
    if isinstance(operation, AddLink):
        links[operation.interface] = Link(operation.interface, operation.kind, up=False, arp=False)
    elif isinstance(operation, (RaiseLink, LowerLink)):
        links[operation.interface] = links[operation.interface]._replace(up=isinstance(operation, RaiseLink))
    elif isinstance(operation, RemoveLink):
        del links[operation.interface]
        held = [one for one in held if one.interface != operation.interface]
    elif isinstance(operation, AddAddress):
        new = operation.held
        primaries = [one for one in held if one.shares_network(new) and not one.secondary]
        held.append(new._replace(secondary=bool(primaries)))
    elif isinstance(operation, SettleAddress):
        held = [operation.held if _same(one, operation.held) else one for one in held]
    elif isinstance(operation, RemoveAddress):
        held = _without(held, operation.held)
    return Current(links, tuple(held))


def secondaries(current: Current, primary: Held) -> list[Held]:
    """Return the addresses that hang on this one (see __inet_del_ifa in net/ipv4/devinet.c)."""
    if primary.secondary:
        return []
    return [one for one in current.held if one.secondary and one.shares_network(primary)]


def _without(held: list[Held], gone: Held) -> list[Held]:
    rest = [one for one in held if not _same(one, gone)]
    if not gone.secondary:
        # The kernel promotes the first one; the others become its secondaries.
        heir = next((one for one in rest if one.secondary and one.shares_network(gone)), None)
        rest = [one._replace(secondary=False) if one is heir else one for one in rest]
    return rest


def _same(one: Held, other: Held) -> bool:
    return (one.interface, one.address, one.prefix, one.peer) == (
        other.interface,
        other.address,
        other.prefix,
        other.peer,
    )


def _network(held: Held) -> ipaddress.IPv4Network:
    # A point-to-point address belongs to the network of its far end.
    return ipaddress.IPv4Network((held.peer or held.address, held.prefix), strict=False)
