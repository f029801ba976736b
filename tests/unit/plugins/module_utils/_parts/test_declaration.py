# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration may say."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._parts.validate import check_parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"name": "a b"},
            "name: 'a b' becomes part of a unit's name; use lower-case letters, digits and hyphens.",
        ),
        (
            {"name": "x", "kernel_modules": ["ip vs"]},
            "kernel_modules: 'ip vs' is not the name of a kernel module; write one such as ip_vs.",
        ),
        (
            {"name": "x", "services": [{"address": "192.0.2.30"}]},
            "port is missing; name the service by address and port, or by fwmark.",
        ),
        (
            {"name": "x", "firewall": [{"name": "x", "open": [{"address": "192.0.2.30", "port": 0}]}]},
            "port: 0 is out of range; give a number from 1 to 65535.",
        ),
        (
            {"name": "x", "timeouts": {"tcp": -1}},
            "timeouts.tcp: -1 is out of range; give a number from 1 to 2147483.",
        ),
        (
            {"name": "x", "sysctls": {"conn_reuse_mode": -1}},
            "sysctls.conn_reuse_mode: -1 is out of range; give a number from 0 to 3.",
        ),
        (
            {"name": "x", "neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30"}]}]},
            "mac is missing for 192.0.2.30; name the MAC of the director, or write state: absent.",
        ),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InvalidValue) as refusal:
        check_parts(declare(options))
    assert str(refusal.value) == message
