# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that were drained, as a file's text: what they were before, so that any later run can give it back.

The kernel has no place for it (weight 0 is all that it keeps), and the director is where every operator comes by; so
it stands in a file of the director's. It is kept across boots, and a drained server comes back from one drained.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core.errors import LvsError
from .._ipvs.describe import server_name, server_options, service_key_options, service_name
from .._ipvs.model import Drained, Former, Place, ServerSettings, Table
from .._ipvs.operations import IpvsOperation, Step
from .._ipvs.options import WantedService, parse_server, parse_service_key

_FORMAT = 1
_DRAINING = (Step.DRAIN_SERVER, Step.HOLD_SERVER)
_WITH_WEIGHT = (Step.ADD_SERVER, Step.SET_SERVER, Step.RESTORE_SERVER)


def dump(drained: Drained) -> str | None:
    """Return the text of the file, or None (no file) when there is nothing to remember."""
    if not drained:
        return None
    entries = [
        {
            "service": service_key_options(service),
            "server": server_options(server, former.settings),
            "since": former.since,
            "declared": former.declared,
        }
        for (service, server), former in sorted(drained.items())
    ]
    return json.dumps({"format": _FORMAT, "drained": entries}, indent=1) + "\n"


def load(text: str, path: str) -> dict[Place, Former]:
    """Return what the text of the file at `path` remembers; raises LvsError when it is not what `dump` writes."""
    try:
        data = json.loads(text)
        if data["format"] != _FORMAT:
            raise ValueError(data["format"])
        return dict(_entry(entry) for entry in data["drained"])
    except (AttributeError, KeyError, TypeError, ValueError, LvsError):
        remedy = "restore the file from a backup, or remove it and set the weights of the drained servers yourself"
        raise LvsError(
            path, None, "is damaged or of another version: it has the weights before a drain", remedy
        ) from None


def _entry(entry: Mapping[str, Any]) -> tuple[Place, Former]:
    key = parse_service_key(entry["service"])
    wanted = parse_server(entry["server"], key)
    settings = ServerSettings(**wanted.given)
    return (key, wanted.key), Former(settings, int(entry.get("since", 0)), bool(entry.get("declared", False)))


def to_remember(table: Table, drained: Drained, operations: Iterable[Any], now: int) -> dict[Place, Former]:
    """Return what has to be remembered before the operations are done; `now` is in seconds since 1970.

    A server that has weight 0 already keeps what is remembered of it.
    """
    found = {}
    for operation in operations:
        if isinstance(operation, IpvsOperation) and operation.step in _DRAINING and operation.server:
            place, settings = (operation.service, operation.server), table[operation.service].servers[operation.server]
            declared = operation.step is Step.DRAIN_SERVER
            former = drained.get(place)
            if former is None or settings.weight:
                former = Former(settings, now, declared)
            found[place] = former._replace(declared=former.declared and declared)
    return found


def to_forget(drained: Drained, operations: Iterable[Any]) -> set[Place]:
    """Return what need not be remembered once the operations are done: servers with a weight again, or removed."""
    gone: set[Place] = set()
    for operation in operations:
        if not isinstance(operation, IpvsOperation):
            continue
        if operation.step is Step.REMOVE_SERVICE:
            gone |= {place for place in drained if place[0] == operation.service}
        elif operation.server is not None:
            weighted = operation.server_settings is not None and operation.server_settings.weight > 0
            if operation.step is Step.REMOVE_SERVER or (operation.step in _WITH_WEIGHT and weighted):
                gone.add((operation.service, operation.server))
    return gone & drained.keys()


def still_drained(wanted: Sequence[WantedService], drained: Drained) -> list[WantedService]:
    """Return the services with weight 0 for the servers that are drained, whatever weight they were declared with."""
    return [
        service._replace(
            servers=tuple(
                server._replace(given={**server.given, "weight": 0}) if (service.key, server.key) in drained else server
                for server in service.servers
            )
        )
        for service in wanted
    ]


def held(drained: Drained) -> dict[Place, Former]:
    """Return the servers that stay drained until somebody restores them."""
    return {place: former for place, former in drained.items() if not former.declared}


def held_warnings(wanted: Sequence[WantedService], drained: Drained) -> tuple[str, ...]:
    """Return a sentence for each server that gets no weight, though one is declared, since somebody drained it."""
    kept = held(drained)
    return tuple(
        f"Server {server_name(server.key)} of {service_name(service.key)} was drained{_when(kept[place])} and stays "
        "so, whatever weight is declared; lvs.cluster.restore gives it its weight back."
        for service in wanted
        for server in service.servers
        if service.state == server.state == "present"
        and server.given.get("weight")
        and (place := (service.key, server.key)) in kept
    )


def moment(since: int) -> str | None:
    """Return the moment as people and programs read it, such as 2026-05-01T12:00:00Z; None when it is not known."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since)) if since else None


def _when(former: Former) -> str:
    return f" at {moment(former.since)}" if former.since else ""
