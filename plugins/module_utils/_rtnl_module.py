# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that speak rtnetlink share: parse, read, decide, apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Protocol, TypeVar

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._plan import Operation, Plan
from ._rtnl import LIBRARY, PACKAGE, LibraryMissing
from ._runner import run

Wish = TypeVar("Wish")
Wish_in = TypeVar("Wish_in", contravariant=True)
State = TypeVar("State")
State_out = TypeVar("State_out", covariant=True)
Work = TypeVar("Work", bound=Operation)
Work_in = TypeVar("Work_in", bound=Operation, contravariant=True)


class Client(Protocol[Wish_in, State_out, Work_in]):
    """Reads what a wish is about, and carries out the steps that lead to it."""

    def read(self, wanted: Wish_in) -> State_out:
        """Return what the host has."""

    def apply(self, operations: Sequence[Work_in]) -> None:
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
        try:
            client = opened = open_client()
        except LibraryMissing:
            reason = f"for rtnetlink; it is in the distribution's package {PACKAGE}"
            module.fail_json(msg=missing_required_lib(LIBRARY, reason=reason))
        return decide(opened.read(wanted), wanted)

    def apply(operations: Sequence[Work]) -> None:
        assert client is not None
        client.apply(operations)

    run(module, make_plan, apply)
