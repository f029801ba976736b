# SPDX-License-Identifier: GPL-3.0-or-later
"""From the neighbour entries that are to the static ones that are wanted.

What the kernel does with a permanent entry (net/core/neighbour.c, seen on kernel 6.18): no message of the segment
changes it (__neigh_update lets only the administrator), no garbage collection takes it, and it outlives the loss of
the carrier (neigh_carrier_down). But taking the device down (neigh_ifdown) and changing the device's own MAC
(neigh_changeaddr) drop every entry, and removing the device's last IPv4 address (fib_disable_ip in
net/ipv4/fib_frontend.c) those of IPv4. An entry that is made while the device is down stays when it comes up.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Union

from .._core.errors import InvalidValue
from .._core.plan import Plan
from .._rtnetlink.model import Entry
from .model import CurrentNeighbors, NextHop
from .options import WantedNeighbors


class SetNeighbor(NamedTuple):
    """Make an entry, or change it in place, whatever state it is in."""

    interface: str
    address: str
    mac: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"set {self.address} to {self.mac} on {self.interface}"


class ForgetNeighbor(NamedTuple):
    """Remove an entry; the kernel asks the segment again."""

    interface: str
    address: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"forget {self.address} on {self.interface}"


NeighborOperation = Union[SetNeighbor, ForgetNeighbor]


def simulate(current: CurrentNeighbors, operation: NeighborOperation) -> CurrentNeighbors:
    """Return what the kernel makes of `current` by one step."""
    old = current.entry(operation.interface, operation.address)
    entries = tuple(one for one in current.entries if one is not old)
    if isinstance(operation, SetNeighbor):
        entries += (Entry(operation.interface, operation.address, operation.mac, permanent=True),)
    return current._replace(entries=entries)


def plan_neighbors(current: CurrentNeighbors, wanted: WantedNeighbors) -> Plan[NeighborOperation]:
    """Return the way from what a host has to the entries that are wanted of it, and to nothing else.

    `current` holds every device, at least the entries of the wanted addresses, and, for those that are to be present,
    the way to each. Raises InvalidValue for what this host can't do.
    """
    operations, warnings = (_present if wanted.present else _absent)(current, wanted)
    later = current
    for operation in operations:
        later = simulate(later, operation)
    before, after = _shown(current, wanted), _shown(later, wanted)
    results = {"interface": wanted.interface, **after}
    return Plan(before, after, tuple(operations), results, tuple(warnings))


def _present(current: CurrentNeighbors, wanted: WantedNeighbors) -> tuple[list[NeighborOperation], list[str]]:
    warnings = _check(current, wanted)
    operations: list[NeighborOperation] = []
    for address, mac in wanted.neighbors:
        if mac is None:
            raise AssertionError("the options are refused without it")
        if current.entry(wanted.interface, address) != Entry(wanted.interface, address, mac, permanent=True):
            operations.append(SetNeighbor(wanted.interface, address, mac))
    return operations, warnings


def _absent(current: CurrentNeighbors, wanted: WantedNeighbors) -> tuple[list[NeighborOperation], list[str]]:
    operations: list[NeighborOperation] = []
    warnings = []
    for address, mac in wanted.neighbors:
        entry = current.entry(wanted.interface, address)
        if entry is None or not entry.permanent:
            continue
        if mac in (None, entry.mac):
            operations.append(ForgetNeighbor(wanted.interface, address))
        else:
            warnings.append(
                f"{address} on {wanted.interface} is set to {entry.mac}, not to {mac}, so it stays; leave mac out to "
                "forget it whatever it is set to."
            )
    return operations, warnings


def _check(current: CurrentNeighbors, wanted: WantedNeighbors) -> list[str]:
    """Return the warnings; raise InvalidValue where an entry would be wrong on this host."""
    link = current.links.get(wanted.interface)
    if link is None:
        existing = ", ".join(sorted(current.links)) or "none at all"
        rule = f"does not exist on this host, which has {existing}"
        raise InvalidValue("interface", wanted.interface, rule, "name one of these")
    if not link.arp:
        what = "is the loopback device" if link.loopback else "does no ARP"
        raise InvalidValue(
            "interface", link.name, f"{what}, so nobody is asked on it", "name the one that leads to the VIPs"
        )
    for address, mac in wanted.neighbors:
        if mac == link.mac:
            raise InvalidValue(
                "mac", mac, f"is that of {link.name} on this host itself", "name the MAC of the director"
            )
        way = current.ways.get(address)
        if way and way.kind == "broadcast":
            raise InvalidValue("address", address, f"is the broadcast address of {way.interface}", "name one host's")
    if link.up:
        reasons = {one.address: _unused(current.ways.get(one.address), link.name) for one in wanted.neighbors}
        return [
            f"The entry for {address} on {link.name} is not used: {why}." for address, why in reasons.items() if why
        ]
    return [
        f"{link.name} is down: its entries are of no use until it is brought up (ip link set {link.name} up), and the "
        "kernel drops them whenever it is taken down."
    ]


def _unused(way: NextHop | None, interface: str) -> str:
    """Return why the host, as things are, does not use an entry on the device; empty when it does."""
    if way is None:
        return "this host has no route to it"
    if way.kind == "local":
        return "this host has that address itself"
    if way.interface != interface:
        return f"this host reaches it over {way.interface}"
    return f"this host reaches it through the gateway {way.gateway}" if way.gateway else ""


def _shown(current: CurrentNeighbors, wanted: WantedNeighbors) -> dict[str, Any]:
    found = (current.entry(wanted.interface, one.address) for one in wanted.neighbors)
    return {"neighbors": [{"address": one.address, "mac": one.mac, "permanent": one.permanent} for one in found if one]}
