# SPDX-License-Identifier: GPL-3.0-or-later
"""What the code of the controller knows already, and the roles do not have yet."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import hosts
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import NONE, VRRP


@pytest.fixture(autouse=True)
def vrrp_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the reader of lvs_services take the failover engine vrrp, which it refuses as long as no role has it."""
    monkeypatch.setattr(hosts, "ENGINES", (NONE, VRRP))
