# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: what a host holds, now and after a reboot, against what is declared, by the plans of the modules. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._finding import Finding
from ._ipvs_options import parse_services
from ._ipvs_plan import plan_services, simulate
from ._topology_views import director_services, director_vips, realserver_tunnels, realserver_vips
from ._verify_model import BOOT, TABLE, Check, Seen, bad, good

_REMEDY = "run lvs.cluster.site, which puts it right"


def drift(current: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what ipvs_table would do to get from services to others, in words, and of which server (or empty)."""
    table = simulate({}, plan_services({}, parse_services(current)).operations)
    operations = plan_services(table, parse_services(wanted)).operations
    return [(one.words, one.server.address if one.server else "") for one in operations]


def table_checks(seen: Seen) -> Iterator[Check]:
    """Yield whether each director's table is as declared; what an operator drained is only told."""
    for host, info in seen.before.items():
        wanted = _wanted(seen, host)
        drained = {one["server"]: one for one in info.get("drained", ())}
        steps = drift(info["services"], wanted)
        for words, server in steps:
            held = next((one for name, one in drained.items() if server and server in name), None)
            if held:
                rule = f"is drained (it had weight {held['former_weight']})"
                remedy = "give it its weight back with lvs.cluster.restore when it may serve again"
                yield bad(TABLE, Finding(seen.host_of(server), "server", held["server"], rule, remedy), warning=True)
            else:
                rule = f"differs from what is declared (a run would: {words})"
                yield bad(TABLE, Finding(host, "table", "", rule, _REMEDY))
        if not steps:
            servers = sum(len(service.get("real_servers") or ()) for service in wanted)
            yield good(TABLE, host, f"{len(wanted)} services with {servers} servers, as declared")


def boot_checks(seen: Seen) -> Iterator[Check]:
    """Yield whether what a host brings back at boot is what is declared, and kept there now."""
    for host, look in seen.looks.items():
        for name, boot in look.get("boots", {}).items():
            problems = list(_boot_problems(seen, host, name, boot))
            for rule in problems:
                yield bad(BOOT, Finding(host, "unit", boot["unit"], rule, "run lvs.cluster.site for this host"))
            if not problems:
                yield good(BOOT, host, f"{boot['unit']} is active, enabled and declares what is wanted")


def _boot_problems(seen: Seen, host: str, name: str, boot: Mapping[str, Any]) -> Iterator[str]:
    declared = boot["declared"]
    if declared is None:
        yield "has no declaration on disk, so that nothing comes back after a reboot"
        return
    if not boot["active"]:
        yield "is not active, so that a VIP that a network manager takes away stays away"
    if not boot["enabled"]:
        yield "is not enabled, so that nothing comes back after a reboot"
    kept = {str(vip).partition("/")[0] for item in declared["vips"] for vip in item["addresses"]}
    if name == "director":
        vips = director_vips(seen.topology, host)
        for words, _server in drift(declared["services"], _wanted(seen, host)):
            yield f"would bring another table back at boot (a run would: {words})"
    else:
        vips = realserver_vips(seen.topology, host)
        vips += [vip for one in realserver_tunnels(seen.topology, host) for vip in one["addresses"]]
    for vip in vips:
        if vip not in kept:
            yield f"does not bring VIP {vip} back at boot"


def _wanted(seen: Seen, host: str) -> list[dict[str, Any]]:
    return [{**service, "purge": True} for service in director_services(seen.topology, host)]
