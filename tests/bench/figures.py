# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of several rounds, and the table that they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, NamedTuple

HEADS = ("measured", "against", "median", "lowest to highest", "goal", "")


class Figure(NamedTuple):
    """One line of the table: a value of each round, and what the one in the middle must not exceed, where there is a goal.

    A value is a ratio, or what `unit` says. `details` are the readings from which the values were made.
    """

    measured: str
    against: str
    values: Sequence[float]
    goal: float | None = None
    unit: str = ""
    details: Any = None

    @property
    def median(self) -> float:
        """The value in the middle."""
        return median(self.values)

    @property
    def met(self) -> bool:
        """Whether the value in the middle is within the goal, as it is where there is none."""
        return self.goal is None or self.median <= self.goal

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's words, in the order of HEADS."""
        low, high = min(self.values), max(self.values)
        return (
            self.measured,
            self.against,
            self._word(self.median),
            f"{self._word(low)} to {self._word(high)}" if low != high else "",
            "" if self.goal is None else f"<= {self.goal:g} {self.unit}".rstrip(),
            "" if self.goal is None else "met" if self.met else "MISSED",
        )

    def as_values(self) -> dict[str, Any]:
        """Return the line for a file."""
        return {**self._asdict(), "values": list(self.values), "median": self.median, "met": self.met}

    def _word(self, value: float) -> str:
        return f"{value:.0f} {self.unit}" if self.unit and value == int(value) else f"{value:.2f} {self.unit}".rstrip()


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return ours divided by theirs, round by round; the two were measured by turns."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def table(figures: Iterable[Figure]) -> list[str]:
    """Return the lines of the table."""
    rows = [HEADS, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
