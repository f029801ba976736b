# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking servers out of service without cutting their connections, and giving them their weights back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from .._core.address import parse_host
from .._core.errors import InvalidValue, NotSupported
from .._core.options import in_range
from .._core.plan import Plan
from .._ipvs.describe import server_name, service_name
from .._ipvs.model import Connections, Drained, Place, ServerKey, ServiceKey, Table
from .._ipvs.operations import IpvsOperation, Leaving, Step, WaitOperation, simulate
from .._ipvs.options import DRAIN_OPTIONS, WantedServer
from .._ipvs.plan import plan_server, show
from .wait import NONE, plan_wait, total

_LONGEST_WAIT = 24 * 60 * 60
Counted = Mapping[Place, Connections]


class Drain(NamedTuple):
    """How servers are drained: which counts must reach 0 (None: it depends on the service), within how many seconds.

    `remove`: whether they are removed then; `interval`: the seconds after which the run ends to tell what is left.
    """

    counts: tuple[str, ...] | None
    seconds: int
    remove: bool = False
    interval: int = 0


def parse_drain(options: Mapping[str, Any]) -> Drain:
    """Return how the options want servers drained; raise InvalidValue."""
    given = options.get("drain_connections")
    counts = None if given is None else tuple(name for name in Connections._fields if name in given)
    seconds = options.get("drain_timeout")
    seconds = DRAIN_OPTIONS["drain_timeout"]["default"] if seconds is None else seconds
    seconds = in_range("drain_timeout", seconds, 0, _LONGEST_WAIT)
    interval = in_range("drain_interval", options.get("drain_interval") or 0, 0, _LONGEST_WAIT)
    return Drain(counts, seconds, bool(options.get("drain_remove")), interval)


def parse_addresses(texts: Sequence[str]) -> list[str]:
    """Return the servers' addresses in their canonical form, each once; raise InvalidValue."""
    if not texts:
        raise InvalidValue("servers", None, "is empty", "name the address of each server")
    return list(dict.fromkeys(str(parse_host(text, "servers")) for text in texts))


def check_restore(options: Mapping[str, Any]) -> None:
    """Raise InvalidValue when the options that go with restore_weight contradict it."""
    if options["state"] != "present":
        raise InvalidValue("restore_weight", True, f"does not go with state {options['state']}", "use state present")
    for name in ("weight", "initial_weight"):
        if options[name] is not None:
            raise InvalidValue(name, options[name], "does not go with restore_weight", "give one of the two")


def plan_drain(
    table: Table, connections: Counted, places: Sequence[Place], drain: Drain, drained: Drained
) -> Plan[Any]:
    """Return the way to drained servers, all of them at once.

    `connections` are the counts of their services' servers. Waiting is a step like others, and is there when there is
    something to wait for. Raises NotSupported for a server that is not there, and was not drained and removed before.
    """
    operations: list[Any] = []
    leaving: list[Leaving] = []
    present = [place for place in places if _is_there(table, drained, place)]
    for service, server in present:
        one = Leaving(service, server, drain.counts if drain.counts is not None else _counts(service))
        current, former = table[service].servers[server], drained.get(one.place)
        if current.weight or former is None or former.declared:
            words = f"drain {one.name}: weight {current.weight} -> 0"
            settings = current._replace(weight=0)
            operations.append(IpvsOperation(Step.HOLD_SERVER, service, words, None, server, settings))
        still_open = any(getattr(connections.get(one.place, NONE), count) for count in one.counts)
        if one.counts and (current.weight or still_open):
            leaving.append(one)
    if leaving:
        operations.append(plan_wait(leaving, drain.seconds))
    if drain.remove:
        operations += [_removal(service, server) for service, server in present]
    return _plan(table, dict.fromkeys(service for service, _server in places), operations)


def plan_restore(table: Table, service: ServiceKey, wanted: WantedServer, drained: Drained) -> Plan[IpvsOperation]:
    """Return the way back from a drain: the former weight, and all former settings of a server that was removed.

    Raises InvalidValue when nothing is remembered and the server has no weight.
    """
    remembered = drained.get((service, wanted.key))
    former = remembered.settings if remembered else None
    state = table.get(service)
    current = state.servers.get(wanted.key) if state else None
    if former is None or not former.weight:
        if former is None and current is not None and current.weight:
            return plan_server(table, service, wanted)
        raise InvalidValue(
            "restore_weight",
            True,
            f"needs a weight from before a drain, and none is remembered of server {server_name(wanted.key)} "
            f"of {service_name(service)} on this host",
            "name its weight instead",
        )
    given = {**(former._asdict() if current is None else {"weight": former.weight}), **wanted.given}
    plan = plan_server(table, service, wanted._replace(given=given))
    if current is None:
        return plan
    settings = simulate(table, plan.operations)[service].servers[wanted.key]
    words = f"give server {server_name(wanted.key)} of {service_name(service)} its weight {settings.weight} back"
    step = IpvsOperation(Step.RESTORE_SERVER, service, words, None, wanted.key, settings)
    return Plan(plan.before, plan.after, (step,), plan.results, plan.warnings)


