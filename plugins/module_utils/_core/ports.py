# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports and ranges of ports as people write them, made canonical once, at the door."""

from __future__ import annotations

from typing import Any, NamedTuple

from .errors import InvalidValue
from .options import in_range

LOWEST_PORT, HIGHEST_PORT = 1, 65535


class PortRange(NamedTuple):
    """Ports from `first` to `last`, both included; a single port has both the same."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.value)

    @property
    def value(self) -> int | str:
        """The range as an option: a number, or a text such as ``40000-40100``."""
        return self.first if self.first == self.last else f"{self.first}-{self.last}"

    @property
    def numbers(self) -> range:
        """Each port of the range."""
        return range(self.first, self.last + 1)

    def overlaps(self, other: PortRange) -> bool:
        """Whether both have a port in common."""
        return self.first <= other.last and other.first <= self.last


EVERY_PORT = PortRange(LOWEST_PORT, HIGHEST_PORT)


def parse_ports(option: str, value: Any) -> PortRange:
    """Return the ports that a number, or a text such as ``80`` or ``40000-40100``, writes; raise InvalidValue."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    bounds = [part.strip() for part in text.split("-")]
    if len(bounds) > 2 or not all(bound.isascii() and bound.isdigit() for bound in bounds):
        rule = "is neither a port nor a range of ports"
        raise InvalidValue(option, value, rule, "write one such as 80 or 40000-40100")
    first, last = (in_range(option, int(bound), LOWEST_PORT, HIGHEST_PORT) for bound in (bounds[0], bounds[-1]))
    if first > last:
        raise InvalidValue(option, value, "ends before it begins", f"write {last}-{first}")
    return PortRange(first, last)
