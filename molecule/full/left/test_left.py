# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that have left: their firewalls are on, and closed again."""

from __future__ import annotations

import pytest
from full_hosts import FIREWALLS, on, reaches, routed_by, served

WEB = "192.168.91.30"


@pytest.mark.parametrize("name", ["rs1", "rs2"])
def test_the_firewall_is_on_and_closed_again(name):
    assert on(name, f"systemctl is-active {FIREWALLS[name]}.service") == "active\n"
    rules = on(name, "nft list ruleset; grep -r lvs- /etc/firewalld/policies || true")
    assert "lvs" not in rules
    # With the VIP, as it was before, and with a web server that still listens.
    on(name, f"ip address add {WEB}/32 dev lo")
    try:
        with routed_by(name, WEB):
            assert (reaches(WEB, 22), reaches(WEB, 80)) == (True, False)
    finally:
        on(name, f"ip address del {WEB}/32 dev lo")


def test_the_one_that_stays_serves_all():
    assert served(f"http://{WEB}/", 4) == {"rs3": 4}
