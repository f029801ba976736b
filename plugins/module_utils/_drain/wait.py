# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for the connections of drained servers to end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Callable

from .._core.errors import LvsError
from .._ipvs.model import Connections, Place
from .._ipvs.operations import Leaving, WaitOperation

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
NONE = Connections(0, 0, 0)


class NotDrained(LvsError):
    """The deadline passed while there were connections."""

    def __init__(self, seconds: int, left: Sequence[str], results: Mapping[str, Any]) -> None:
        kept = "the server keeps" if len(left) == 1 else "the servers keep"
        remedy = f"{kept} weight 0: run the task again to wait longer, or end these connections"
        super().__init__("drain_timeout", seconds, f"s passed, but {'; '.join(left)}", remedy)
        self.results = results


def plan_wait(leaving: Sequence[Leaving], seconds: int) -> WaitOperation:
    """Return the step that waits for these servers."""
    kinds = {one.name: " and ".join(one.counts) for one in leaving}
    texts = [f"{name} has no {kind} connections" for name, kind in kinds.items()]
    return WaitOperation(f"wait until {', '.join(texts)} (at most {seconds} s)", tuple(leaving), seconds)


def wait(
    operation: WaitOperation,
    look: Callable[[], Mapping[Place, Connections]],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until the counts are 0, or the servers are gone, or the interval is over; return how it went.

    Counts are those of all the servers together; `progress` has one entry for each change that was seen, and `left` the
    servers that still have connections, in words. Raises NotDrained, with the same in its results, when the deadline
    passes.
    """
    began, next_pause = clock(), _FIRST_PAUSE
    progress: list[dict[str, Any]] = []
    while True:
        seen = look()
        found = {one: seen.get(one.place, NONE) for one in operation.leaving}
        counts = total(found.values())
        seconds = round(clock() - began, 1)
        if not progress or any(progress[-1][name] != counts[name] for name in counts):
            progress.append({"seconds": seconds, **counts})
        left = [words for one, each in found.items() if (words := _left(one, each))]
        drain = {"seconds": seconds, "connections": counts, "progress": progress, "left": left}
        report = {**operation.told, "drain": drain}
        passed = clock() - began
        if left and passed >= operation.seconds:
            raise NotDrained(operation.seconds, left, report)
        if not left or (operation.interval and passed >= operation.interval):
            return report
        pause(min(next_pause, min(operation.seconds, operation.interval or operation.seconds) - passed))
        next_pause = min(next_pause * 1.5, _LONGEST_PAUSE)


def total(counts: Iterable[Connections]) -> dict[str, int]:
    """Return the sums of the counts."""
    found = list(counts)
    return {name: sum(getattr(each, name) for each in found) for name in Connections._fields}


def _left(one: Leaving, counts: Connections) -> str:
    rest = [f"{getattr(counts, name)} {name}" for name in one.counts if getattr(counts, name)]
    return f"{one.name} still has {' and '.join(rest)} connections" if rest else ""
