# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit that runs keepalived for VRRP alone, beside a keepalived.service of the distribution or none."""

from __future__ import annotations

import os

from .._core.owner import DEFAULT_OWNER
from .._core.paths import standby_number_path
from .model import Gate, VrrpUnit

# No script is ever started, and no address is left without a process that speaks for it: a keepalived that dies leaves
# its VIPs, and the one that is started after it removes or advertises them. The copies in the runtime directory tell
# which configuration keepalived has read: a run that dies before the reload is healed by the next one. Process ids of a
# killed keepalived are removed, since it does not start while one of them is another process's, or a zombie's.
_UNIT = """\
# Written by lvs.cluster.vrrp_instances; changes here are overwritten.
[Unit]
Description=VRRP of the LVS directors{whose}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStartPre=/bin/cp {config} {loaded_config}
ExecStartPre=/bin/cp {unit_file} {loaded_unit}
{directory}{number}ExecStartPre=/bin/rm -f {pid_file} {child_pid_file}
ExecStart={program} {arguments}
ExecReload=/bin/cp {config} {loaded_config}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
Restart=always
RestartSec=1
TimeoutStopSec=10
RuntimeDirectory={runtime}
RuntimeDirectoryPreserve=restart
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
DevicePolicy=closed
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectSystem=full
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
UMask=0022

[Install]
WantedBy=multi-user.target
"""


def unit_text(unit: VrrpUnit, program: str, gate: Gate | None = None) -> str:
    """Return the unit; `program` is the path of keepalived."""
    own = (f"/run/{unit.runtime}", "/run")
    place = os.path.dirname(gate.path) if gate else own[0]
    return _UNIT.format(
        whose="" if unit.owner == DEFAULT_OWNER else f" of cluster {unit.owner}",
        program=program,
        arguments=" ".join(keepalived_arguments(unit)),
        config=unit.config,
        loaded_config=unit.loaded_config,
        unit_file=unit.unit_file,
        loaded_unit=unit.loaded_unit,
        pid_file=unit.pid_file,
        child_pid_file=unit.child_pid_file,
        # keepalived leaves a gate without a directory out, and the host would be eligible.
        directory="" if place in own else f"ExecStartPre=/bin/mkdir -p {place}\n",
        number=f"ExecStartPre=-/bin/cp {standby_number_path(gate.path)} {gate.path}\n" if gate else "",
        runtime=unit.runtime,
    )


def keepalived_arguments(unit: VrrpUnit) -> list[str]:
    """Return the arguments: VRRP alone, in the foreground, with files that no other keepalived of the host has."""
    return [
        "--vrrp",
        "--dont-fork",
        "--log-console",
        "--no-syslog",
        f"--use-file={unit.config}",
        f"--pid={unit.pid_file}",
        f"--vrrp_pid={unit.child_pid_file}",
    ]
