# SPDX-License-Identifier: GPL-3.0-or-later
"""From the table that is to the table that is wanted: which steps, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core.errors import InvalidValue, NotSupported
from .._core.plan import Plan
from .describe import server_name, server_options, service_name, service_options
from .model import (
    NOBODY,
    Drained,
    ServerKey,
    Servers,
    ServerSettings,
    ServiceKey,
    ServiceSettings,
    ServiceState,
    Table,
    Timeouts,
)
from .operations import IpvsOperation, Step, SysctlsOperation, TimeoutsOperation, simulate
from .options import WantedServer, WantedService
from .validate import resolve_server, resolve_service

_ORDER = {step: number for number, step in enumerate(Step)}


def plan_timeouts(plan: Plan[Any], current: Timeouts, given: Mapping[str, int]) -> Plan[Any]:
    """Return the plan with the timeouts that are given (s); those that are not stay as they are."""
    wanted = current._replace(**given)
    before, after = current._asdict(), wanted._asdict()
    operation = TimeoutsOperation(f"change timeouts: {_changes(before, after)}", wanted)
    return _with_settings(plan, "timeouts", before, after, operation)


def plan_sysctls(plan: Plan[Any], current: Mapping[str, int], given: Mapping[str, int]) -> Plan[Any]:
    """Return the plan with the sysctls that are given; the others stay as they are.

    Raises NotSupported for one that `current`, and so the kernel, does not have.
    """
    if not given:
        return plan
    for name in given:
        if name not in current:
            rule = f"is not possible: this kernel has no net.ipv4.vs.{name}"
            raise NotSupported(f"sysctls.{name}", given[name], rule, "leave it out")
    before = {name: current[name] for name in given}
    different = {name: value for name, value in given.items() if value != before[name]}
    operation = SysctlsOperation(f"change sysctls: {_changes(before, given)}", different)
    return _with_settings(plan, "sysctls", before, dict(given), operation)


def _with_settings(
    plan: Plan[Any], what: str, before: Mapping[str, int], after: Mapping[str, int], operation: Any
) -> Plan[Any]:
    """Return the plan with these settings, which come before the services."""
    return replace(
        plan,
        before={**plan.before, what: before},
        after={**plan.after, what: after},
        operations=plan.operations if after == before else (operation, *plan.operations),
        results={**plan.results, what: after},
    )


def plan_services(
    table: Table, wanted: Sequence[WantedService], purge: bool = False, drained: Drained = NOBODY
) -> Plan[IpvsOperation]:
    """Return the way from `table` to what is wanted of the services that are named.

    `table` has to hold every named service that exists; with `purge` every other service in it is removed, otherwise
    left alone. A server of `drained` that has to be added, with no weight named, comes back with weight 0. Raises
    InvalidValue for what could not work.
    """
    keys = [service.key for service in wanted]
    seen: set[ServiceKey] = set()
    for key in keys:
        if key in seen:
            raise InvalidValue("services", service_name(key), "is listed twice", "keep one entry for each service")
        seen.add(key)
    planner = _Planner(drained)
    for service in wanted:
        planner.service(service, table.get(service.key))
    strangers = [key for key in table if key not in seen] if purge else []
    planner.operations += [_service_removal(key) for key in strangers]
    return planner.plan(table, keys + strangers)


def plan_server(
    table: Table, service: ServiceKey, wanted: WantedServer, drained: Drained = NOBODY
) -> Plan[IpvsOperation]:
    """Return the way to one server of one service; raise NotSupported when the service is not there to take it."""
    state = table.get(service)
    if state is None and wanted.state == "present":
        remedy = "create it first with lvs.cluster.ipvs_service"
        raise NotSupported("service", service_name(service), "does not exist on this host", remedy)
    planner = _Planner(drained)
    if state is not None:
        planner.servers(service, [wanted], state.servers)
    return planner.plan(table, [service])


class _Planner:
    """Gathers the steps of one run, and what there is to say about things that stay as they are."""

    def __init__(self, drained: Drained) -> None:
        self.drained = drained
        self.operations: list[IpvsOperation] = []
        self.warnings: list[str] = []

    def plan(self, table: Table, keys: Sequence[ServiceKey]) -> Plan[IpvsOperation]:
        """Return the plan, which shows the services `keys` of the table before and after."""
        self.operations.sort(key=lambda operation: _ORDER[operation.step])
        before = after = show(table, keys)
        if self.operations:
            after = show(simulate({key: table[key] for key in keys if key in table}, self.operations), keys)
        warnings = tuple(filter(None, self.warnings))
        return Plan(before, after, tuple(self.operations), results=after, warnings=warnings)

    def service(self, wanted: WantedService, state: ServiceState | None) -> None:
        """Add the steps to one service with its servers."""
        key, name = wanted.key, service_name(wanted.key)
        if wanted.state == "absent":
            self.operations += [] if state is None else [_service_removal(key)]
            return
        settings, warning = resolve_service(key, wanted.given, state and state.settings)
        self.warnings.append(warning)
        if state is None:
            words = f"add service {name} (scheduler {settings.scheduler})"
            self.operations.append(IpvsOperation(Step.ADD_SERVICE, key, words, settings))
        elif settings != state.settings:
            words = f"change service {name}: {_changes(_shown_settings(state.settings), _shown_settings(settings))}"
            self.operations.append(IpvsOperation(Step.SET_SERVICE, key, words, settings))
        servers = state.servers if state else {}
        self.servers(key, wanted.servers, servers)
        if wanted.purge:
            named = {server.key for server in wanted.servers}
            self.operations += [server_removal(key, server) for server in servers if server not in named]

    def servers(self, service: ServiceKey, wanted: Sequence[WantedServer], servers: Servers) -> None:
        """Add the steps to these servers of one service; `servers` are those that it has."""
        for server in wanted:
            current = servers.get(server.key)
            if server.state == "absent":
                self.operations += [] if current is None else [server_removal(service, server.key)]
            else:
                self._server(service, server, current)

    def _server(self, service: ServiceKey, wanted: WantedServer, current: ServerSettings | None) -> None:
        key, given = wanted.key, wanted.given
        if wanted.state == "drained":
            given = {**given, "weight": 0}
        stays_drained = current is None and "weight" not in given and (service, key) in self.drained
        if stays_drained:
            given = {**given, "weight": 0}
        elif current is None and wanted.initial_weight is not None:
            given = {"weight": wanted.initial_weight, **given}
        settings, warning = resolve_server(service, key, given, current)
        self.warnings.append(warning)
        where = f"{server_name(key)} {{}} {service_name(service)}"
        if current is None:
            why = ", it was drained" if stays_drained else ""
            words = f"add server {where.format('to')} ({settings.forwarding}, weight {settings.weight}{why})"
            self.operations.append(IpvsOperation(Step.ADD_SERVER, service, words, None, key, settings))
        elif settings != current:
            changes = _changes(server_options(key, current), server_options(key, settings))
            drains = wanted.state == "drained" and current.weight > 0
            words = f"{'drain' if drains else 'change'} server {where.format('of')}: {changes}"
            step = Step.DRAIN_SERVER if drains else Step.SET_SERVER
            self.operations.append(IpvsOperation(step, service, words, None, key, settings))


def show(table: Table, keys: Iterable[ServiceKey]) -> dict[str, Any]:
    """Return the named services that exist, as options of ipvs_table."""
    return {"services": [service_options(key, *table[key]) for key in keys if key in table]}


def only_changes(plan: Plan[Any]) -> Plan[Any]:
    """Return the plan with nothing in before and after but services that change: a table can have thousands."""
    before, after = ({_identity(one): one for one in side["services"]} for side in (plan.before, plan.after))
    changed = {one for one in {**before, **after} if before.get(one) != after.get(one)}
    return replace(
        plan,
        before={**plan.before, "services": [options for one, options in before.items() if one in changed]},
        after={**plan.after, "services": [options for one, options in after.items() if one in changed]},
    )


def _identity(options: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(options.get(name) for name in ("fwmark", "address_family", "address", "port", "protocol"))


def _service_removal(service: ServiceKey) -> IpvsOperation:
    return IpvsOperation(Step.REMOVE_SERVICE, service, f"remove service {service_name(service)}")


def server_removal(service: ServiceKey, server: ServerKey) -> IpvsOperation:
    """Return the step that takes a server out of its service."""
    words = f"remove server {server_name(server)} from {service_name(service)}"
    return IpvsOperation(Step.REMOVE_SERVER, service, words, None, server)


def _shown_settings(settings: ServiceSettings) -> dict[str, Any]:
    shown = service_options(ServiceKey("ipv4"), settings, {})
    return {name: shown[name] for name in shown if name not in ("address", "port", "protocol", "real_servers")}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {_word(before.get(name))} -> {_word(after.get(name))}" for name in changed)


def _word(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value if value not in (None, "") else "none")
