# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which modules and the restoring program work on a host: read, decide, apply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, Generic, Protocol, TypeVar

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


class Client(Protocol[Wanted_contra, State_co, Work_contra]):
    """Reads the part of the host that a request is about, and applies operations to it."""

    def read(self, wanted: Wanted_contra) -> State_co:
        """Return what the host has."""

    def apply(self, operations: Sequence[Work_contra]) -> None:
        """Apply the operations in their order."""


class ClientRun(Generic[Wanted, State, Work]):
    """A run with a client that reads and applies, and a pure function that decides."""

    def __init__(
        self, wanted: Wanted, client: Client[Wanted, State, Work], decide: Callable[[State, Wanted], Plan[Work]]
    ) -> None:
        self._client = client
        self.plan = decide(client.read(wanted), wanted)

    def apply(self) -> None:
        """Apply the plan; raise LvsError."""
        self._client.apply(self.plan.operations)


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
