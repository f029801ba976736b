# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on the IPVS table: read, decide, apply; and again when others interfere. Needs no Ansible."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Callable, NamedTuple

from ._errors import LvsError
from ._ipvs_client import IpvsClient
from ._ipvs_fields import ServiceKey
from ._ipvs_memory import to_forget, to_remember
from ._ipvs_memory_file import read_drained, update_drained
from ._ipvs_plan import Drained, IpvsOperation, Place, Table
from ._ipvs_refusals import TableMoved
from ._ipvs_schedulers import check_scheduler
from ._ipvs_status import Connections, Timeouts
from ._ipvs_wait import WaitOperation, wait
from ._plan import Plan

_ATTEMPTS = 5


class Seen(NamedTuple):
    """What a run decides on: the services it is about, and what it asked for beside them."""

    table: Table
    drained: Drained
    timeouts: Timeouts
    connections: Mapping[Place, Connections]


class Request(NamedTuple):
    """The services that a run is about (None: all of the host), and how it decides once it has seen them.

    `counted` tells the services whose connections it has to know.
    """

    keys: Sequence[ServiceKey] | None
    decide: Callable[[Seen], Plan[Any]]
    counted: Callable[[Table], Iterable[ServiceKey]] | None = None


class IpvsRun:
    """One run: what it saw last, what it decided first, and what it has done."""

    def __init__(self, client: IpvsClient, request: Request) -> None:
        self.client = client
        self.request = request
        self.seen, self.first = self.look()
        self.done: list[Any] = []
        self.moves: list[str] = []
        self.report: dict[str, Any] = {}

    def look(self) -> tuple[Seen, Plan[Any]]:
        """Read the host and decide."""
        counted = self.request.counted
        table = self.client.read(self.request.keys)
        connections = self._connections(counted(table)) if counted else {}
        seen = Seen(table, read_drained(), self.client.timeouts(), connections)
        return seen, checked(self.request.decide(seen))

    def apply(self) -> Plan[Any] | None:
        """Carry the first plan out; return the whole plan that came about when others changed the table meanwhile."""
        plan = self.first
        for _attempt in range(_ATTEMPTS):
            try:
                self._carry_out(plan.operations)
                return self._settled(plan) if self.moves else None
            except TableMoved as moved:
                self.done += moved.done
                self.moves.append(str(moved))
                self.seen, plan = self.look()
        error = LvsError(
            f"Another program keeps changing the IPVS table (seen {_ATTEMPTS} times, last: {self.moves[-1]}); stop it, "
            "such as keepalived or ldirectord, or let it alone keep this service."
        )
        error.results = {"operations": [operation.words for operation in self.done]}
        raise error

    def _carry_out(self, operations: Sequence[Any]) -> None:
        remembered = to_remember(self.seen.table, self.seen.drained, operations, int(time.time()))
        if remembered:
            update_drained(lambda drained: {**drained, **remembered})
        for part in _parts(operations):
            try:
                if isinstance(part[0], WaitOperation):
                    self._wait(part[0])
                else:
                    self.client.apply(part, self.seen.table)
            except LvsError as error:
                done = [*(step.words for step in self.done), *error.results.get("operations", ())]
                error.results = {**error.results, "operations": done}
                raise
            self.done += part
        # Of all that was done: what an earlier attempt did is in no later plan.
        forgotten = to_forget(self.seen.drained, self.done)
        if forgotten:
            update_drained(lambda drained: {place: drained[place] for place in drained if place not in forgotten})

    def _wait(self, operation: WaitOperation) -> None:
        services = dict.fromkeys(one.service for one in operation.leaving)
        self.report = wait(operation, lambda: self._connections(services))

    def _connections(self, services: Iterable[ServiceKey]) -> dict[Place, Connections]:
        return {
            (service, server): counts
            for service in services
            for server, counts in self.client.connections(service).items()
        }

    def _settled(self, last: Plan[Any]) -> Plan[Any]:
        warning = (
            f"Another program changed the IPVS table during this run ({'; '.join(self.moves)}); it was read again, and "
            "what was asked has come about."
        )
        warnings = (*self.first.warnings, *last.warnings, warning)
        return replace(
            last, before=self.first.before, operations=tuple(self.done), warnings=tuple(dict.fromkeys(warnings))
        )


def checked(plan: Plan[Any]) -> Plan[Any]:
    """Return the plan when the kernel can have its schedulers, so that check mode refuses what a real run would."""
    for operation in plan.operations:
        if isinstance(operation, IpvsOperation) and operation.service_settings is not None:
            check_scheduler(operation.service_settings.scheduler)
    return plan


def _parts(operations: Sequence[Any]) -> Iterator[list[Any]]:
    for _is_wait, part in groupby(operations, lambda operation: isinstance(operation, WaitOperation)):
        yield list(part)
