# SPDX-License-Identifier: GPL-3.0-or-later
"""From the table that is to the table that is wanted: which steps, in which order."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ._errors import InvalidValue, NotSupported
from ._ipvs_fields import ServerKey, ServerSettings, ServiceKey, ServiceSettings
from ._ipvs_options import (
    WantedServer,
    WantedService,
    server_name,
    server_options,
    service_name,
    service_options,
)
from ._ipvs_rules import settle_server, settle_service
from ._plan import Plan

Servers = Mapping[ServerKey, ServerSettings]


class ServiceState(NamedTuple):
    """A service as it is in the kernel (or will be)."""

    settings: ServiceSettings
    servers: Servers


Table = Mapping[ServiceKey, ServiceState]


class Step(enum.Enum):
    """What is done to one object; the order of this list is the order of a plan.

    Services come first, since servers need theirs; a server is added and changed before another is removed, so that
    no kept service is ever without the servers that it keeps; a service is changed by SET, never by delete and add,
    which would cut its connections.
    """

    ADD_SERVICE = "add service"
    SET_SERVICE = "change service"
    ADD_SERVER = "add server"
    SET_SERVER = "change server"
    REMOVE_SERVER = "remove server"
    REMOVE_SERVICE = "remove service"


_ORDER = {step: number for number, step in enumerate(Step)}


class IpvsOperation(NamedTuple):
    """One command for the kernel; the settings are there where the step writes them."""

    step: Step
    service: ServiceKey
    words: str
    service_settings: ServiceSettings | None = None
    server: ServerKey | None = None
    server_settings: ServerSettings | None = None


def plan_services(table: Table, wanted: Sequence[WantedService], purge: bool = False) -> Plan[IpvsOperation]:
    """Return the way from `table` to what is wanted of the services that are named.

    `table` has to hold every named service that exists; with `purge` every other service in it is removed, otherwise
    left alone. Raises InvalidValue for what could not work.
    """
    keys = [service.key for service in wanted]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise InvalidValue("services", service_name(key), "is listed twice", "keep one entry for each service")
    operations: list[IpvsOperation] = []
    for service in wanted:
        operations += _service_steps(service, table.get(service.key))
    strangers = [key for key in table if key not in keys] if purge else []
    operations += [_service_removal(key) for key in strangers]
    return _plan(table, keys + strangers, operations)


def plan_server(table: Table, service: ServiceKey, wanted: WantedServer) -> Plan[IpvsOperation]:
    """Return the way to one server of one service; raise NotSupported when the service is not there to take it."""
    state = table.get(service)
    if state is None and wanted.state == "present":
        raise NotSupported(
            f"service: {service_name(service)} does not exist on this host, so it can't take server "
            f"{server_name(wanted.key)}; create it first with lvs.cluster.ipvs_service."
        )
    steps = [] if state is None else _server_steps(service, [wanted], state.servers)
    return _plan(table, [service], steps)


def simulate(table: Table, operations: Sequence[IpvsOperation]) -> dict[ServiceKey, ServiceState]:
    """Return the table that the operations make of `table`, as the kernel would."""
    after = {key: ServiceState(state.settings, dict(state.servers)) for key, state in table.items()}
    for operation in operations:
        key, server = operation.service, operation.server
        if operation.step is Step.REMOVE_SERVICE:
            del after[key]
        elif operation.service_settings is not None:
            servers = after[key].servers if key in after else {}
            after[key] = ServiceState(operation.service_settings, servers)
        elif server is not None:
            servers = dict(after[key].servers)
            if operation.server_settings is None:
                del servers[server]
            else:
                servers[server] = operation.server_settings
            after[key] = ServiceState(after[key].settings, servers)
    return after


def _plan(table: Table, keys: Sequence[ServiceKey], operations: list[IpvsOperation]) -> Plan[IpvsOperation]:
    operations.sort(key=lambda operation: _ORDER[operation.step])
    after = simulate({key: table[key] for key in keys if key in table}, operations)
    shown = _shown(after, keys)
    return Plan(_shown(table, keys), shown, tuple(operations), results=shown)


def _shown(table: Table, keys: Sequence[ServiceKey]) -> dict[str, Any]:
    return {"services": [service_options(key, *table[key]) for key in keys if key in table]}


def _service_steps(wanted: WantedService, state: ServiceState | None) -> list[IpvsOperation]:
    key, name = wanted.key, service_name(wanted.key)
    if wanted.state == "absent":
        return [] if state is None else [_service_removal(key)]
    settings = settle_service(key, wanted.given, state and state.settings)
    steps = []
    if state is None:
        words = f"add service {name} (scheduler {settings.scheduler})"
        steps.append(IpvsOperation(Step.ADD_SERVICE, key, words, settings))
    elif settings != state.settings:
        words = f"change service {name}: {_changes(_shown_settings(state.settings), _shown_settings(settings))}"
        steps.append(IpvsOperation(Step.SET_SERVICE, key, words, settings))
    servers = state.servers if state else {}
    steps += _server_steps(key, wanted.servers, servers)
    if wanted.purge:
        named = {server.key for server in wanted.servers}
        steps += [_removal(key, server) for server in servers if server not in named]
    return steps


def _server_steps(service: ServiceKey, wanted: Sequence[WantedServer], servers: Servers) -> list[IpvsOperation]:
    steps = []
    for server in wanted:
        key, current = server.key, servers.get(server.key)
        if server.state == "absent":
            if current is not None:
                steps.append(_removal(service, key))
            continue
        settings = settle_server(service, key, server.given, current)
        where = f"{server_name(key)} {{}} {service_name(service)}"
        if current is None:
            words = f"add server {where.format('to')} ({settings.forwarding}, weight {settings.weight})"
            steps.append(IpvsOperation(Step.ADD_SERVER, service, words, None, key, settings))
        elif settings != current:
            changes = _changes(server_options(key, current), server_options(key, settings))
            words = f"change server {where.format('of')}: {changes}"
            steps.append(IpvsOperation(Step.SET_SERVER, service, words, None, key, settings))
    return steps


def _service_removal(service: ServiceKey) -> IpvsOperation:
    return IpvsOperation(Step.REMOVE_SERVICE, service, f"remove service {service_name(service)}")


def _removal(service: ServiceKey, server: ServerKey) -> IpvsOperation:
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
