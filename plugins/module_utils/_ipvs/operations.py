# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change IPVS, and what the kernel makes of the table by each."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .describe import server_name, service_name
from .model import Daemon, Place, ServerKey, ServerSettings, ServiceKey, ServiceSettings, ServiceState, Table, Timeouts


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
    DRAIN_SERVER = "drain server"
    HOLD_SERVER = "drain server until it is restored"
    RESTORE_SERVER = "give a server its weight back"
    RETIRE_SERVER = "remove a drained server"
    REMOVE_SERVER = "remove server"
    REMOVE_SERVICE = "remove service"


class IpvsOperation(NamedTuple):
    """One command about a service or server; the settings are there where the step writes them."""

    step: Step
    service: ServiceKey
    words: str
    service_settings: ServiceSettings | None = None
    server: ServerKey | None = None
    server_settings: ServerSettings | None = None


class TimeoutsOperation(NamedTuple):
    """The command that sets the timeouts of this host's connections."""

    words: str
    timeouts: Timeouts


class SysctlsOperation(NamedTuple):
    """The sysctls of IPVS that are set: those alone that differ."""

    words: str
    sysctls: Mapping[str, int]


class DaemonOperation(NamedTuple):
    """The start or the stop of one sync daemon: the kernel has no command that changes one."""

    starts: bool
    daemon: Daemon
    words: str


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


class Leaving(NamedTuple):
    """A server of a service, and which of its counts must reach 0."""

    service: ServiceKey
    server: ServerKey
    counts: tuple[str, ...]

    @property
    def place(self) -> Place:
        """The server's place in a table."""
        return self.service, self.server

    @property
    def name(self) -> str:
        """The server for people."""
        return f"server {server_name(self.server)} of {service_name(self.service)}"


class WaitOperation(NamedTuple):
    """The wait for the connections of some servers to end, all of them within so many seconds.

    With `interval` the wait returns after that many seconds even when there are connections left, to be gone on with.
    `told` is what the run tells besides how the wait went, also when it fails.
    """

    words: str
    leaving: tuple[Leaving, ...]
    seconds: int
    interval: int = 0
    told: Mapping[str, Any] = MappingProxyType({})
