# SPDX-License-Identifier: GPL-3.0-or-later
"""After how long IPVS forgets connections: the values, and what an option may say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ._errors import in_range


class Timeouts(NamedTuple):
    """Seconds after which an idle TCP connection, one that saw a FIN, and a UDP flow are forgotten."""

    tcp: int
    tcp_fin: int
    udp: int


TIMEOUT_OPTIONS: dict[str, Any] = {name: {"type": "int"} for name in Timeouts._fields}
_LONGEST = ((1 << 31) - 1) // 1000


def parse_timeouts(options: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the timeouts that are given, in seconds; raise InvalidValue.

    The kernel takes 0 for "as it is", and refuses what does not fit into 31 bits when it is counted in clock ticks
    (ip_vs_set_timeout in ip_vs_ctl.c), of which there are 1000 a second at most.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    for name, value in given.items():
        in_range(f"timeouts.{name}", value, 1, _LONGEST)
    return given
