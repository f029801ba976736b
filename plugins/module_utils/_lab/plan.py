# SPDX-License-Identifier: GPL-3.0-or-later
"""From what runs and what is declared to the ordered operations between them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import BadLabHost
from .hosts import Host, Interface, Route, segments


@dataclass(frozen=True)
class Running:
    """A machine that runs: as it was made, and the addresses its guest has now (interface to addresses)."""

    host: Host
    addresses: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class LabOperation:
    """One thing to do. kind: switch, unswitch, start, stop, plug, unplug, readdress, forward."""

    kind: str
    target: str
    text: str
    host: Host | None = None
    interface: Interface | None = None
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    surplus_routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class LabPlan:
    """Switches first, then all else by host (hosts are independent of one another), then switches without a use."""

    switches: tuple[LabOperation, ...] = ()
    hosts: tuple[LabOperation, ...] = ()
    unused: tuple[LabOperation, ...] = ()

    @property
    def operations(self) -> list[str]:
        """In words, in order."""
        return [operation.text for operation in (*self.switches, *self.hosts, *self.unused)]

    def starts(self) -> list[Host]:
        """The machines that will be started."""
        return [op.host for op in self.hosts if op.kind == "start" and op.host]


def make_plan(wanted: Sequence[Host], running: Mapping[str, Running], switches: Mapping[str, bool]) -> LabPlan:
    """The plan. switches: segment to "its switch runs"; raises BadLabHost where a restart would lose work."""
    needed = segments(wanted)
    dead = {segment for segment in needed if not switches.get(segment)}
    first = [LabOperation("switch", segment, f"start switch {segment}") for segment in needed if segment in dead]
    rest: list[LabOperation] = []
    names = {host.name for host in wanted}
    for name in sorted(set(running) - names):
        rest.append(LabOperation("stop", name, f"end machine {name}, which the inventory no longer has"))
    for host in wanted:
        state = running.get(host.name)
        if state is None:
            rest.append(LabOperation("start", host.name, f"start machine {host.name}", host))
        else:
            rest += _changes(host, state, dead)
    last = [LabOperation("unswitch", name, f"end switch {name}") for name in sorted(switches) if name not in needed]
    return LabPlan(tuple(first), tuple(rest), tuple(last))


def _changes(host: Host, state: Running, dead: set[str]) -> list[LabOperation]:
    if state.host.port != host.port:
        rule = f"is not that of the running machine, {state.host.port}"
        remedy = "end the lab with lvs.cluster.lab_down first, or set the former port"
        raise BadLabHost(f"ssh port of {host.name}", host.port, rule, remedy)
    operations = []
    if state.host.forwarding != host.forwarding:
        what = "forward" if host.forwarding else "no longer forward"
        operations.append(LabOperation("forward", host.name, f"have {host.name} {what} packets", host))
    old = {interface.name: interface for interface in state.host.interfaces}
    for interface in state.host.interfaces:
        if all(interface.name != item.name for item in host.interfaces):
            operations.append(_plug("unplug", host, interface, f"unplug {interface.name} of {host.name}"))
    for interface in host.interfaces:
        before = old.get(interface.name)
        where = f"{interface.name} of {host.name}"
        if before is None:
            operations.append(_plug("plug", host, interface, f"plug {where} into {interface.segment}"))
        elif before.segment != interface.segment or interface.segment in dead:
            operations.append(_plug("unplug", host, before, f"unplug {where} from {before.segment}"))
            operations.append(_plug("plug", host, interface, f"plug {where} into {interface.segment}"))
        else:
            operations += _addresses(host, before, interface, state.addresses.get(interface.name, frozenset()))
    return operations


def _plug(kind: str, host: Host, interface: Interface, text: str) -> LabOperation:
    return LabOperation(kind, host.name, text, host, interface)


def _addresses(host: Host, before: Interface, wanted: Interface, present: frozenset[str]) -> list[LabOperation]:
    """Only what we gave is taken away: a VIP that a role added stays. Routes are taken to be as we gave them."""
    missing = tuple(a for a in wanted.addresses if a not in present)
    surplus = tuple(a for a in before.addresses if a not in wanted.addresses and a in present)
    routes = tuple(route for route in before.routes if route not in wanted.routes)
    if not missing and not surplus and (before.addresses, before.routes) == (wanted.addresses, wanted.routes):
        return []
    where = f"{wanted.name} of {host.name}"
    words = [f"add {a} to {where}" for a in missing]
    words += [f"remove {a} from {where}" for a in surplus]
    words += [f"add the route to {r.to} via {r.via} on {where}" for r in wanted.routes if r not in before.routes]
    words += [f"remove the route to {r.to} via {r.via} on {where}" for r in routes]
    text = ", ".join(words) or f"write down the addresses of {where}"
    return [LabOperation("readdress", host.name, text, host, wanted, missing, surplus, routes)]
