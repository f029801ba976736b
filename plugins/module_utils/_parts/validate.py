# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks each part of a declaration as its own module does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .._core.errors import InvalidValue
from .declaration import PARTS, Declared
from .parse import (
    check_settings,
    parse_arp_filter,
    parse_firewall,
    parse_gate,
    parse_neighbors,
    parse_service,
    parse_sync,
    parse_vip,
)

_PARSERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "vips": parse_vip,
    "services": parse_service,
    "neighbors": parse_neighbors,
    "arp_filters": parse_arp_filter,
    "firewall": parse_firewall,
    "sync": parse_sync,
}


def check_parts(declared: Declared) -> None:
    """Raise InvalidValue for the first part that its own module would refuse."""
    if len(declared.sync) > 1:
        rule = "are more than one item, and a host has one table of sync daemons"
        raise InvalidValue("sync", len(declared.sync), rule, "list all daemons and sysctls in one item")
    for part in PARTS:
        for options in getattr(declared, part):
            _PARSERS[part](options)
    check_settings(declared.timeouts, declared.sysctls)
    if declared.gate:
        parse_gate(declared.gate)
