# SPDX-License-Identifier: GPL-3.0-or-later
"""A long drain as several runs of the module, so that a person sees on the way how many connections are left. Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.module_utils._drain.wait import NotDrained

Progress = list[dict[str, Any]]


def watch(
    seconds: int,
    run: Callable[[int], dict[str, Any]],
    tell: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Return what one run of the module that did it all would return.

    `run` runs it with the seconds that it may take, and ends earlier to tell what is left; `tell` gets that as a line.
    """
    began = clock()
    first = result = run(seconds)
    progress: Progress = []
    while True:
        drain = result.get("drain") or {"left": ()}
        passed = clock() - began
        progress = joined(progress, drain.get("progress", ()), passed - drain.get("seconds", 0.0))
        if result.get("failed") or not drain["left"]:
            break
        tell(f"after {passed:.0f} s of at most {seconds} s: {'; '.join(drain['left'])}")
        result = run(max(round(seconds - passed), 0))
    if result is first or "drain" not in result:
        return result if result is first else {**result, "operations": first["operations"]}
    whole = {**drain, "seconds": round(passed, 1), "progress": progress}
    if result.get("failed"):
        msg = str(NotDrained(seconds, drain["left"], {}))
        return {**result, "msg": msg, "operations": first["operations"], "drain": whole}
    return {**first, "drain": whole}


def joined(before: Progress, later: Sequence[dict[str, Any]], began: float) -> Progress:
    """Return the progress of both runs, of which the later one began to wait at that second; each change once."""
    found = list(before)
    for entry in later:
        counts = {name: value for name, value in entry.items() if name != "seconds"}
        if not found or any(found[-1][name] != value for name, value in counts.items()):
            found.append({"seconds": round(entry["seconds"] + began, 1), **counts})
    return found
