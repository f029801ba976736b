# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit: what it starts, and that systemd takes it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import Gate, VrrpUnit
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.unit import unit_text

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="no systemd-analyze here (package systemd)"
)


def setting(text: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in text.splitlines() if line.startswith(f"{name}=")]


@pytest.mark.parametrize(("owner", "label"), [("default", "vrrp"), ("mail", "mail.vrrp")])
def test_files_are_those_of_the_owner(owner, label):
    text = unit_text(VrrpUnit(owner), "/usr/sbin/keepalived")
    assert setting(text, "ExecStart") == [
        "/usr/sbin/keepalived --vrrp --dont-fork --log-console --no-syslog "
        f"--use-file=/etc/lvs-cluster/{label}.conf --pid=/run/lvs-cluster-{label}/keepalived.pid "
        f"--vrrp_pid=/run/lvs-cluster-{label}/vrrp.pid"
    ]
    copies = [
        f"/bin/cp /etc/lvs-cluster/{label}.conf /run/lvs-cluster-{label}/loaded.conf",
        f"/bin/cp /etc/systemd/system/lvs-cluster-{label}.service /run/lvs-cluster-{label}/loaded.service",
    ]
    removal = f"/bin/rm -f /run/lvs-cluster-{label}/keepalived.pid /run/lvs-cluster-{label}/vrrp.pid"
    assert setting(text, "ExecStartPre") == [*copies, removal]
    # The copy before the signal: a file that is written in between is not taken for one that was read.
    assert setting(text, "ExecReload") == [copies[0], "/bin/kill -HUP $MAINPID"]
    assert (setting(text, "Restart"), setting(text, "RuntimeDirectory")) == (["always"], [f"lvs-cluster-{label}"])


@pytest.mark.parametrize(
    ("path", "made"), [("/run/gate", []), ("/run/lvs-cluster-vrrp/gate", []), ("/run/agent/x/gate", ["/run/agent/x"])]
)
def test_the_directory_of_the_gate_is_made(path, made):
    text = unit_text(VrrpUnit(), "/usr/sbin/keepalived", Gate(path))
    assert [line.split()[-1] for line in setting(text, "ExecStartPre") if "mkdir" in line] == made
    # A master whose keepalived died comes back as a standby.
    assert f"-/bin/cp {path}.standby {path}" in setting(text, "ExecStartPre")


@needs_systemd
def test_systemd_takes_the_unit(tmp_path):
    unit = tmp_path / VrrpUnit().name
    unit.write_text(unit_text(VrrpUnit(), sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True).stderr
    assert [line for line in told.splitlines() if unit.name in line] == []


@needs_systemd
def test_the_unit_is_closed_off(tmp_path):
    """The manager of 250 and later can judge a file; below 5 is what it calls OK."""
    told = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.split()[1]) < 250:
        pytest.skip(f"this systemd-analyze ({told.split()[1]}) judges no file: 250 or newer does")
    unit = tmp_path / VrrpUnit().name
    unit.write_text(unit_text(VrrpUnit(), sys.executable))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert found, judged.stdout + judged.stderr
    assert float(found[1]) < 5, judged.stdout
