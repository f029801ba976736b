# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight_info tells of a host, as data; the same shape there and back."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# Python libraries that modules of the collection import when they need them; the package of each is python3-NAME.
LIBRARIES = ("nftables", "pyroute2")
LOADED, BUILT_IN, MODULE, ABSENT, UNKNOWN = "loaded", "builtin", "module", "absent", "unknown"


class Interface(NamedTuple):
    """One device: its addresses as ADDRESS/PREFIX, and the sysctls that act on it (`all` is taken into account)."""

    name: str
    mac: str
    up: bool
    addresses: tuple[str, ...]
    proxy_arp: bool = False
    arp_filter: bool = False
    forwarding: bool = False
    arp_ignore: int = 0
    forwarding_ipv6: bool = False


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
    that are there are in `libraries`."""

    kernel: str
    interfaces: tuple[Interface, ...]
    gateways: tuple[Gateway, ...] = ()
    ip_vs: str = UNKNOWN
    schedulers: Mapping[str, Scheduler] = {}
    managers: tuple[Manager, ...] = ()
    owners: Mapping[str, tuple[str, ...]] = {}
    unasked: Mapping[str, str] = {}
    libraries: tuple[str, ...] = ()

    @property
    def macs(self) -> set[str]:
        """The MACs of all devices that have one."""
        return {one.mac for one in self.interfaces if one.mac}

    def carrier(self, address: str) -> Interface | None:
        """Return the device that has the address."""
        for one in self.interfaces:
            if any(cidr.rsplit("/", 1)[0] == address for cidr in one.addresses):
                return one
        return None

    def network(self, address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
        """Return the network that the address has on its device, None where the host does not have it."""
        for one in self.interfaces:
            for cidr in one.addresses:
                if cidr.rsplit("/", 1)[0] == address:
                    return ipaddress.ip_network(cidr, strict=False)
        return None

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
            "packages": [f"python3-{name}" for name in self.libraries],
        }


def from_values(values: Mapping[str, Any]) -> HostFacts:
    """Return the facts that `as_values` wrote."""
    return HostFacts(
        kernel=str(values["kernel"]),
        interfaces=tuple(
            Interface(**{**one, "addresses": tuple(str(cidr) for cidr in one["addresses"])})
            for one in _plain(values["interfaces"])
        ),
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
    )


def _plain(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(item) for item in items]
