# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host of the lab is like, as far as a role could change it: python tests/host_state.py FILE HOST ... writes it down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from lab_access import ssh_command

# ipvsadm comes first: asking for the table loads ip_vs, whose sysctls and devices are then there before and after.
COMMANDS = {
    "IPVS": "ipvsadm -Sn; ipvsadm -Ln --timeout; ipvsadm -Ln --daemon",
    "addresses": "ip -oneline address show | sed 's/ valid_lft.*//' | sort",
    "links": "ip -oneline link show | sed 's/ mtu.*//'",
    "static neighbours": "echo permanent:; ip neighbour show nud permanent",
    "routes": "ip route show table all | sort; ip -6 route show table all | sed 's/ expires.*//' | sort",
    "packet filter": "echo rules:; nft list ruleset",
    "sysctls": r"sysctl -a --pattern '^net\.ipv[46]\.(conf|ip_forward|vs)' | sort",
    # /etc/mtab is no file but the kernel's list of mounts, to which each unit with credentials adds one.
    "files": "find /etc /usr/local /var/lib/lvs-cluster /run/lvs-cluster* /run/sysctl.d ! -type d ! -path /etc/mtab -print0 2>/dev/null | sort -z | xargs -0 sha256sum 2>/dev/null",
    "directories": "find /etc /usr/local /var/lib/lvs-cluster /run/lvs-cluster* -type d 2>/dev/null | sort",
    # systemd waits 25 seconds for an answer from itself, which is not always enough where the processor is emulated.
    "units": "export SYSTEMD_BUS_TIMEOUT=100; systemctl list-unit-files --no-legend --no-pager | grep -v '\\.scope '; systemctl list-units --no-legend --no-pager --plain 'lvs-cluster*'",
}


def state_of(hosts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return host -> what -> text."""
    found: dict[str, dict[str, str]] = {}
    for host in hosts:
        found[host] = {}
        for what, command in COMMANDS.items():
            done = subprocess.run([*ssh_command(host), command], capture_output=True, text=True, timeout=240)
            found[host][what] = done.stdout + done.stderr
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(state_of(sys.argv[2:])))
