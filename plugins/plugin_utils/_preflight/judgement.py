# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule of preflight yields."""

from __future__ import annotations

from typing import NamedTuple

from .._topology.finding import Finding


class Judgement(NamedTuple):
    """A finding, and whether it is only a warning."""

    finding: Finding
    warning: bool = False
