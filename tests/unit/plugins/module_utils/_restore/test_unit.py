# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit: what it waits for, and what it may do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore.unit import (
    early_unit_text,
    has_early_unit,
    unit_text,
)

QUIET = {"interface": "lo", "addresses": ["192.0.2.30"]}
LAN = {"interface": "lan0", "addresses": ["192.0.2.31"]}
FILTER = {"name": "realserver", "addresses": ["192.0.2.30"]}
SERVICE = {"address": "192.0.2.30", "port": 80}
NFTABLES = (
    "[Unit]\nWants=network-pre.target\nBefore=network-pre.target\nDefaultDependencies=no\n[Service]\nType=oneshot\n"
)
needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="no systemd-analyze here (package systemd)"
)


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
    text = unit_text(declare({"name": "x", "vips": vips}), "/usr/bin/python3", early=False)
    assert f"\nAfter={after}\n" in text
    assert (
        "\nExecStart=/usr/bin/python3 /usr/local/lib/lvs-cluster/restore.pyz --keep /etc/lvs-cluster/x.json\n" in text
    )


@needs_systemd
def test_the_unit_is_closed_off(tmp_path):
    """The manager of 250 and later can judge a file; below 5 is what it calls OK."""
    told = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    if int(told.split()[1]) < 250:
        pytest.skip(f"this systemd-analyze ({told.split()[1]}) judges no file: 250 or newer does")
    declared = declare({"name": "director", "vips": [{"interface": "lan0", "addresses": ["192.0.2.30"]}]})
    unit = tmp_path / declared.unit
    early = tmp_path / declared.early_unit
    unit.write_text(unit_text(declared, sys.executable, early=True))
    early.write_text(early_unit_text(declared, sys.executable))
    for path in (unit, early):
        command = ["systemd-analyze", "security", "--no-pager", "--offline=true", str(path)]
        judged = subprocess.run(command, capture_output=True, text=True)
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
        assert found, judged.stdout + judged.stderr
        assert float(found[1]) < 3, judged.stdout
    # Whatever the unit writes: that a drain is over can be told while services are restored.
    assert "\nReadWritePaths=-/var/lib/lvs-cluster\n" in unit.read_text()


@pytest.mark.parametrize(
    ("parts", "nftables", "early"),
    [
        ({"vips": [QUIET]}, "", True),
        ({"vips": [{**QUIET, "interface": "dummy0", "kind": "dummy"}]}, "", True),
        ({"vips": [{**QUIET, "interface": "tunl0", "kind": "ipip"}, LAN]}, "", True),
        ({"vips": [LAN]}, "", False),
        ({"vips": [{**QUIET, "interface": "dummy0"}]}, "", False),
        ({"arp_filters": [FILTER]}, "", False),
        # A director's services come before its VIPs, and its packet filter may come late.
        ({"vips": [QUIET], "services": [SERVICE]}, "", False),
        ({"vips": [QUIET], "firewall": [{"name": "x"}]}, "DefaultDependencies=yes", True),
        ({"vips": [QUIET], "arp_filters": [FILTER]}, "", True),
        ({"vips": [QUIET], "arp_filters": [FILTER]}, NFTABLES, True),
        ({"vips": [QUIET], "arp_filters": [FILTER]}, f"{NFTABLES}\n[Unit]\nAfter=local-fs.target", True),
        ({"vips": [QUIET], "arp_filters": [FILTER]}, f"{NFTABLES}\n[Unit]\nAfter=network-online.target", False),
        ({"vips": [QUIET], "arp_filters": [FILTER]}, f"{NFTABLES}\n[Unit]\nDefaultDependencies=yes", False),
        ({"vips": [QUIET], "arp_filters": [FILTER]}, NFTABLES.replace("DefaultDependencies=no\n", ""), False),
    ],
)
def test_vips_that_need_no_network_are_assigned_early(parts, nftables, early):
    assert has_early_unit(declare({"name": "x", **parts}), nftables) is early


