# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit that restores a declaration at boot and keeps it restored."""

from __future__ import annotations

import os

from .._core.paths import DRAIN_STATE, PROGRAM
from .._parts.declaration import Declared

KEEP = "--keep"
_FILTERS = (
    "nftables.service",
    "ufw.service",
    "firewalld.service",
    "netfilter-persistent.service",
    "iptables.service",
    "ip6tables.service",
)
# The parts that are lists of another module's options; timeouts and sysctls of IPVS are beside them.
_UNIT = """\
# Written by lvs.cluster.boot_restore; changes here are overwritten.
[Unit]
Description=VIPs and virtual services of the LVS {name}
After={after}
Wants={wants}

[Service]
Type=notify
ExecStart={python} {program} {keep} {state}
Restart=on-failure
RestartSec=10
RuntimeDirectory={runtime}
TimeoutStartSec=300
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
DevicePolicy=closed
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
ProtectSystem=strict
ReadWritePaths=-{memory}
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def unit_text(declared: Declared, python: str) -> str:
    """Return the systemd unit.

    Modules and sysctls come first: VIPs must not be there before the ARP sysctls. So does nftables.service, which
    empties what is there before it loads its own, where there is an ARP filter. A VIP or a neighbour on a device
    that a network manager owns waits until that has configured it, since managers drop what they find there when they
    start; a VIP on lo waits for nothing, so that what listens on it can start. Packet filters are loaded first, as far
    as they are: rules that come later are mended.
    """
    vips = [vip for vip in declared.vips if vip["interface"] != "lo" and not vip.get("kind")]
    devices = sorted({str(item["interface"]) for item in [*vips, *declared.neighbors]})
    targets = ["network-online.target"] if devices else []
    targets += [f"sys-subsystem-net-devices-{_escape(device)}.device" for device in devices]
    filters = _FILTERS if declared.firewall or declared.arp_filters else ()
    after = ["systemd-modules-load.service", "systemd-sysctl.service", *filters, *targets]
    return _UNIT.format(
        name=declared.name,
        after=" ".join(after),
        wants=" ".join(["systemd-modules-load.service", *targets]),
        python=python,
        program=PROGRAM,
        keep=KEEP,
        runtime=declared.runtime,
        state=declared.state,
        memory=os.path.dirname(DRAIN_STATE),
    )


def _escape(device: str) -> str:
    """Return an interface name as systemd writes it in a unit's name (systemd-escape)."""
    return "".join(char if char.isalnum() or char in ":_." else f"\\x{ord(char):02x}" for char in device)
