# SPDX-License-Identifier: GPL-3.0-or-later
"""Families and endpoints of canonical addresses."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import (
    endpoint,
    endpoint_address,
    is_ipv6,
    same_family,
    version,
)


@pytest.mark.parametrize(
    ("address", "family", "text"), [("192.0.2.4", 4, "192.0.2.4:80"), ("2001:db8::4", 6, "[2001:db8::4]:80")]
)
def test_an_address_and_its_endpoint(address: str, family: int, text: str) -> None:
    assert version(address) == family
    assert is_ipv6(address) == (family == 6)
    assert endpoint(address, 80) == text
    assert endpoint_address(text) == address


def test_same_family() -> None:
    assert same_family("192.0.2.4", "192.0.2.5")
    assert not same_family("192.0.2.4", "2001:db8::4")
