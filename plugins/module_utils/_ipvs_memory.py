# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that were drained, as a file's text: what they were before, so that any later run can give it back.

The kernel has no place for it (weight 0 is all that it keeps), and the director is where every operator comes by; so
it stands in a file of the director's. It is kept across boots, and a drained server comes back from one drained.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ._errors import LvsError
from ._ipvs_fields import ServerSettings
from ._ipvs_options import WantedService, parse_server, parse_service_key
from ._ipvs_plan import Drained, IpvsOperation, Place, Step, Table
from ._ipvs_words import server_options, service_key_options

MEMORY = "/var/lib/lvs-cluster/drained.json"
_FORMAT = 1
_WITH_WEIGHT = (Step.ADD_SERVER, Step.SET_SERVER, Step.RESTORE_SERVER)


def dump(drained: Drained) -> str | None:
    """Return the text of the file, or None (no file) when there is nothing to remember."""
    if not drained:
        return None
    entries = [
        {"service": service_key_options(service), "server": server_options(server, settings)}
        for (service, server), settings in sorted(drained.items())
    ]
    return json.dumps({"format": _FORMAT, "drained": entries}, indent=1) + "\n"


def load(text: str | None) -> dict[Place, ServerSettings]:
    """Return what `text` remembers; raises LvsError when it is not what `dump` writes."""
    if text is None:
        return {}
    try:
        data = json.loads(text)
        if data["format"] != _FORMAT:
            raise ValueError(data["format"])
        return dict(_entry(entry["service"], entry["server"]) for entry in data["drained"])
    except (AttributeError, KeyError, TypeError, ValueError, LvsError):
        raise LvsError(
            f"{MEMORY} is damaged or of another version: the weights from before a drain cannot be read; put the file "
            "back from a backup, or remove it and name the weights of the drained servers yourself."
        ) from None


def _entry(service: dict[str, Any], server: dict[str, Any]) -> tuple[Place, ServerSettings]:
    key = parse_service_key(service)
    wanted = parse_server(server, key)
    return (key, wanted.key), ServerSettings(**wanted.given)


def to_remember(table: Table, drained: Drained, operations: Iterable[Any]) -> dict[Place, ServerSettings]:
    """Return what has to be remembered before the operations are done.

    A server that has weight 0 already keeps what is remembered of it.
    """
    found = {}
    for operation in operations:
        if isinstance(operation, IpvsOperation) and operation.step is Step.DRAIN_SERVER and operation.server:
            place, former = (operation.service, operation.server), table[operation.service].servers[operation.server]
            found[place] = former if former.weight or place not in drained else drained[place]
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
