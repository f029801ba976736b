# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared passes each part's own module's checks."""

from __future__ import annotations

from typing import Any, Callable

from .._arp_filter.options import WantedArpFilter
from .._firewall.options import WantedFirewall
from .._ipvs.options import parse_service
from .._ipvs.settings import parse_sysctls, parse_timeouts
from .._neighbor.options import WantedNeighbors
from .._vip.options import Wanted
from .declaration import PARTS, Declared

_CHECKS: dict[str, Callable[[Any], Any]] = {
    "vips": Wanted.from_options,
    "services": parse_service,
    "neighbors": WantedNeighbors.from_options,
    "arp_filters": WantedArpFilter.from_options,
    "firewall": WantedFirewall.from_options,
}


def check_parts(declared: Declared) -> None:
    """Raise InvalidValue for the first part that its own module would refuse."""
    for part in PARTS:
        for options in getattr(declared, part):
            _CHECKS[part](options)
    parse_timeouts(declared.timeouts)
    parse_sysctls(declared.sysctls)