def test_the_early_unit_waits_for_what_keeps_vips_quiet():
    text = early_unit_text(declare({"name": "x", "vips": [QUIET], "arp_filters": [FILTER]}), "/usr/bin/python3")
    assert "\nAfter=local-fs.target systemd-modules-load.service systemd-sysctl.service nftables.service\n" in text
    assert "/usr/bin/python3 /usr/local/lib/lvs-cluster/restore.pyz --early /etc/lvs-cluster/x.json\n" in text
    # Nothing else pulls it in, or a VIP that was removed by hand would come back with any service.
    assert "[Install]" not in text
    # Nothing would stop it when the declaration is removed, since its main unit ends by itself then.
    assert "RemainAfterExit" not in text
    main = unit_text(declare({"name": "x", "vips": [QUIET]}), "/usr/bin/python3", early=True)
    for setting in ("After", "Wants"):
        (line,) = [line for line in main.splitlines() if line.startswith(f"{setting}=")]
        assert " lvs-cluster-x.early.service" in line


# What the units of network managers and packet filters are ordered by; a service and a socket that bind to the VIP.
OTHERS = {
    "systemd-networkd.service": "DefaultDependencies=no\nAfter=systemd-sysctl.service network-pre.target\nBefore=network.target\nWants=network.target",
    "networkd-wait.service": "DefaultDependencies=no\nRequires=systemd-networkd.service\nAfter=systemd-networkd.service\nBefore=network-online.target",
    "NetworkManager.service": "Wants=network.target\nAfter=network-pre.target dbus.service\nBefore=network.target",
    "networking.service": "DefaultDependencies=no\nAfter=local-fs.target network-pre.target systemd-sysctl.service\nBefore=network.target network-online.target",
    "cloud-init.service": "DefaultDependencies=no\nAfter=networking.service networkd-wait.service\nBefore=network-online.target sysinit.target",
    "nftables.service": "DefaultDependencies=no\nWants=network-pre.target\nBefore=network-pre.target",
    "netfilter-persistent.service": "DefaultDependencies=no\nAfter=systemd-modules-load.service local-fs.target\nBefore=network-pre.target",
    "ufw.service": "DefaultDependencies=no\nBefore=network.target",
    "firewalld.service": "Wants=network-pre.target\nBefore=network-pre.target\nAfter=dbus.service",
    "iptables.service": "Wants=network-pre.target\nBefore=network-pre.target",
    "web.service": "After=network.target",
    "tiny.service": "DefaultDependencies=no\nAfter=network.target",
    "web.socket": "",
}  # fmt: skip
_RUNS = {"service": "[Service]\nExecStart=/bin/true\n", "socket": "[Socket]\nListenStream=192.0.2.30:81\nAccept=yes\n"}


# These two waits are a cycle without us (firewalld, issue 414), so that no host has both.
LATE_FILTERS, CLOUD = ("firewalld.service", "iptables.service"), ("cloud-init.service",)


def ordering_cycle(directory: Path, extra: dict[str, str], without: tuple[str, ...] = CLOUD) -> str:
    """Return what systemd says of a boot with our units and all others, some with a further line of ordering."""
    declared = declare({"name": "x", "vips": [QUIET, LAN], "arp_filters": [FILTER], "firewall": [{"name": "x"}]})
    texts = {
        name: f"[Unit]\n{text}\n{extra.get(name, '')}\n{_RUNS[name.split('.')[-1]]}"
        for name, text in OTHERS.items()
        if name not in without
    }
    texts[declared.early_unit] = early_unit_text(declared, "/bin/true")
    texts[declared.unit] = unit_text(declared, "/bin/true", early=True)
    wanted = " ".join([*texts, "sysinit.target basic.target network.target network-online.target"])
    texts["web@.service"] = _RUNS["service"]
    texts["all.target"] = f"[Unit]\nWants={wanted}\n"
    for name, text in texts.items():
        (directory / name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(directory / "all.target")]
    # Without what this machine itself has enabled, in /etc.
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": "/usr/lib/systemd/system:/lib/systemd/system"}
    told = subprocess.run(command, capture_output=True, text=True, env=environment).stderr
    return "\n".join(line for line in told.splitlines() if "ordering cycle" in line or "Found dependency" in line)


@needs_systemd
@pytest.mark.parametrize("without", [CLOUD, LATE_FILTERS])
def test_no_unit_waits_for_itself(tmp_path, without):
    assert ordering_cycle(tmp_path, {}, without) == ""


@needs_systemd
@pytest.mark.parametrize("name", ["web.service", "tiny.service", "web.socket"])
def test_what_binds_to_a_vip_starts_after_the_early_unit(tmp_path, name):
    """Who says the opposite has a cycle, so the order is there; and the test above would see one."""
    assert "lvs-cluster-x.early.service" in ordering_cycle(tmp_path, {name: "Before=lvs-cluster-x.early.service"})
