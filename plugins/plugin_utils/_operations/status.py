# SPDX-License-Identifier: GPL-3.0-or-later
"""What the directors hold and count now, with the names that the inventory has for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import server_name, service_name
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_server, parse_service_key
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import proving_ends, service_ends

from .._topology.failover import failover_vips
from .._topology.model import Topology, service_keys
from .._topology.proofs import director_prove_ports
from .._topology.views import director_marks, director_services, director_vips

Told = Mapping[str, Any]


def directors_status(
    topology: Topology,
    told: Mapping[str, Told | None],
    paths: Mapping[str, Sequence[Told]] = MappingProxyType({}),
    problems: Mapping[str, str] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Return what is known of each director.

    `told` is what ipvs_info returned there (None: it was not reached), and `paths` those that realserver_path_info did.
    `problems` says of directors that were asked why one of the two returned nothing.
    """
    return [
        {**director_status(topology, host, answer, paths.get(host, ())), "problem": problems.get(host)}
        for host, answer in told.items()
    ]


def director_status(topology: Topology, host: str, told: Told | None, paths: Sequence[Told] = ()) -> dict[str, Any]:
    """Return what one director holds and counts.

    A service or server that is declared and not there is told too, without counts; `declared` is false of one that is
    there and not declared.
    """
    found: dict[str, Any] = {"director": host, "reached": told is not None, "answers_for": []}
    if told is None:
        return {**found, "services": []}
    declared = {_service(options): options for options in director_services(topology, host)}
    names = _service_names(topology)
    proofs = _proofs(topology, host, paths)
    drained = {(one["service"], one["server"]): one for one in told["drained"]}
    has = told.get("addresses", ())
    there = {_service(options): (options, counts) for options, counts in zip(told["services"], told["counters"])}
    services = []
    for name in dict.fromkeys([*declared, *there]):
        options, counts = there.get(name, ({}, {}))
        rows = _servers(topology, options, counts, declared.get(name))
        for row in rows:
            kept = drained.get((name, row["server"]))
            row["drained"] = {what: kept[what] for what in ("since", "former_weight", "declared")} if kept else None
            row["path"] = proofs.get((name, row["server"]))
        services.append(
            {
                "service": name,
                "name": names.get(name),
                "declared": name in declared,
                "present": name in there,
                "scheduler": options.get("scheduler"),
                "persistence_timeout": options.get("persistence_timeout"),
                "totals": counts.get("totals"),
                "rates": counts.get("rates"),
                "servers": rows,
            }
        )
    return {
        **found,
        "answers_for": [*director_vips(topology, host), *(vip for vip in failover_vips(topology, host) if vip in has)],
        "version": told["version"],
        "timeouts": dict(told["timeouts"]),
        "services": services,
    }


# Of several paths of a server one is shown: a bad one, else a good one, else one of which nothing is known.
_SHOWN_FIRST = (False, True, None)


def _proofs(topology: Topology, director: str, paths: Sequence[Told]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what was proved of each server of each service, by the names of both."""
    marks, proving = director_marks(topology, director), proving_ends(director_prove_ports(topology, director))
    proved: dict[tuple[Any, ...], list[Told]] = {}
    for options in director_services(topology, director):
        # A host with director_marks of its own may have probed all ports of a mark.
        for end in dict.fromkeys([*service_ends(options, marks, proving), *service_ends(options, marks, {})]):
            proved.setdefault(end, []).append(options)
    shown: dict[tuple[str, str], Told] = {}
    for path in sorted(paths, key=lambda path: _SHOWN_FIRST.index(path["ok"])):
        asked = path["service"]
        for service in proved.get((asked["address"], asked["port"], asked["protocol"]), [asked]):
            shown.setdefault((_service(service), _proved_server(service, path)), path)
    told = ("verdict", "ok", "rule", "remedy", "sentence")
    return {place: {name: path[name] for name in told} for place, path in shown.items()}


def _proved_server(service: Told, path: Told) -> str:
    """Return the server of a service for which a path stands, which may be that to another port of the server."""
    own = [one for one in service.get("real_servers", ()) if one["address"] == path["address"]]
    named = own[0] if own else {"address": path["address"], "port": None if "fwmark" in service else path["port"]}
    return _server(service, named)


def _servers(topology: Topology, options: Told, counts: Told, declared: Told | None) -> list[dict[str, Any]]:
    wanted = {_server(declared, one): one for one in (declared or {}).get("real_servers", ())}
    wanted = {name: one for name, one in wanted.items() if one.get("state") != "absent"}
    there = {_server(options, one): one for one in options.get("real_servers", ())}
    counted = {one["server"]: one for one in counts.get("real_servers", ())}
    hosts = {address: host for host, addresses in topology.rips.items() for address in addresses}
    rows = []
    for name in dict.fromkeys([*wanted, *there]):
        settings, own = there.get(name, {}), counted.get(name, {})
        rows.append(
            {
                "server": name,
                "name": hosts.get((settings or wanted[name])["address"]),
                "declared": name in wanted,
                "present": name in there,
                "weight": settings.get("weight"),
                "declared_weight": wanted.get(name, {}).get("weight"),
                "forwarding": settings.get("forwarding"),
                "connections": own.get("connections"),
                "totals": own.get("totals"),
                "rates": own.get("rates"),
            }
        )
    return rows


def _service(options: Told) -> str:
    return service_name(parse_service_key(options))


def _server(service: Told | None, options: Told) -> str:
    return server_name(parse_server(options, parse_service_key(service or {})).key)


def _service_names(topology: Topology) -> dict[str, str]:
    """Return the names of each service in lvs_services, by its identity in words; several can share a mark."""
    names: dict[str, dict[str, None]] = {}
    for service in topology.services:
        for key in service_keys(service):
            names.setdefault(_service(key), {})[service.name] = None
    return {identity: ", ".join(known) for identity, known in names.items()}


def status_lines(directors: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the same for people: a heading for each director and service, and a row for each server."""
    tables = [[_cells(server) for server in service["servers"]] for one in directors for service in one["services"]]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *(cells for rows in tables for cells in rows))]
    lines: list[str] = []
    for one in directors:
        lines += ["", _heading(one)] if lines else [_heading(one)]
        for service in one["services"]:
            lines.append(f"  {_title(service)}")
            rows = [_cells(server) for server in service["servers"]]
            lines += [f"    {line}" for line in _aligned([_HEADINGS, *rows] if rows else [], widths)]
    return lines


