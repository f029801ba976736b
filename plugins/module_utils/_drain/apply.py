# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies operations to IPVS: the commands, the waits between them, and what is remembered of drained servers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from .._core.errors import LvsError
from .._ipvs.client import IpvsClient
from .._ipvs.model import Drained, Table
from .._ipvs.operations import WaitOperation
from .file import update_drained
from .state import to_forget, to_remember
from .wait import wait


class Application:
    """Applies the plans of one run; `done` are all operations so far, `report` says how a wait went."""

    def __init__(self, client: IpvsClient) -> None:
        self._client = client
        self.done: list[Any] = []
        self.report: dict[str, Any] = {}

    def apply(self, operations: Sequence[Any], table: Table, drained: Drained) -> None:
        """Apply operations that were planned for `table` and `drained`; raise LvsError or ConcurrentChange."""
        remembered = to_remember(table, drained, operations, int(time.time()))
        if remembered:
            update_drained(lambda before: {**before, **remembered})
        for part in _parts(operations):
            try:
                if isinstance(part[0], WaitOperation):
                    self._wait(part[0])
                else:
                    self._client.apply(part, table)
            except LvsError as error:
                done = [*(step.words for step in self.done), *error.results.get("operations", ())]
                error.results = {**error.results, "operations": done}
                raise
            self.done += part
        # Of everything that was done: what an earlier attempt did is in no later plan.
        forgotten = to_forget(drained, self.done)
        if forgotten:
            update_drained(lambda before: {place: before[place] for place in before if place not in forgotten})

    def _wait(self, operation: WaitOperation) -> None:
        services = dict.fromkeys(one.service for one in operation.leaving)
        self.report = wait(operation, lambda: self._client.connections_of(services))


def _parts(operations: Sequence[Any]) -> Iterator[list[Any]]:
    for _is_wait, part in groupby(operations, lambda operation: isinstance(operation, WaitOperation)):
        yield list(part)