def plan_drain_everywhere(
    table: Table, connections: Counted, addresses: Sequence[str], drain: Drain, drained: Drained, may_be_empty: bool
) -> Plan[Any]:
    """Return the way to servers that are drained in every service that has them.

    Raises NotSupported for one that no service has, and InvalidValue where a service would be left with no server that
    has a weight, unless it `may_be_empty`.
    """
    places = servers_at(table, drained, addresses)
    if not may_be_empty:
        _check_somebody_serves(table, set(places))
    plan = plan_drain(table, connections, places, drain, drained)
    steps = [operation for operation in plan.operations if isinstance(operation, IpvsOperation)]
    fresh = {step.server.address for step in steps if step.server}
    told: dict[str, Any] = {"already_drained": [address for address in addresses if address not in fresh]}
    waits = [operation for operation in plan.operations if isinstance(operation, WaitOperation)]
    waiting = [operation._replace(interval=drain.interval, told=told) for operation in waits]
    if not waiting:
        counts = total(connections[place] for place in places if place in connections)
        told["drain"] = {"seconds": 0.0, "connections": counts, "progress": [], "left": []}
    return replace(plan, operations=(*steps, *waiting), results={**plan.results, **told})


def plan_restore_everywhere(table: Table, addresses: Sequence[str], drained: Drained) -> Plan[Any]:
    """Return the way back from a drain for servers in every service that has them; raise as plan_restore does.

    Where a server is declared drained it stays so, with a warning.
    """
    places = servers_at(table, drained, addresses)
    operations: list[Any] = []
    warnings = []
    for service, server in places:
        if (service, server) in drained and drained[service, server].declared:
            name = f"{server_name(server)} of {service_name(service)}"
            warnings.append(f"Server {name} stays drained, since it is declared so; declare it present to end that.")
            continue
        operations += plan_restore(table, service, WantedServer(server, {}, "present"), drained).operations
    plan = _plan(table, dict.fromkeys(service for service, _server in places), operations)
    return replace(plan, warnings=tuple(warnings))


def servers_at(table: Table, drained: Drained, addresses: Sequence[str]) -> list[Place]:
    """Return the servers with these addresses, also those that were drained and removed from a service that is there.

    Raises NotSupported for an address that no service has.
    """
    known = [(service, server) for service, state in table.items() for server in state.servers]
    known += [place for place in sorted(drained) if place[0] in table and place not in set(known)]
    missing = [address for address in addresses if not any(server.address == address for _service, server in known)]
    if missing:
        there = dict.fromkeys(server.address for _service, server in known)
        remedy = f"name servers that they have: {', '.join(there)}" if there else "add a service with servers first"
        raise NotSupported("servers", missing, "are in no service of this host", remedy)
    return [place for place in known if place[1].address in addresses]


def _check_somebody_serves(table: Table, places: set[Place]) -> None:
    emptied = []
    for service, state in table.items():
        serving = {server for server, settings in state.servers.items() if settings.weight}
        if serving and not serving - {server for of, server in places if of == service}:
            emptied.append(f"{service_name(service)} ({', '.join(server_name(server) for server in sorted(serving))})")
    if emptied:
        raise InvalidValue(
            "servers",
            sorted({server.address for _service, server in places}),
            f"would leave nobody to serve {', '.join(emptied)}",
            "drain fewer, restore another server first, or say may_be_empty: true if clients may find nobody",
        )


def _counts(service: ServiceKey) -> tuple[str, ...]:
    """Return what counts when nothing is said: the established connections; for udp and marks the others too.

    IPVS counts every UDP flow as inactive (ip_vs_new_conn in ip_vs_conn.c).
    """
    return ("active",) if service.protocol in ("tcp", "sctp") else ("active", "inactive")


def _is_there(table: Table, drained: Drained, place: Place) -> bool:
    service, server = place
    if service in table and server in table[service].servers:
        return True
    if place in drained:
        return False
    remedy = "name one that lvs.cluster.ipvs_info lists"
    raise NotSupported(f"server of {service_name(service)}", server_name(server), "does not exist on this host", remedy)


def _removal(service: ServiceKey, server: ServerKey) -> IpvsOperation:
    words = f"remove drained server {server_name(server)} of {service_name(service)}"
    return IpvsOperation(Step.RETIRE_SERVER, service, words, None, server)


def _plan(table: Table, services: Iterable[ServiceKey], operations: Sequence[Any]) -> Plan[Any]:
    keys = [service for service in services if service in table]
    steps = [operation for operation in operations if isinstance(operation, IpvsOperation)]
    after = show(simulate({key: table[key] for key in keys}, steps), keys)
    return Plan(show(table, keys), after, tuple(operations), results=after)
