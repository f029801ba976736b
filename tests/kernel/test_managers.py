# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs under each network manager on each Debian release: whatever it does to the interface, they are there afterwards.

The machine's lan0 goes from one manager to the next; the interface for logging in stays with systemd-networkd.
"""

from __future__ import annotations

import subprocess
import time
from typing import NamedTuple

import pytest
from kernels import INVENTORY, KERNELS
from lab_access import PROJECT, ssh_command

pytestmark = pytest.mark.thorough

VIPS = ["192.168.91.30", "2001:db8:91::30"]
VIPS_ON_LO = ["192.168.91.40", "2001:db8:91::40"]
LIMIT = 120  # seconds; restarting a manager on an emulated machine takes up to twenty
BOOT_LIMIT = 400
UNIT = "lvs-cluster-test.service"


class Manager(NamedTuple):
    """How lan0 becomes the manager's, what can be done through it, and whether lan0 is its own."""

    takes_over: str
    actions: tuple[str, ...]
    owns: str


HANDS_OFF = """
systemctl disable --now NetworkManager networking
rm -f /etc/network/interfaces.d/lan0 /run/network/ifstate
printf '[Match]\\nName=lan0\\n[Link]\\nUnmanaged=yes\\n' > /etc/systemd/network/05-hands-off.network
networkctl reload
ip address flush dev lan0 scope global
"""
MANAGERS = {
    "systemd-networkd": Manager(
        "networkctl reload && networkctl reconfigure lan0",
        (
            "networkctl reload",
            "networkctl reconfigure lan0",
            "systemctl restart systemd-networkd",
            "ip link set lan0 down && sleep 1 && ip link set lan0 up",
        ),
        # After a reconfiguration systemd 247 stays at "configuring", with all that it is to configure there.
        "networkctl status lan0 | grep 'State:.*configur'",
    ),
    "ifupdown": Manager(
        HANDS_OFF
        + """
printf 'auto lan0\\niface lan0 inet static\\n  address %s/24\\n' "$RIP" > /etc/network/interfaces.d/lan0
systemctl enable networking
ifup lan0
""",
        ("ifdown lan0 && ifup lan0", "systemctl restart networking"),
        "ifquery --state lan0",
    ),
    "NetworkManager": Manager(
        HANDS_OFF
        + """
printf '[keyfile]\\nunmanaged-devices=except:interface-name:lan0\\n' > /etc/NetworkManager/conf.d/lan0.conf
systemctl enable --now NetworkManager
nmcli connection add type ethernet con-name lan0 ifname lan0 ipv4.method manual ipv4.addresses "$RIP/24" ipv6.method link-local
nmcli connection up lan0
""",
        (
            "nmcli connection reload",
            "nmcli device reapply lan0",
            "nmcli connection down lan0 && nmcli connection up lan0",
            "systemctl restart NetworkManager",
        ),
        "nmcli -g GENERAL.STATE device show lan0 | grep '(connected)'",
    ),
    "none": Manager(
        HANDS_OFF + 'ip link set lan0 up && ip address add "$RIP/24" dev lan0',
        (
            "ip address flush dev lan0",
            "ip link set lan0 down && sleep 1 && ip link set lan0 up",
        ),
        "networkctl status lan0 | grep 'State:.*unmanaged'",
    ),
}
# Handed back as it came, for who keeps the machine running.
HANDED_BACK = f"""
systemctl stop {UNIT}
systemctl disable --now NetworkManager networking
rm -rf /etc/systemd/network/05-hands-off.network /etc/network/interfaces.d/lan0 /etc/NetworkManager/conf.d/lan0.conf
rm -rf /etc/NetworkManager/system-connections/lan0.nmconnection /etc/lvs-cluster/test.json /etc/systemd/system/lvs-cluster-test.*
rm -rf /etc/systemd/system/multi-user.target.wants/lvs-cluster-test.service
systemctl daemon-reload
ip address flush dev lan0
networkctl reload
networkctl reconfigure lan0
"""


