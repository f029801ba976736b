# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which modules and the restoring program work on a host: read, decide, apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Callable, Generic, Protocol, TypeVar

from .errors import PrerequisiteMissing
from .plan import Operation, Plan

Wanted = TypeVar("Wanted")
Wanted_contra = TypeVar("Wanted_contra", contravariant=True)
State = TypeVar("State")
State_co = TypeVar("State_co", covariant=True)
Work = TypeVar("Work", bound=Operation)
Work_contra = TypeVar("Work_contra", bound=Operation, contravariant=True)


class Run(Protocol):
    """One module's work on this host. Making it reads the host and decides; it never writes."""

    @property
    def plan(self) -> Plan[Any]:
        """What is to be done; after `apply`, what was done."""

    def apply(self) -> None:
        """Apply the plan; raise LvsError."""


def lacking_of(run: Run) -> PrerequisiteMissing | None:
    """Return what has to be there before the run can be applied, None for most."""
    return getattr(run, "lacking", None)


class Client(Protocol[Wanted_contra, State_co, Work_contra]):
    """Reads the part of the host that a request is about, and applies operations to it.

    A client that reads without something that `apply` needs has it in `lacking`.
    """

    @property
    def lacking(self) -> PrerequisiteMissing | None:
        """What has to be there before anything can be applied."""

    def read(self, wanted: Wanted_contra) -> State_co:
        """Return what the host has."""

    def apply(self, operations: Sequence[Work_contra]) -> None:
        """Apply the operations in their order."""


class ClientRun(Generic[Wanted, State, Work]):
    """A run with a client that reads and applies, and a pure function that decides.

    A plan that cannot be applied yet has a warning that says so, for check mode; `apply` raises then.
    """

    def __init__(
        self, wanted: Wanted, client: Client[Wanted, State, Work], decide: Callable[[State, Wanted], Plan[Work]]
    ) -> None:
        self._client = client
        plan = decide(client.read(wanted), wanted)
        self.lacking = client.lacking if plan.changed else None
        warning = (f"This cannot be done before {self.lacking.until}.",) if self.lacking else ()
        self.plan = replace(plan, warnings=(*plan.warnings, *warning))

    def apply(self) -> None:
        """Apply the plan; raise LvsError, and PrerequisiteMissing before anything is changed."""
        if self.lacking:
            raise self.lacking
        self._client.apply(self.plan.operations)


def with_warnings(
    decide: Callable[[State, Wanted], Plan[Any]], warnings: Sequence[str]
) -> Callable[[State, Wanted], Plan[Any]]:
    """Return a function that decides as before, with further warnings."""

    def decided(state: State, wanted: Wanted) -> Plan[Any]:
        plan = decide(state, wanted)
        return replace(plan, warnings=(*plan.warnings, *warnings))

    return decided if warnings else decide


class ConcurrentChange(Exception):
    """Another program changed the host after it was read; `done` are the operations that were applied before that."""

    def __init__(self, what: str, done: Sequence[Any] = ()) -> None:
        super().__init__(what)
        self.done = tuple(done)


def apply_settled(
    plan: Plan[Any],
    apply: Callable[[Plan[Any]], None],
    decide_again: Callable[[ConcurrentChange], Plan[Any]],
    attempts: int,
) -> Plan[Any]:
    """Apply a plan and return it, or the plan that replaced it after a ConcurrentChange.

    Raises the ConcurrentChange of the last of `attempts` attempts.
    """
    for attempt in range(1, attempts + 1):
        try:
            apply(plan)
            break
        except ConcurrentChange as change:
            if attempt == attempts:
                raise
            plan = decide_again(change)
    return plan
