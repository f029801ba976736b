# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight_info tells of a host, as data; the same shape there and back."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._owner.summary import Summary

# Python libraries that modules of the collection import when they need them; the package of each is python3-NAME.
LIBRARIES = ("nftables", "pyroute2")
LOADED, BUILT_IN, MODULE, ABSENT, UNKNOWN = "loaded", "builtin", "module", "absent", "unknown"


class Interface(NamedTuple):
    """One device: its addresses as ADDRESS/PREFIX, and the sysctls that act on it (`all` is taken into account).

    `arp` says whether its addresses are asked for by ARP or neighbour discovery (not lo, dummy, tunnels); all sysctls
    are of IPv4.
    """

    name: str
    mac: str
    up: bool
    addresses: tuple[str, ...]
    proxy_arp: bool = False
    arp_filter: bool = False
    forwarding: bool = False
    arp_ignore: int = 0
    arp: bool = False
    accept_local: bool = False
    rp_filter: int = 0

    @property
    def own(self) -> list[str]:
        """The addresses without their prefix lengths."""
        return [cidr.rsplit("/", 1)[0] for cidr in self.addresses]


class Near(NamedTuple):
    """An own address of a host whose network has another address, with its prefix length and device."""

    address: str
    prefix: int
    interface: Interface


class Hop(NamedTuple):
    """Where packets to an address leave; `gateway` is empty on the segment itself, both where there is no route."""

    interface: str = ""
    gateway: str = ""

    @property
    def on_link(self) -> bool:
        """Whether the address is on the segment of the interface."""
        return bool(self.interface) and not self.gateway


class Gateway(NamedTuple):
    """The next hop of a default route."""

    address: str
    interface: str


class Scheduler(NamedTuple):
    """Whether this kernel can have a scheduler; `remedy` is empty when it can, or nothing is known."""

    available: bool
    remedy: str = ""


class Manager(NamedTuple):
    """Another program that writes the IPVS table (`table`) or assigns VIPs; `evidence`: where that was seen.

    `sure` is false where it only may. `addresses` are those that it assigns, as far as its configuration says.
    """

    name: str
    evidence: str
    sure: bool = True
    table: bool = True
    addresses: tuple[str, ...] = ()


class HostFacts(NamedTuple):
    """One host. `owners` maps each address that was asked for to the MACs that answered; one that could not be asked
    for is in `unasked`, with the reason. `ip_vs` is loaded, builtin, module, absent or unknown. Those of LIBRARIES
    that are there are in `libraries`. `routes` has the first hop to each address that was asked for.

    `filtered` maps a device to the own addresses to which rp_filter drops packets that come in on it from clients that
    only the default route reaches; `ipv6_forwarding` is of the whole host. `declarations` are those of all clusters
    that have one on the host.
    """

    kernel: str
    interfaces: tuple[Interface, ...]
    gateways: tuple[Gateway, ...] = ()
    ip_vs: str = UNKNOWN
    schedulers: Mapping[str, Scheduler] = {}
    managers: tuple[Manager, ...] = ()
    owners: Mapping[str, tuple[str, ...]] = {}
    unasked: Mapping[str, str] = {}
    libraries: tuple[str, ...] = ()
    routes: Mapping[str, Hop] = {}
    filtered: Mapping[str, tuple[str, ...]] = {}
    ipv6_forwarding: bool = False
    declarations: tuple[Summary, ...] = ()

    @property
    def macs(self) -> set[str]:
        """The MACs of all devices that have one."""
        return {one.mac for one in self.interfaces if one.mac}

    @property
    def addresses(self) -> set[str]:
        """The addresses of all devices."""
        return {address for one in self.interfaces for address in one.own}

    def carrier(self, address: str) -> Interface | None:
        """Return the first device that has the address."""
        return next(iter(self.carriers(address)), None)

    def carriers(self, address: str) -> list[Interface]:
        """Return every device that has the address."""
        return [one for one in self.interfaces if address in one.own]

    def device(self, name: str) -> Interface | None:
        """Return the device of that name."""
        return next((one for one in self.interfaces if one.name == name), None)

    def network(self, address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
        """Return the network that the address has on its device, None where the host does not have it."""
        for one in self.interfaces:
            for own, cidr in zip(one.own, one.addresses):
                if own == address:
                    return ipaddress.ip_network(cidr, strict=False)
        return None

    def sharing(self, address: str) -> list[Near]:
        """Return the own addresses whose network has the address, the longest prefix first."""
        return sharing(self.interfaces, address)

    def as_values(self) -> dict[str, Any]:
        """Return the facts as what a module can return."""
        return {
            **self._asdict(),
            "interfaces": [{**one._asdict(), "addresses": list(one.addresses)} for one in self.interfaces],
            "gateways": [one._asdict() for one in self.gateways],
            "schedulers": {name: one._asdict() for name, one in self.schedulers.items()},
            "managers": [{**one._asdict(), "addresses": list(one.addresses)} for one in self.managers],
            "owners": {address: list(macs) for address, macs in self.owners.items()},
            "unasked": dict(self.unasked),
            "libraries": list(self.libraries),
            "routes": {address: hop._asdict() for address, hop in self.routes.items()},
            "filtered": {name: list(addresses) for name, addresses in self.filtered.items()},
            "declarations": [
                {**one._asdict(), "vips": list(one.vips), "services": list(one.services)} for one in self.declarations
            ],
            "packages": [f"python3-{name}" for name in self.libraries],
        }


def sharing(interfaces: Iterable[Interface], address: str) -> list[Near]:
    """Return the addresses of devices whose network has the given one, the longest prefix first.

    An address that is alone in its network, such as a VIP, shares it with no other.
    """
    other, found = ipaddress.ip_address(address), []
    for one in interfaces:
        for own, cidr in zip(one.own, one.addresses):
            network = ipaddress.ip_network(cidr, strict=False)
            if other in network and own != address:
                found.append(Near(own, network.prefixlen, one))
    return sorted(found, key=lambda near: -near.prefix)


def interfaces_from_values(values: Iterable[Mapping[str, Any]]) -> tuple[Interface, ...]:
    """Return the devices that `as_values` wrote."""
    return tuple(Interface(**{**one, "addresses": tuple(map(str, one["addresses"]))}) for one in _plain(values))


def from_values(values: Mapping[str, Any]) -> HostFacts:
    """Return the facts that `as_values` wrote."""
    return HostFacts(
        kernel=str(values["kernel"]),
        interfaces=interfaces_from_values(values["interfaces"]),
        gateways=tuple(Gateway(**one) for one in _plain(values["gateways"])),
        ip_vs=str(values["ip_vs"]),
        schedulers={str(name): Scheduler(**one) for name, one in values["schedulers"].items()},
        managers=tuple(
            Manager(**{**one, "addresses": tuple(str(address) for address in one.get("addresses", ()))})
            for one in _plain(values["managers"])
        ),
        owners={str(address): tuple(str(mac) for mac in macs) for address, macs in values["owners"].items()},
        unasked={str(address): str(reason) for address, reason in values["unasked"].items()},
        libraries=tuple(str(name) for name in values.get("libraries", ())),
        routes={str(address): Hop(**hop) for address, hop in values.get("routes", {}).items()},
        filtered={str(name): tuple(map(str, found)) for name, found in values.get("filtered", {}).items()},
        ipv6_forwarding=bool(values.get("ipv6_forwarding", False)),
        declarations=tuple(
            Summary(**{**one, "vips": tuple(one["vips"]), "services": tuple(one["services"])})
            for one in _plain(values.get("declarations", ()))
        ),
    )


def _plain(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(item) for item in items]
