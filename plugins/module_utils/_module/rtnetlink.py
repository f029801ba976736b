# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that speak rtnetlink share: parse, read, decide, apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol, TypeVar

from ansible.module_utils.basic import AnsibleModule

from .._core.plan import Operation, Plan
from .runner import run

Wish = TypeVar("Wish")
Wish_contra = TypeVar("Wish_contra", contravariant=True)
State = TypeVar("State")
State_co = TypeVar("State_co", covariant=True)
Work = TypeVar("Work", bound=Operation)
Work_contra = TypeVar("Work_contra", bound=Operation, contravariant=True)


class Client(Protocol[Wish_contra, State_co, Work_contra]):
    """Reads what a wish is about, and carries out the steps that lead to it."""

    def read(self, wanted: Wish_contra) -> State_co:
        """Return what the host has."""

    def apply(self, operations: Sequence[Work_contra]) -> None:
        """Carry out the steps."""


def run_rtnl(
    module: AnsibleModule,
    parse: Callable[[Mapping[str, Any]], Wish],
    open_client: Callable[[], Client[Wish, State, Work]],
    decide: Callable[[State, Wish], Plan[Work]],
) -> None:
    """Carry one module through, and exit.

    Options are checked before the library is looked for: a mistake is worth more than a missing package.
    """
    client: Client[Wish, State, Work] | None = None

    def make_plan() -> Plan[Work]:
        nonlocal client
        wanted = parse(module.params)
        client = opened = open_client()
        return decide(opened.read(wanted), wanted)

    def apply(operations: Sequence[Work]) -> None:
        if client is None:
            raise AssertionError("steps come from what a client read")
        client.apply(operations)

    run(module, make_plan, apply)
