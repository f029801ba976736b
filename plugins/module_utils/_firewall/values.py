# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on the right side of matches (libnftables-json(5)): addresses, ports, flags, and ranges of them."""

from __future__ import annotations

from typing import Any

from .._nftables.ruleset import protocol_number
from .packets import ACK, SYN
from .spans import network

TCP_FLAGS = {"fin": 1, SYN: 2, "rst": 4, "psh": 8, ACK: 16, "urg": 32, "ecn": 64, "cwr": 128}


def element(value: Any) -> Any:
    """Return an element of a set without what is beside its value, such as a timeout."""
    if isinstance(value, dict) and isinstance(value.get("elem"), dict):
        return value["elem"].get("val")
    return value


def span_of(value: Any) -> tuple[int, int] | None:
    """Return the numbers that a value stands for, those of its addresses or ports; None when it stands for none."""
    value = element(value)
    try:
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return value, value
        if isinstance(value, str):
            return (int(value), int(value)) if value.isdigit() else (0, -1) if value == "" else _textspan(value)
        if isinstance(value, dict) and "prefix" in value:
            return network(f"{value['prefix']['addr']}/{value['prefix']['len']}")
        if isinstance(value, dict) and "range" in value:
            (first, _last), (_first, last) = (_textspan(one) for one in value["range"])
            return first, last
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _textspan(value: Any) -> tuple[int, int]:
    if isinstance(value, int) or str(value).isdigit():
        return int(value), int(value)
    if value == "*":
        return 0, 2**128
    return network(str(value))


def covers(value: Any, first: int, last: int) -> bool:
    """Whether a value stands for all of these numbers."""
    found = span_of(value)
    return found is not None and found[0] <= first and last <= found[1]


def same(right: Any, value: Any) -> bool:
    """Whether a value, which may be the name of a protocol, is the one that is known."""
    return protocol_number(right) == value if isinstance(value, int) else right in (value, "*")


def flag_bits(value: Any) -> int | None:
    """Return flags of TCP as a number; None for what is none."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return TCP_FLAGS.get(value)
    parts = value.get("|") if isinstance(value, dict) else value
    if not isinstance(parts, list):
        return None
    bits = [flag_bits(part) for part in parts]
    return None if None in bits else sum({bit for bit in bits if bit})
