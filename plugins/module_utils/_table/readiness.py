# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are to get clients, and don't serve: asked for before they are enrolled, and held back. Pure.

Asked is only who begins to get clients. A server that is enrolled already stays, whatever it would answer now: a run is
no health check, one moment tells little, and to take servers out for it could empty a pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any, Callable, NamedTuple

from .._core.address import parse_host
from .._core.errors import LvsError
from .._core.options import in_range
from .._core.plan import Plan
from .._ipvs.describe import server_name, service_key_options, service_name
from .._ipvs.model import Place, ServiceKey, Table
from .._ipvs.operations import IpvsOperation, simulate
from .._ipvs.options import WantedServer, WantedService, parse_server, parse_service_key
from .._path.services import service_paths

Marks = Sequence[Mapping[str, Any]]
Ask = Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]


class Readiness(NamedTuple):
    """How servers are proved: `marks` tell what a service by a mark stands for, and `prove_ports` which ports prove it.

    `ask` takes services of realserver_path_info and returns their paths; None: it is a rehearsal, in which nobody can
    serve yet.
    """

    marks: Marks
    ask: Ask | None
    prove_ports: Sequence[Mapping[str, Any]] = ()


def parse_prove_ports(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the option `prove_ports` of ipvs_table in canonical form; raise InvalidValue for what breaks a rule."""
    return [
        {
            "service": service_key_options(parse_service_key(item["service"])),
            "address": str(parse_host(item["address"], "address of prove_ports")),
            "ports": [in_range("ports of prove_ports", port, 1, 65535) for port in item["ports"]],
        }
        for item in items
    ]


def plan_ready(
    table: Table,
    services: Sequence[Mapping[str, Any]],
    wanted: Sequence[WantedService],
    plan_for: Callable[[Sequence[WantedService]], Plan[IpvsOperation]],
    readiness: Readiness,
) -> Plan[IpvsOperation]:
    """Return the plan of `plan_for`, once all that it gives clients turned out to serve them, or without the others.

    `services` are the options that `wanted` was made of. Raises LvsError where that would leave nobody who gets clients
    in a service that has someone now.
    """
    plan = plan_for(wanted)
    newly_enabled = _newly_enabled(table, plan)
    if not newly_enabled:
        return replace(plan, results={**plan.results, "held": []})
    if readiness.ask is None:
        names = ", ".join(f"{server_name(server)} of {service_name(service)}" for service, server in newly_enabled)
        warning = f"In a rehearsal nobody can be proved to serve. Before a real run gives them clients it asks {names}."
        return replace(plan, warnings=(*plan.warnings, warning), results={**plan.results, "held": []})
    reasons = _reasons(services, newly_enabled, readiness)
    if not reasons:
        return replace(plan, results={**plan.results, "held": []})
    proved = plan_for([_without(service, reasons, table) for service in wanted])
    _refuse_to_empty(table, proved, reasons)
    not_ready = [_not_ready(place, table, reason) for place, reason in reasons.items()]
    warnings = tuple(one["sentence"] for one in not_ready)
    return replace(proved, warnings=(*proved.warnings, *warnings), results={**proved.results, "held": not_ready})


def _newly_enabled(table: Table, plan: Plan[IpvsOperation]) -> list[Place]:
    """Return the servers to which the plan sends clients, and nobody does until now."""
    steps = (one for one in plan.operations if isinstance(one, IpvsOperation))
    return [(one.service, one.server) for one in steps if one.server and enables(table, one)]


def enables(table: Table, operation: IpvsOperation) -> bool:
    """Return whether a step gives clients to a server that has none."""
    if not operation.server or not operation.server_settings or not operation.server_settings.weight:
        return False
    state = table.get(operation.service)
    now = state.servers.get(operation.server) if state else None
    return now is None or now.weight == 0


def _reasons(
    services: Sequence[Mapping[str, Any]], newly_enabled: Iterable[Place], readiness: Readiness
) -> dict[Place, str]:
    """Return why servers don't serve, those that don't; a server has to answer at each port that proves a service."""
    places, asked, whose = set(newly_enabled), list[dict[str, Any]](), list[Place]()
    for options in services:
        key = parse_service_key(options)
        for server in options.get("real_servers") or ():
            place = (key, parse_server(server, key).key)
            if place in places:
                one = {**options, "real_servers": [server]}
                paths = service_paths([one], readiness.marks, readiness.prove_ports)
                asked += paths
                whose += [place] * len(paths)
    reasons: dict[Place, str] = {}
    answers = {_end(path["service"], path): path for path in readiness.ask(asked)} if readiness.ask and asked else {}
    for place, service in zip(whose, asked):
        path = answers.get(_end(service, service["real_servers"][0]))
        if path and path["ok"] is False:
            reasons.setdefault(place, str(path["sentence"]))
    return reasons


def _end(service: Mapping[str, Any], server: Mapping[str, Any]) -> tuple[Any, ...]:
    vip, rip = (str(ip_address(one["address"])) for one in (service, server))
    return vip, service["port"], service["protocol"], rip, server.get("port") or service["port"]


def _without(service: WantedService, not_ready: Iterable[Place], table: Table) -> WantedService:
    """Return a service without those of its servers that are held back; one that is there keeps its weight 0."""
    back = {server for key, server in not_ready if key == service.key}
    there = table[service.key].servers if service.key in table else {}
    servers: list[WantedServer] = []
    for server in service.servers:
        if server.key not in back:
            servers.append(server)
        elif server.key in there:
            servers.append(server._replace(given={**server.given, "weight": 0}))
    return service._replace(servers=tuple(servers))


def _refuse_to_empty(table: Table, plan: Plan[IpvsOperation], reasons: Mapping[Place, str]) -> None:
    after = simulate(table, [one for one in plan.operations if isinstance(one, IpvsOperation)])
    for service in dict.fromkeys(service for service, _server in reasons):
        if _served(table, service) and not _served(after, service):
            why = " ".join(reason for (key, _server), reason in reasons.items() if key == service).rstrip(".")
            raise LvsError(
                "services",
                service_name(service),
                f"has active servers and would be left with none: {why}",
                "correct that, or add servers without a probe (director_prove_path: false, or prove: false)",
            )


def _served(table: Table, service: ServiceKey) -> bool:
    return service in table and any(one.weight for one in table[service].servers.values())


def _not_ready(place: Place, table: Table, reason: str) -> dict[str, Any]:
    service, server = place
    enrolled = service in table and server in table[service].servers
    sentence = f"{reason} So {server_name(server)} gets no clients of {service_name(service)} yet."
    return {
        "service": service_key_options(service),
        "server": {"address": server.address, "port": server.port},
        "enrolled": enrolled,
        "sentence": sentence,
    }


def without_held(services: Sequence[Mapping[str, Any]], held: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return services of ipvs_table without the servers that it held back; with weight 0 where they were enrolled."""
    back: dict[Place, bool] = {}
    for one in held:
        key = parse_service_key(one["service"])
        back[key, parse_server(one["server"], key).key] = one["enrolled"]
    return [{**service, **_kept(service, back)} for service in services]


def _kept(service: Mapping[str, Any], back: Mapping[Place, bool]) -> dict[str, Any]:
    key, kept = parse_service_key(service), []
    if service.get("real_servers") is None:
        return {}
    for server in service["real_servers"]:
        enrolled = back.get((key, parse_server(server, key).key))
        if enrolled is None:
            kept.append(server)
        elif enrolled:
            kept.append({**{name: server[name] for name in server if name != "initial_weight"}, "weight": 0})
    return {"real_servers": kept}
