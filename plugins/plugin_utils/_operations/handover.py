# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a director may take the VIPs over, by what it and the present one have. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import server_name, service_name
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services

Told = Mapping[str, Any]


def handover_problems(target: Told, masters: Mapping[str, Told]) -> list[str]:
    """Return why a director must not take over, in words; `masters` are those that have VIPs now.

    Of each director there are `roles` (vrrp_info), `table` (ipvs_info) and `paths` (realserver_path_info).
    """
    return [*_of_vrrp(target["roles"]), *_of_tables(target["table"], masters), *_of_paths(target["paths"])]


def _of_vrrp(roles: Told) -> Iterator[str]:
    if not roles.get("running"):
        yield f"{roles.get('unit', 'VRRP')} does not run"
    for one in roles.get("instances", ()):
        if not one["settled"]:
            yield f"instance {one['name']} is {one['role']} and has not the VIPs of that role"


def _of_tables(table: Told, masters: Mapping[str, Told]) -> Iterator[str]:
    """Yield what the target's table lacks of the tables of the masters, and sync daemons that it lacks."""
    mine = _table(table)
    for name, master in masters.items():
        theirs = _table(master["table"])
        for key, state in theirs.items():
            if key not in mine:
                yield f"service {service_name(key)}, which {name} has, is missing"
                continue
            for server, settings in state.servers.items():
                if server not in mine[key].servers:
                    yield f"server {server_name(server)} of {service_name(key)}, which {name} has, is missing"
                elif bool(mine[key].servers[server].weight) != bool(settings.weight):
                    weight = mine[key].servers[server].weight
                    where = f"server {server_name(server)} of {service_name(key)}"
                    yield f"{where} has weight {weight}, and {settings.weight} on {name}"
        sends = [one for one in master["table"].get("sync_daemons", ()) if one["state"] == "master"]
        receives = {one["sync_id"] for one in table.get("sync_daemons", ()) if one["state"] == "backup"}
        for one in sends:
            if one["sync_id"] not in receives:
                yield f"no sync daemon receives the connections of {name} (sync ID {one['sync_id']})"


def _table(told: Told) -> Mapping[Any, Any]:
    return simulate({}, plan_services({}, parse_services(told["services"])).operations)


def _of_paths(paths: Iterable[Told]) -> Iterator[str]:
    bad: Sequence[Told] = [path for path in paths if path["ok"] is False]
    yield from (path["sentence"].rstrip(".") for path in bad)
