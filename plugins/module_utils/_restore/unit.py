# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit that restores a declaration at boot and keeps it restored."""

from __future__ import annotations

import os

from .._core.owner import DEFAULT_OWNER
from .._core.paths import DRAIN_STATE
from .._parts.declaration import Declared, early_part, needs_network

KEEP, EARLY = "--keep", "--early"
NFTABLES = "nftables.service"
_FILTERS = (
    NFTABLES,
    "ufw.service",
    "firewalld.service",
    "netfilter-persistent.service",
    "iptables.service",
    "ip6tables.service",
)
_SYSCTLS = ("systemd-modules-load.service", "systemd-sysctl.service")
# What a unit may wait for that is to be over before any socket is opened.
_EARLY_UNITS = {*_SYSCTLS, "local-fs-pre.target", "local-fs.target", "systemd-udevd.service"}
_SANDBOX = """\
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW
DevicePolicy=closed
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
"""
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
PrivateTmp=yes
ReadWritePaths=-{memory}
{gate}{sandbox}
[Install]
WantedBy=multi-user.target
"""
# What may be written has to be there when the sandbox of the program is made. That of mkdir is made before, without it.
_GATE = """\
ExecStartPre=+/bin/mkdir -p {directory}
ReadWritePaths=-{directory}
"""
# Without PrivateTmp=, which would make it wait for systemd-tmpfiles-setup.service; nothing can be written there anyway.
_EARLY = """\
# Written by lvs.cluster.boot_restore; changes here are overwritten.
[Unit]
Description=VIPs of the LVS {name} that need no network
DefaultDependencies=no
Conflicts=shutdown.target
After={after}
Before=sysinit.target network.target shutdown.target

[Service]
Type=oneshot
ExecStart={python} {program} {early} {state}
TimeoutStartSec=60
{sandbox}"""


def unit_text(declared: Declared, python: str, early: bool) -> str:
    """Return the systemd unit; `early`: there is an early unit.

    Modules and sysctls come first: VIPs must not be there before the ARP sysctls. So does nftables.service, which
    empties what is there before it loads its own, where there is an ARP filter. A VIP or a neighbour on a device
    that a network manager owns waits until that has configured it, since managers drop what they find there when
    they start. So does a sync daemon, which sends from the address that the device has when it starts. Packet
    filters are loaded first, as far as they are: rules that come later are mended. This unit starts the early one;
    nothing else does, so that a VIP that an administrator removes does not come back with another service.
    """
    vips = [vip for vip in declared.vips if needs_network(vip)]
    daemons = [daemon for item in declared.sync for daemon in item.get("daemons") or ()]
    devices = sorted({str(item["interface"]) for item in [*vips, *declared.neighbors, *daemons]})
    targets = ["network-online.target"] if devices else []
    targets += [f"sys-subsystem-net-devices-{_escape(device)}.device" for device in devices]
    filters = _FILTERS if declared.firewall or declared.arp_filters else ()
    first = [declared.early_unit] if early else []
    return _UNIT.format(
        name=declared.name if declared.owner == DEFAULT_OWNER else f"{declared.name} of cluster {declared.owner}",
        after=" ".join([*_SYSCTLS, *first, *filters, *targets]),
        wants=" ".join([_SYSCTLS[0], *first, *targets]),
        python=python,
        program=declared.program,
        keep=KEEP,
        runtime=declared.runtime,
        state=declared.state,
        memory=os.path.dirname(DRAIN_STATE),
        gate=_GATE.format(directory=os.path.dirname(declared.gate["path"])) if declared.gate else "",
        sandbox=_SANDBOX,
    )


def early_unit_text(declared: Declared, python: str) -> str:
    """Return the unit that assigns the VIPs that need no network before any socket or service binds to them.

    Sockets and services start after sysinit.target unless they say otherwise (systemd.socket(5), systemd.service(5)),
    so that one order covers them all. It waits for nothing that could wait for the network, or systemd would find an
    ordering cycle and drop one of the units. What fails here is tried again by the other unit. It is not active
    once it is done, so that there is nothing to stop when the declaration is removed.
    """
    filters = [NFTABLES] if declared.arp_filters else []
    return _EARLY.format(
        name=declared.name,
        after=" ".join(["local-fs.target", *_SYSCTLS, *filters]),
        python=python,
        program=declared.program,
        early=EARLY,
        state=declared.state,
        sandbox=_SANDBOX,
    )


def exec_start(text: str) -> list[str]:
    """Return the command that a unit's text starts, empty where it has none."""
    lines = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    return lines[-1].partition("=")[2].split() if lines else []


def has_early_unit(declared: Declared, nftables: str) -> bool:
    """Return whether VIPs can be assigned early; `nftables` is the text of nftables.service with its drop-ins.

    Virtual services come before their VIPs, and they can wait for the packet filter. An ARP filter has to come after
    that unit, which can be one that starts late: with a distribution's own dependencies, or since an administrator has
    it wait for the network.
    """
    if declared.services or not early_part(declared._asdict())["vips"]:
        return False
    return not declared.arp_filters or not nftables or _is_early(nftables)


def _is_early(text: str) -> bool:
    settings = [line.partition("=") for line in text.splitlines()]
    waits = {unit for name, _equals, value in settings if name.strip() == "After" for unit in value.split()}
    defaults = [value.strip().lower() for name, _equals, value in settings if name.strip() == "DefaultDependencies"]
    return bool(defaults) and defaults[-1] in ("no", "false", "off", "0", "n", "f") and waits <= _EARLY_UNITS


def _escape(device: str) -> str:
    """Return an interface name as systemd writes it in a unit's name (systemd-escape)."""
    return "".join(char if char.isalnum() or char in ":_." else f"\\x{ord(char):02x}" for char in device)
