# SPDX-License-Identifier: GPL-3.0-or-later
"""What every plan has to keep, whatever it was made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan

State = TypeVar("State")
Wanted = TypeVar("Wanted")


def simulated(
    current: State,
    wanted: Wanted,
    decide: Callable[[State, Wanted], Plan[Any]],
    simulate: Callable[[State, Any], State],
) -> State:
    """Return the state after the plan; it is the state that the plan promised, and the same wish changes nothing more."""
    plan, after = decide(current, wanted), current
    for operation in plan.operations:
        after = simulate(after, operation)
    again = decide(after, wanted)
    assert again.words == []
    assert again.before == plan.after
    return after
