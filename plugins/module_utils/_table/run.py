# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on the IPVS table: read, decide, apply, and again if another program changed the table. Needs no Ansible."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable, NamedTuple

from .._core.errors import LvsError
from .._core.plan import Plan
from .._core.run import ConcurrentChange, apply_settled
from .._ipvs.client import IpvsClient
from .._ipvs.model import Connections, Drained, Place, ServiceKey, Table, Timeouts
from .._ipvs.operations import IpvsOperation
from .._ipvs.plan import only_changes
from .._ipvs.schedulers import check_scheduler
from .drained import read_drained

_ATTEMPTS = 5


class Snapshot(NamedTuple):
    """What a run decides on: the services that it is about, and what it asked for with them."""

    table: Table
    drained: Drained
    timeouts: Timeouts
    sysctls: Mapping[str, int]
    connections: Mapping[Place, Connections]


class TableRequest(NamedTuple):
    """The services that a run is about (None: all of the host), and how it decides on a snapshot.

    `counted` returns the services whose connections it needs, and `sysctls` names the sysctls of IPVS that it needs.
    """

    keys: Sequence[ServiceKey] | None
    decide: Callable[[Snapshot], Plan[Any]]
    counted: Callable[[Table], Iterable[ServiceKey]] | None = None
    sysctls: Collection[str] = ()


class IpvsRun:
    """A request on the table of this host; `plan` shows the services that change."""

    def __init__(self, request: TableRequest, client: IpvsClient | None = None) -> None:
        self._request, self._client = request, client or IpvsClient()
        self._snapshot, self._plan = self._read()
        self.plan = only_changes(self._plan)

    def _read(self) -> tuple[Snapshot, Plan[Any]]:
        """Read the host and decide."""
        request, client = self._request, self._client
        table = client.read(request.keys)
        connections = client.connections_of(request.counted(table)) if request.counted else {}
        sysctls = client.sysctls(request.sysctls) if request.sysctls else {}
        snapshot = Snapshot(table, read_drained(), client.timeouts(), sysctls, connections)
        return snapshot, _checked(request.decide(snapshot))

    def apply(self) -> None:
        """Apply the plan; raise LvsError.

        If another program changes the table meanwhile, it is read and decided on again, and `plan` is the whole way
        from the first state to the last.
        """
        # Most runs apply nothing, and do not compile what does.
        from .._drain.apply import Application

        first, application, changes = self._plan, Application(self._client), list[str]()

        def apply(plan: Plan[Any]) -> None:
            application.apply(plan.operations, self._snapshot.table, self._snapshot.drained)

        def decide_again(change: ConcurrentChange) -> Plan[Any]:
            application.done += change.done
            changes.append(str(change))
            self._snapshot, plan = self._read()
            return plan

        try:
            plan = apply_settled(first, apply, decide_again, _ATTEMPTS)
        except ConcurrentChange as change:
            raise _unsettled(change, [*application.done, *change.done]) from None
        if changes:
            plan = _settled(first, plan, application.done, changes)
        self.plan = only_changes(replace(plan, results={**plan.results, **application.report}))


def _checked(plan: Plan[Any]) -> Plan[Any]:
    """Return the plan if the kernel has its schedulers, so that check mode fails where a real run would."""
    for operation in plan.operations:
        if isinstance(operation, IpvsOperation) and operation.service_settings is not None:
            check_scheduler(operation.service_settings.scheduler)
    return plan


def _settled(first: Plan[Any], last: Plan[Any], done: Sequence[Any], changes: Sequence[str]) -> Plan[Any]:
    warning = (
        f"Another program changed the IPVS table during this run ({'; '.join(changes)}); it was read again, and "
        "what was asked has come about."
    )
    warnings = (*first.warnings, *last.warnings, warning)
    return replace(last, before=first.before, operations=tuple(done), warnings=tuple(dict.fromkeys(warnings)))


def _unsettled(change: ConcurrentChange, done: Sequence[Any]) -> LvsError:
    error = LvsError(
        "The IPVS table",
        None,
        f"was changed by another program during each of {_ATTEMPTS} attempts (last: {change})",
        "stop that program, such as keepalived or ldirectord, or leave this service to it",
    )
    error.results = {"operations": [step.words for step in done]}
    return error
