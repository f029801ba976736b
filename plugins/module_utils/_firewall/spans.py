# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of addresses as spans of numbers: sorted, apart from each other, both ends included."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Spans = tuple[tuple[int, int], ...]
NONE: Spans = ()


def every_address(ipv6: bool) -> Spans:
    """Return all addresses of a family."""
    return ((0, 2 ** (128 if ipv6 else 32) - 1),)


@lru_cache(maxsize=4096)
def network(text: str) -> tuple[int, int]:
    """Return the span of an address or a network; raise ValueError for another text."""
    found = ipaddress.ip_network(text, strict=False)
    return int(found.network_address), int(found.broadcast_address)


def merge(spans: Iterable[tuple[int, int]]) -> Spans:
    """Return spans in any order as a set."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], last)
        else:
            merged.append((first, last))
    return tuple(merged)


def intersect(one: Spans, other: Spans) -> Spans:
    """Return what is in both sets."""
    found, left, right = [], 0, 0
    while left < len(one) and right < len(other):
        first, last = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if first <= last:
            found.append((first, last))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return tuple(found)


def subtract(one: Spans, other: Spans) -> Spans:
    """Return what is in the first set and not in the other."""
    gaps, following = [], one[0][0] if one else 0
    for first, last in other:
        if first > following:
            gaps.append((following, first - 1))
        following = max(following, last + 1)
    if one and following <= one[-1][1]:
        gaps.append((following, one[-1][1]))
    return intersect(one, tuple(gaps))


def overlap(one: str, other: str) -> bool:
    """Whether two networks of one family have an address in common."""
    (first, last), (begin, end) = network(one), network(other)
    return first <= end and begin <= last