class Host:
    """A machine, by its shell."""

    def __init__(self, name: str) -> None:
        self.name = name

    def try_shell(self, script: str, limit: int = LIMIT) -> subprocess.CompletedProcess[str]:
        """Run a script there, and return what came of it."""
        command = [*ssh_command(self.name, INVENTORY), "bash -s"]
        return subprocess.run(command, input=script, capture_output=True, text=True, timeout=limit)

    def shell(self, script: str) -> str:
        """Run a script there, and return what it printed."""
        done = self.try_shell(
            f"RIP=$(sed -n 's,^Address=\\(.*\\)/24,\\1,p' /etc/systemd/network/20-lan0.network)\n{script}"
        )
        assert done.returncode == 0, f"on {self.name}: {script}\n{done.stdout}{done.stderr}\n{self.log()}"
        return done.stdout

    def missing(self) -> list[str]:
        """Return the VIPs that are not where they are declared."""
        shown = self.shell("ip -oneline address show dev lan0; echo lo:; ip -oneline address show dev lo")
        lan0, _, lo = shown.partition("lo:\n")
        return [vip for vip in VIPS if f" {vip}/" not in lan0] + [vip for vip in VIPS_ON_LO if f" {vip}/" not in lo]

    def log(self) -> str:
        """Return what the unit said since it started."""
        return self.try_shell(f"systemctl --no-pager status {UNIT}; journalctl --no-pager -u {UNIT} -o cat").stdout

    def times_gone(self, since: str) -> int:
        """Return how often the unit noticed since then that a VIP was gone."""
        told = self.shell(f"journalctl --no-pager -u {UNIT} -o cat --since '{since}'")
        return told.count(" is gone from ")

    def wait_for_vips(self, manager: Manager | None = None) -> None:
        """Wait until every VIP is there, and lan0 is what the manager makes of it."""
        end = time.monotonic() + LIMIT
        while missing := self.missing() + self.not_owned(manager):
            assert time.monotonic() < end, f"on {self.name}, still missing: {missing}\n{self.log()}"
            time.sleep(1)

    def not_owned(self, manager: Manager | None) -> list[str]:
        """Return what the manager still has to reach."""
        done = self.try_shell(manager.owns) if manager else None
        return [f"{manager.owns}: {done.stdout}{done.stderr}"] if done and done.returncode else []


@pytest.fixture(scope="module", params=KERNELS)
def host(request):
    host = Host(request.param)
    subprocess.run(
        ["ansible-playbook", "tests/kernel/keep_vips.yml", "-i", INVENTORY, "--limit", host.name, "-e", f"{{keep_vips: {VIPS}, keep_vips_on_lo: {VIPS_ON_LO}}}"],
        cwd=PROJECT,
        check=True,
        timeout=300,
    )  # fmt: skip
    host.wait_for_vips()
    yield host
    host.shell(HANDED_BACK)


@pytest.mark.parametrize("name", MANAGERS)
def test_vips_stay(host, name, record_property):
    manager = MANAGERS[name]
    host.shell(manager.takes_over)
    host.wait_for_vips(manager)
    since = host.shell("date '+%F %T'").strip()
    for action in manager.actions:
        host.shell(action)
        time.sleep(3)  # for what the manager goes on to do after its command has returned
        host.wait_for_vips(manager)
    record_property(f"times {name} took a VIP away that came back on {host.name}", host.times_gone(since))


def test_without_the_unit_they_are_lost(host):
    """The measure is needed: what every one of the managers may do takes an IPv6 VIP away for good."""
    host.shell(f"systemctl stop {UNIT} && ip link set lan0 down && ip link set lan0 up")
    time.sleep(5)
    assert host.missing() == ["2001:db8:91::30"]
    host.shell(f"systemctl start {UNIT}")
    assert host.missing() == []


def test_vips_come_back_after_a_reboot(host):
    """Under the manager that the release is (or was) installed with; under systemd-networkd the cluster's own tests do it."""
    manager = MANAGERS["ifupdown" if host.name == "bullseye" else "NetworkManager"]
    host.shell(manager.takes_over)
    boot = host.shell("cat /proc/sys/kernel/random/boot_id")
    host.try_shell("systemctl reboot")
    end = time.monotonic() + BOOT_LIMIT
    while host.try_shell("cat /proc/sys/kernel/random/boot_id").stdout in ("", boot):
        assert time.monotonic() < end, f"{host.name} did not come back"
        time.sleep(5)
    host.wait_for_vips(manager)
