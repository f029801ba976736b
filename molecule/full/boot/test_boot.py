# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's boot brought, after its Python got another name: the VIPs, in time for what binds to them."""

from __future__ import annotations

import pytest
from full_hosts import on

WEB = "192.168.91.30"
EARLY, MAIN = "lvs-cluster-realserver.early.service", "lvs-cluster-realserver.service"


def monotonic(unit: str, moment: str) -> int:
    """Return when a unit got somewhere, in microseconds since the boot."""
    return int(on("rs3", f"systemctl show --value --property={moment}TimestampMonotonic {unit}"))


@pytest.mark.parametrize("unit", [MAIN, "nginx.service", "on-vip.socket"])
def test_it_started(unit):
    assert on("rs3", f"systemctl is-active {unit}") == "active\n"


def test_the_early_unit_did_its_work_and_is_not_active_any_more():
    shown = on("rs3", f"systemctl show --property=ActiveState,Result,ExecMainCode,ExecMainStatus {EARLY}").split()
    assert sorted(shown) == ["ActiveState=inactive", "ExecMainCode=1", "ExecMainStatus=0", "Result=success"]


@pytest.mark.parametrize("port", [8081, 8082])
def test_the_vip_is_listened_on(port):
    assert f"{WEB}:{port}" in on("rs3", "ss -Hltn")


def test_sysctls_come_before_the_vip_and_the_vip_before_what_binds_to_it():
    assigned = monotonic(EARLY, "InactiveEnter")
    assert 0 < monotonic("systemd-sysctl.service", "ActiveEnter") <= monotonic(EARLY, "InactiveExit") < assigned
    assert assigned <= monotonic("on-vip.socket", "InactiveExit")
    assert assigned <= monotonic("nginx.service", "InactiveExit")


@pytest.mark.parametrize("host", ["director", "rs3"])
def test_no_unit_waits_for_itself(host):
    assert on(host, "journalctl --boot --quiet --grep='ordering cycle' || true") == ""


def test_the_unit_names_the_interpreter_that_is_there():
    command = on("rs3", f"systemctl show --property=ExecStart --value {MAIN}")
    assert "path=/usr/bin/python3 ;" in command
    assert on("rs3", "readlink -f /usr/bin/python3") == "/usr/bin/python3.99\n"


def test_a_director_has_no_early_unit():
    """Its VIPs are on a device of the network."""
    assert on("director", "ls /etc/systemd/system/ | grep lvs-cluster-") == "lvs-cluster-director.service\n"
