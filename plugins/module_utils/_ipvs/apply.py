# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's plan carried out, with what has to be remembered of it; and decided anew when others interfere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .._core.errors import LvsError
from .._core.plan import Plan
from .drain_file import update_drained
from .drain_state import to_forget, to_remember
from .errors import TableMoved
from .wait import WaitOperation, wait

if TYPE_CHECKING:
    from .run import IpvsRun

_ATTEMPTS = 5


class Carrying:
    """What was done of a run until now, what others did meanwhile, and what there is to tell of a wait."""

    def __init__(self, run: IpvsRun) -> None:
        self.run = run
        self.seen = run.seen
        self.done: list[Any] = []
        self.moves: list[str] = []
        self.report: dict[str, Any] = {}

    def through(self) -> Plan[Any] | None:
        """Carry the run's plan out; return the whole plan that came about when others changed the table meanwhile."""
        plan = self.run.first
        for _attempt in range(_ATTEMPTS):
            try:
                self._carry_out(plan.operations)
                return self._settled(plan) if self.moves else None
            except TableMoved as moved:
                self.done += moved.done
                self.moves.append(str(moved))
                self.seen, plan = self.run.look()
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
                    self.run.client.apply(part, self.seen.table)
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
        self.report = wait(operation, lambda: self.run.connections(services))

    def _settled(self, last: Plan[Any]) -> Plan[Any]:
        warning = (
            f"Another program changed the IPVS table during this run ({'; '.join(self.moves)}); it was read again, and "
            "what was asked has come about."
        )
        first = self.run.first
        warnings = (*first.warnings, *last.warnings, warning)
        return replace(last, before=first.before, operations=tuple(self.done), warnings=tuple(dict.fromkeys(warnings)))


def _parts(operations: Sequence[Any]) -> Iterator[list[Any]]:
    for _is_wait, part in groupby(operations, lambda operation: isinstance(operation, WaitOperation)):
        yield list(part)