_HEADINGS = ("SERVER", "ADDRESS", "PATH", "WEIGHT", "ACTIVE", "INACTIVE", "CONN/S", "IN/S", "")
_LEFT = (0, 1, 2, len(_HEADINGS) - 1)


def _heading(one: Mapping[str, Any]) -> str:
    name = one["director"]
    problem = f"; it {one['problem']}" if one.get("problem") else ""
    if not one["reached"]:
        return f"{name}: UNKNOWN, since{problem[1:]}" if problem else f"{name}: not reached, so nothing is known of it"
    vips = ", ".join(one["answers_for"])
    role = f"answers for {vips}" if vips else "on standby"
    return f"{name}: {role}{problem}" if one["services"] else f"{name}: {role}, and has no services{problem}"


def _title(service: Mapping[str, Any]) -> str:
    words = [service["service"]]
    if service["name"]:
        words.append(f"({service['name']})")
    if service["scheduler"]:
        words.append(service["scheduler"])
    if service["persistence_timeout"]:
        words.append(f"persistent {service['persistence_timeout']} s")
    return " ".join(words) + "".join(f"; {note}" for note in _service_notes(service))


def _service_notes(service: Mapping[str, Any]) -> list[str]:
    if not service["present"]:
        return ["declared, but not there"]
    notes = [] if service["declared"] else ["not declared"]
    if not any(server["weight"] for server in service["servers"]):
        notes.append("NOBODY SERVES IT: no server has a weight")
    return notes


def _cells(server: Mapping[str, Any]) -> tuple[str, ...]:
    connections, rates = server["connections"] or {}, server["rates"] or {}
    return (
        server["name"] or "-",
        server["server"],
        (server["path"] or {}).get("verdict", "-"),
        _number(server["weight"]),
        _number(connections.get("active")),
        _number(connections.get("inactive")),
        _number(rates.get("connections")),
        _bytes(rates.get("bytes_in")),
        "; ".join(_server_notes(server)),
    )


def _server_notes(server: Mapping[str, Any]) -> list[str]:
    notes = []
    kept, weight, declared = server["drained"], server["weight"], server["declared_weight"]
    if kept:
        since = f" since {kept['since']}" if kept["since"] else ""
        notes.append(f"drained{since}, weight was {kept['former_weight']}")
    elif weight == 0:
        notes.append("no new connections")
    if not server["present"]:
        notes.append("declared, but not there")
    elif not server["declared"]:
        notes.append("not declared")
    elif not kept and declared is not None and declared != weight:
        notes.append(f"declared weight {declared}")
    if server["path"] and server["path"]["ok"] is False:
        notes.append(f"DOES NOT SERVE: {server['path']['rule']}")
    return notes


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _bytes(value: int | None) -> str:
    """Return a number of bytes in at most six characters."""
    if value is None:
        return "-"
    size, units = float(value), ("B", "kB", "MB", "GB", "TB", "PB")
    unit = 0
    while round(size) >= 1000 and unit < len(units) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {units[unit]}"


def _aligned(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> list[str]:
    return [
        "  ".join(
            cell.ljust(width) if place in _LEFT else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]
