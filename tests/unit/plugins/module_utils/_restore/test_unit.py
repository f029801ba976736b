# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit: what it waits for, and what it may do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore.unit import unit_text


@pytest.mark.parametrize(
    ("vips", "after"),
    [
        ([], "systemd-modules-load.service systemd-sysctl.service"),
        ([{"interface": "lo", "addresses": ["192.0.2.30"]}], "systemd-modules-load.service systemd-sysctl.service"),
        (
            [{"interface": "lan-0.5", "addresses": ["192.0.2.30"]}],
            "systemd-modules-load.service systemd-sysctl.service network-online.target "
            "sys-subsystem-net-devices-lan\\x2d0.5.device",
        ),
    ],
)
def test_unit_order(vips, after):
    text = unit_text(declare({"name": "x", "vips": vips}), "/usr/bin/python3")
    assert f"\nAfter={after}\n" in text
    assert (
        "\nExecStart=/usr/bin/python3 /usr/local/lib/lvs-cluster/restore.pyz --keep /etc/lvs-cluster/x.json\n" in text
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here (package systemd)")
def test_the_unit_is_closed_off(tmp_path):
    """The manager of 250 and later can judge a file; below 5 is what it calls OK."""
    told = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.split()[1]) < 250:
        pytest.skip(f"this systemd-analyze ({told.split()[1]}) judges no file: 250 or newer does")
    declared = declare({"name": "director", "vips": [{"interface": "lan0", "addresses": ["192.0.2.30"]}]})
    unit = tmp_path / declared.unit
    unit.write_text(unit_text(declared, sys.executable))
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert found, judged.stdout + judged.stderr
    assert float(found[1]) < 3, judged.stdout
    # Whatever the unit writes: that a drain is over can be told while services are restored.
    assert "\nReadWritePaths=-/var/lib/lvs-cluster\n" in unit.read_text()
