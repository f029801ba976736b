# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: what a host holds, now and after a reboot, against what is declared, by the plans of the modules. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint_address
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import server_name, service_name
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service_key, parse_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services, plan_sysctls, plan_timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import (
    KERNEL_SYSCTLS,
    parse_sysctls,
    parse_timeouts,
)
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of
from ansible_collections.lvs.cluster.plugins.module_utils._table.readiness import enables

from .._restore.program import restore_program
from .._topology.finding import Finding
from .._topology.views import director_withheld_services
from .desired import Director
from .model import BOOT, TABLE, Check, Seen, bad, count, good
from .vanished import remedy

_REMEDY = "run lvs.cluster.site, which puts it right"


class TableStep(NamedTuple):
    """A step of ipvs_table, in words; `service` and `server` name the server that it is about, or nothing.

    One that `enables` gives clients to a server that has none.
    """

    words: str
    service: str = ""
    server: str = ""
    enables: bool = False

    @property
    def address(self) -> str:
        """The server's own address."""
        return endpoint_address(self.server)


def drift(held: Mapping[str, Any], director: Director, purge: bool = False) -> list[TableStep]:
    """Return what ipvs_table would do to get from what is held to what the director declares.

    Held are `services`, `timeouts` and `sysctls`. What is not declared is left alone, and is no drift; at boot nothing
    is said of it.
    """
    table = simulate({}, plan_services({}, parse_services(held["services"])).operations)
    steps = plan_services(table, parse_services(director.services), purge).operations
    found = [
        TableStep(one.words, service_name(one.service), server_name(one.server), enables(table, one))
        if one.server
        else TableStep(one.words)
        for one in steps
    ]
    settings = Plan[Any]({}, {})
    timeouts, sysctls = parse_timeouts(director.timeouts), parse_sysctls(director.sysctls)
    if timeouts:
        now = Timeouts(**{**dict.fromkeys(Timeouts._fields, 0), **(held.get("timeouts") or {})})
        settings = plan_timeouts(settings, now, timeouts)
    settings = plan_sysctls(settings, {**KERNEL_SYSCTLS, **(held.get("sysctls") or {})}, sysctls)
    return [*found, *map(TableStep, settings.words)]


def table_checks(seen: Seen) -> Iterator[Check]:
    """Yield whether each director's table is as declared; what an operator drained is only told."""
    for host, info in seen.tables.items():
        director = seen.declared.directors.get(host)
        if not director:
            continue
        for finding in withheld_findings(seen, host).values():
            yield bad(TABLE, finding)
        drained = {(one["service"], one["server"]): one for one in info.get("drained", ())}
        others = {name for one in seen.facts[host].declarations if one.owner != director.owner for name in one.services}
        steps = drift(_without(info, others), director, director.purge)
        for step in steps:
            held = drained.get((step.service, step.server))
            if held and director.keep_drained:
                rule = f"is drained (it had weight {held['former_weight']})"
                restore = "give it its weight back with lvs.cluster.restore when it may serve again"
                finding = Finding(seen.host_of(step.address), "server", step.server, rule, restore)
                yield bad(TABLE, finding, warning=True)
            elif _is_held_back(seen, host, step):
                rule = f"gets no clients of {step.service} yet, since its path is not good"
                finding = Finding(
                    seen.host_of(step.address), "server", step.server, rule, "mend that, and run lvs.cluster.site"
                )
                yield bad(TABLE, finding)._replace(consequence=True)
            else:
                rule = f"differs from what is declared (a run would: {step.words})"
                yield bad(TABLE, Finding(host, "table", "", rule, remedy(seen, host, _REMEDY)))
        if not steps:
            servers = sum(len(service.get("real_servers") or ()) for service in director.services)
            told = f"{count(len(director.services), 'service')} with {count(servers, 'server')}, as declared"
            yield good(TABLE, host, told)


