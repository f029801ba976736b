# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration may say."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._parts.validate import check_parts


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (
            {"name": "a b"},
            ("name", "a b"),
        ),
        (
            {"name": "vrrp"},
            ("name", "vrrp"),
        ),
        (
            {"name": "x", "kernel_modules": ["ip vs"]},
            ("kernel_modules", "ip vs"),
        ),
        (
            {"name": "x", "services": [{"address": "192.0.2.30"}]},
            ("port", None),
        ),
        (
            {"name": "x", "firewall": [{"name": "x", "open": [{"address": "192.0.2.30", "port": 0}]}]},
            ("port", 0),
        ),
        (
            {"name": "x", "timeouts": {"tcp": -1}},
            ("timeouts.tcp", -1),
        ),
        (
            {"name": "x", "sync": [{"sysctls": {"sync_retries": 3}}, {"sysctls": {"sloppy_tcp": 1}}]},
            ("sync", 2),
        ),
        (
            {"name": "x", "sync": [{"sysctls": {"sync_retries": 4}}]},
            ("sysctls.sync_retries", 4),
        ),
        (
            {"name": "x", "sysctls": {"conn_reuse_mode": -1}},
            ("sysctls.conn_reuse_mode", -1),
        ),
        (
            {"name": "x", "neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30"}]}]},
            ("mac", None),
        ),
    ],
)
def test_refusals(options, about, error_words):
    with pytest.raises(InvalidValue) as refusal:
        check_parts(declare(options))
    assert error_words(refusal.value) == about
