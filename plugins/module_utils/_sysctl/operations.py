# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change sysctls and their files, decided on one by one on a rehearsing kernel."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Union

from .model import ACCEPT_REDIRECTS, ALL, DEFAULT, FORWARDING, Facts, Kernel, Pair, in_order


class WriteValue(NamedTuple):
    """Write one value to the kernel."""

    pair: Pair
    value: int
    words: str


class WriteFile(NamedTuple):
    """Replace a file by `text`, or remove it when that is None."""

    path: str
    text: str | None
    words: str


SysctlOperation = Union[WriteValue, WriteFile]


class Steps:
    """The writes decided on so far, on a rehearsing kernel."""

    def __init__(self, facts: Facts, asked: Collection[Pair], leave: Mapping[Pair, int]) -> None:
        self.kernel = Kernel(facts.values, facts.interfaces)
        self.asked = asked
        self.leave = leave
        self.operations: list[WriteValue] = []

    def write(self, pair: Pair, value: int, verb: str, reason: str = "") -> None:
        """Write `value` where it differs or may have changed; then put right what the kernel took along with it."""
        values = self.kernel.values
        if pair not in values or (values[pair] == value and pair not in self.kernel.doubt):
            return
        kept = {other: self.leave.get(other, values[other]) for other in self._taken_along(pair)}
        self.operations.append(WriteValue(pair, value, f"{verb} {pair.path} = {value}{reason} (was {values[pair]})"))
        self.kernel.write(pair, value)
        for other, former in kept.items():
            self.write(other, former, "keep", f", which writing {pair.path} may reset")

    def write_all(self, wanted: Mapping[Pair, int], verb: str, reason: str = "") -> None:
        """Write several values, in their order."""
        for pair in in_order(wanted):
            self.write(pair, wanted[pair], verb, reason)

    def _taken_along(self, pair: Pair) -> list[Pair]:
        """What a write to `pair` may reset although nobody asked for it: accept_redirects, and what other runs keep."""
        if not has_heirs(pair):
            return []
        others = {other for other in self.leave if other.key == pair.key}
        if pair.key == FORWARDING and pair.target == ALL:
            others.add(Pair(ALL, ACCEPT_REDIRECTS))
        return [other for other in in_order(others) if other not in self.asked]


def has_heirs(pair: Pair) -> bool:
    """Whether interfaces take their value from `pair`: at once, or when they appear (all of them after a reboot)."""
    return pair.target == DEFAULT or pair == Pair(ALL, FORWARDING)
