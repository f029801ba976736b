# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports and ranges of ports as people write them."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import PortRange, parse_ports
from hypothesis import given
from hypothesis import strategies as st

PORTS = st.integers(1, 65535)
RANGES = st.tuples(PORTS, PORTS).map(lambda pair: PortRange(min(pair), max(pair)))


@pytest.mark.parametrize(
    ("value", "ports", "canonical"),
    [
        (80, (80, 80), 80),
        (" 80 ", (80, 80), 80),
        ("40000-40100", (40000, 40100), "40000-40100"),
        ("1 - 65535", (1, 65535), "1-65535"),
        ("80-80", (80, 80), 80),
    ],
)
def test_ports_and_ranges(value, ports, canonical):
    parsed = parse_ports("ports", value)
    assert (parsed, parsed.value, str(parsed)) == (ports, canonical, str(canonical))


@pytest.mark.parametrize(
    "value",
    [0, 65536, -1, "0-5", "5-70000", "9-5", "80-", "-80", "1-2-3", "http", "", "1,2", "80:90", "٨٠", True, None, 8.5],
)
def test_what_is_none(value, error_words):
    with pytest.raises(InvalidValue) as raised:
        parse_ports("ports", value)
    assert error_words(raised.value)[0] == "ports"


@given(RANGES)
def test_a_range_survives_its_own_words(ports):
    assert parse_ports("ports", ports.value) == parse_ports("ports", str(ports)) == ports


@given(RANGES, RANGES)
def test_ranges_overlap_if_they_share_a_port(one, other):
    shared = range(max(one.first, other.first), min(one.last, other.last) + 1)
    assert one.overlaps(other) == other.overlaps(one) == bool(shared)
    assert len(one.numbers) == one.last - one.first + 1