def withheld_findings(seen: Seen, host: str) -> dict[str, Finding]:
    """Return the services, by name, that a director must not have while it stands by, and has."""
    names = {service_name(parse_service_key(one)) for one in seen.tables.get(host, {}).get("services", ())}
    found = {}
    for options in director_withheld_services(seen.topology, host):
        name = service_name(parse_service_key(options))
        if name in names:
            rule = (
                "is in the table of this host, which is a real server of it and stands by as a director: it balances "
                "once more what the active director sends it"
            )
            found[name] = Finding(host, "service", name, rule, _REMEDY)
    return found


def _without(held: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return what is held without the services of these names, which are declared by other clusters."""
    services = [one for one in held["services"] if service_name(parse_service_key(one)) not in names]
    return {**held, "services": services}


def _is_held_back(seen: Seen, director: str, step: TableStep) -> bool:
    """Return whether a server has no clients, and a run would give it none either, since its path is not good."""
    paths = seen.looks[director].get("paths", ())
    return step.enables and any(path["address"] == step.address and path["ok"] is False for path in paths)


def boot_checks(seen: Seen) -> Iterator[Check]:
    """Yield whether what a host brings back at boot is what is declared, and kept there now."""
    for host, look in seen.looks.items():
        for name, boot in look.get("boots", {}).items():
            problems = list(_boot_problems(seen, host, name, boot))
            for rule in problems:
                yield bad(BOOT, Finding(host, "unit", boot["unit"], rule, "run lvs.cluster.site for this host"))
            rule = _outdated(boot) if not problems else ""
            if rule:
                finding = Finding(host, "unit", boot["unit"], rule, "run lvs.cluster.site for this host")
                yield bad(BOOT, finding, warning=True)
            elif not problems:
                yield good(BOOT, host, f"{boot['unit']} is active, enabled and declares what is wanted")


def _boot_problems(seen: Seen, host: str, name: str, boot: Mapping[str, Any]) -> Iterator[str]:
    declared = boot["declared"]
    if declared is None:
        yield "has no declaration on disk, so that nothing comes back after a reboot"
        return
    if not boot["active"]:
        yield "is not active, so that a VIP that a network manager takes away stays away"
    start = boot.get("start", {})
    if start is None:
        yield "has no file, so that nothing comes back after a reboot"
        return
    for path in start.get("missing", ()):
        yield f"starts {path}, which does not exist, so that nothing comes back after a reboot"
    for path in start.get("hidden", ()):
        yield f"starts {path}, which a unit does not see at boot, so that nothing comes back after a reboot"
    if not boot["enabled"]:
        yield "is not enabled, so that nothing comes back after a reboot"
    kept = {str(vip).partition("/")[0] for item in declared["vips"] for vip in item["addresses"]}
    director, server = seen.declared.directors.get(host), seen.declared.servers.get(host)
    vips: Iterable[str] = ()
    if name == "director" and director:
        vips = [vip for vip in director.vips if vip not in director.failover_vips]
        for vip in (vip for vip in director.failover_vips if vip in kept):
            yield f"brings VIP {vip} back at boot, also on standby, and failover assigns it"
        yield from _boot_table(seen, host, director, declared)
    elif server:
        vips = server.devices
    for vip in vips:
        if vip not in kept:
            yield f"does not bring VIP {vip} back at boot"


def _outdated(boot: Mapping[str, Any]) -> str:
    """Return in which way a unit that works is not what a run of site would leave."""
    start = boot.get("start") or {}
    if start.get("program") and start["program"] != checksum_of(restore_program()):
        return "starts a program of another version of the collection"
    if start.get("current") is False:
        return f"is not as a run would write it now (it starts {' '.join(start['command'])})"
    return ""


def _boot_table(seen: Seen, host: str, director: Director, declared: Mapping[str, Any]) -> Iterator[str]:
    for step in drift(declared, director):
        if not _is_held_back(seen, host, step):
            yield f"would bring another table back at boot (a run would: {step.words})"
