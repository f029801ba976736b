# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that are alike to all rules, so that one stands for the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.ports import EVERY_PORT, PortRange
from .._nftables.ruleset import Ruleset


def port_bounds(ruleset: Ruleset) -> list[int]:
    """Return every number in sets and matches at which ports of one kind may begin or end."""
    found: set[int] = set()
    for chain in ruleset.chains.values():
        for rule in chain.rules:
            for part in rule.expr:
                if isinstance(part, dict) and part.keys() & {"match", "vmap"}:
                    _collect(part, found)
    for elements in ruleset.sets.values():
        _collect(elements, found)
    return sorted(found)


def _collect(value: Any, found: set[int]) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("range"), list):
            for bound in value["range"]:
                _collect(bound, found)
            return
        for name, one in value.items():
            if name not in ("prefix", "payload", "meta", "ct", "fib"):
                _collect(one, found)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _collect(one, found)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 < value <= EVERY_PORT.last:
        found |= {value, value + 1}


def atoms(ports: PortRange | None, bounds: Sequence[int]) -> list[PortRange | None]:
    """Return the ports in parts, of each of which all ports are alike to rules with these bounds.

    A range of rules ends before the number after its last one, which is among the bounds too.
    """
    if ports is None:
        return [None]
    starts = [ports.first, *(bound for bound in bounds if ports.first < bound <= ports.last)]
    ends = [*(start - 1 for start in starts[1:]), ports.last]
    return [PortRange(*pair) for pair in zip(starts, ends)]
