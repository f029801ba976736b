# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbour entries of a host as data, and the ways to what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .._rtnetlink.model import Entry, Link


class NextHop(NamedTuple):
    """How the kernel would send to an address.

    `kind` is unicast, local (the host itself), broadcast or other; `gateway` is empty when it is on the segment.
    """

    kind: str
    interface: str
    gateway: str = ""


class CurrentNeighbors(NamedTuple):
    """What a host has: devices by name, neighbour entries, and the way to each wanted address that it knows one to."""

    links: Mapping[str, Link]
    entries: tuple[Entry, ...]
    ways: Mapping[str, NextHop]

    def entry(self, interface: str, address: str) -> Entry | None:
        """Return the entry for an address on a device."""
        return next((one for one in self.entries if (one.interface, one.address) == (interface, address)), None)
