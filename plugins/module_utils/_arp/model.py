# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host of the segment answered, as data."""

from __future__ import annotations

from typing import NamedTuple


class OwnerAnswer(NamedTuple):
    """One owner of an address, and how long after the question it answered (ms)."""

    mac: str
    latency_ms: float
