# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared passes each part's own module's checks."""

from __future__ import annotations

from typing import Any, Callable

from ._arp_filter_wanted import WantedArpFilter
from ._boot_plan import PARTS, Declared
from ._firewall_wanted import WantedFirewall
from ._ipvs_options import parse_service
from ._ipvs_settings import parse_sysctls, parse_timeouts
from ._neighbor_wanted import WantedNeighbors
from ._vip_wanted import Wanted

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
