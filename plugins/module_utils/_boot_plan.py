# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps on disk so that it comes back from a reboot by itself: a program, what was declared, and a unit."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ._boot_places import MODULES_DIRECTORY, PROGRAM, STATE_DIRECTORY, UNIT_DIRECTORY
from ._errors import InvalidValue
from ._ipvs_memory_file import MEMORY
from ._plan import Plan

# The program's option to stay after it has restored, and mend what is taken away.
KEEP = "--keep"
# What loads a packet filter at boot, of whatever distribution.
_FILTERS = (
    "nftables.service",
    "ufw.service",
    "firewalld.service",
    "netfilter-persistent.service",
    "iptables.service",
    "ip6tables.service",
)
# The parts that are lists of another module's options; timeouts and sysctls of IPVS are beside them.
PARTS = ("vips", "services", "neighbors", "arp_filters", "firewall")
_PACKAGE = "ansible_collections/lvs/cluster/plugins/module_utils"
_MAIN = """\
# SPDX-License-Identifier: GPL-3.0-or-later
from ansible_collections.lvs.cluster.plugins.module_utils._boot import main

raise SystemExit(main())
"""

# Not closed off, and why: /proc/sys, since promote_secondaries is set while a VIP leaves (_rtnl_client); memory that
# is written and run, for which ctypes may ask, by which libnftables is reached; and what this is for, the host's
# network. A module such as ip_vs is loaded by the kernel itself, so the unit needs no CAP_SYS_MODULE. A systemd passes
# over what it does not know yet.
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


class Content(NamedTuple):
    """One file as it has to be; `link` is the target of a symbolic link, which has no content."""

    path: str
    data: bytes = b""
    link: str = ""


class FileOperation(NamedTuple):
    """One file to write, link or (`content` None) remove."""

    path: str
    content: Content | None
    words: str


class Declared(NamedTuple):
    """What a host declares to be there after a boot.

    VIPs, services, neighbours, ARP filters and the packet filter are in the options of vip_iface, ipvs_service,
    vip_neighbor, vip_arp_filter and vip_firewall; timeouts (in seconds) and sysctls in those of ipvs_table.
    """

    name: str
    vips: Sequence[Mapping[str, Any]] = ()
    services: Sequence[Mapping[str, Any]] = ()
    kernel_modules: Sequence[str] = ()
    neighbors: Sequence[Mapping[str, Any]] = ()
    timeouts: Mapping[str, int] = MappingProxyType({})
    sysctls: Mapping[str, int] = MappingProxyType({})
    arp_filters: Sequence[Mapping[str, Any]] = ()
    firewall: Sequence[Mapping[str, Any]] = ()

    @property
    def unit(self) -> str:
        """The name of the systemd unit that restores it."""
        return f"lvs-cluster-{self.name}.service"

    @property
    def runtime(self) -> str:
        """The directory below /run that systemd keeps for as long as the unit runs."""
        return f"lvs-cluster-{self.name}"

    @property
    def state(self) -> str:
        """The path of the file that holds it."""
        return f"{STATE_DIRECTORY}/{self.name}.json"

    @property
    def modules(self) -> str:
        """The path of the file that names the kernel modules."""
        return f"{MODULES_DIRECTORY}/lvs-cluster-{self.name}.conf"

    @property
    def unit_file(self) -> str:
        """The path of the unit's file."""
        return f"{UNIT_DIRECTORY}/{self.unit}"

    @property
    def link(self) -> str:
        """The path of the link that has systemd start the unit at boot."""
        return f"{UNIT_DIRECTORY}/multi-user.target.wants/{self.unit}"

    @property
    def paths(self) -> list[str]:
        """The paths of all files that it may have, in the order in which they are made."""
        return [self.modules, PROGRAM, self.state, self.unit_file, self.link]


def declare(options: Mapping[str, Any]) -> Declared:
    """Return what the options declare; its parts are still to be checked, unless they were before (see is_kept)."""
    name = options["name"]
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        raise InvalidValue("name", name, "becomes part of a unit's name", "use lower-case letters, digits and hyphens")
    modules = list(options.get("kernel_modules") or ())
    for module in modules:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", module):
            raise InvalidValue(
                "kernel_modules", module, "is not the name of a kernel module", "write one such as ip_vs"
            )
    parts = {part: [_given(item) for item in options.get(part) or ()] for part in PARTS}
    timeouts, sysctls = (_given(options.get(what) or {}) for what in ("timeouts", "sysctls"))
    return Declared(name, kernel_modules=modules, timeouts=timeouts, sysctls=sysctls, **parts)


def is_kept(declared: Declared, current: Mapping[str, Content], restorer: bytes) -> bool:
    """Return whether this same declaration is on the disk, and the program too, which has the checks among its sources.

    Its parts were checked when it was written. Only where another declaration of the host has brought a newer program
    since was that by the checks of before.
    """
    state, kept = current.get(declared.state), current.get(PROGRAM)
    return state is not None and state.data == _state(declared, {}) and kept is not None and kept.data == restorer


def wanted_files(
    declared: Declared, python: str, restorer: bytes, former: Mapping[str, Any] = MappingProxyType({})
) -> list[Content]:
    """Return the files that bring `declared` back at boot.

    `python` is the interpreter to run `restorer`, the program, with, and `former` what the file is to remember of
    earlier declarations (see _boot_former).
    """
    names = "".join(f"{module}\n" for module in declared.kernel_modules)
    loaded = [Content(declared.modules, f"# Written by lvs.cluster.boot_restore.\n{names}".encode())] if names else []
    return [
        *loaded,
        Content(PROGRAM, restorer),
        Content(declared.state, _state(declared, former)),
        Content(declared.unit_file, unit_text(declared, python).encode()),
        Content(declared.link, link=declared.unit_file),
    ]


def _state(declared: Declared, former: Mapping[str, Any]) -> bytes:
    """Return the content of the file that holds what is declared, and what is to be remembered beside it."""
    state: dict[str, Any] = {"timeouts": dict(declared.timeouts), "sysctls": dict(declared.sysctls)}
    state.update({part: getattr(declared, part) for part in PARTS})
    if former:
        state["former"] = dict(former)
    return (json.dumps(state, indent=2, sort_keys=True) + "\n").encode()


def is_stale(declared: Declared, operations: Sequence[FileOperation | Removal]) -> bool:
    """Return whether what systemd has started is not what these steps leave to be started."""
    changed = {operation.path for operation in operations if isinstance(operation, FileOperation)}
    return bool(changed & {PROGRAM, declared.unit_file})


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
        memory=os.path.dirname(MEMORY),
    )


def program(modules: Mapping[str, str], main: str = _MAIN) -> bytes:
    """Return a program that runs `main`: a zip of it and the modules, the same bytes for the same sources."""
    files = {"__main__.py": main}
    parts = _PACKAGE.split("/")
    for depth in range(len(parts)):
        files["/".join([*parts[: depth + 1], "__init__.py"])] = ""
    for name, source in modules.items():
        files[f"{_PACKAGE}/{name}.py"] = source
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path), files[path])
    return packed.getvalue()


def plan_files(
    current: Mapping[str, Content], wanted: Sequence[Content], unwanted: Sequence[str]
) -> Plan[FileOperation]:
    """Return the way from the files that are to those that are wanted; `unwanted` paths are to be gone."""
    operations = []
    for content in wanted:
        if current.get(content.path) != content:
            verb = "link" if content.link else "write"
            operations.append(FileOperation(content.path, content, f"{verb} {content.path}"))
    operations += [FileOperation(path, None, f"remove {path}") for path in unwanted if path in current]
    after = {path: content for path, content in current.items() if path not in unwanted}
    after.update({content.path: content for content in wanted})
    return Plan(_shown(current), _shown(after), tuple(operations))


class Removal(NamedTuple):
    """One step that takes away what is declared no more; all of them are one run (see _boot_former_run)."""

    words: str


def plan_removal(
    noted: Plan[FileOperation], removal: Sequence[str], final: Plan[FileOperation]
) -> Plan[FileOperation | Removal]:
    """Return the whole way: files that still tell what is being removed, the removal, and the files without it.

    A run that dies in between is healed by the next one, which finds in the file what is left to do.
    """
    steps: list[FileOperation | Removal] = [*noted.operations, *map(Removal, removal), *final.operations]
    return Plan(noted.before, final.after, tuple(steps))


def _shown(files: Mapping[str, Content]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for path, content in sorted(files.items()):
        if content.link:
            shown[path] = f"link to {content.link}"
        elif path == PROGRAM:
            shown[path] = f"{len(content.data)} bytes of program"
        else:
            shown[path] = content.data.decode(errors="replace")
    return shown


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given: Ansible fills those that were left out with None."""
    given = {}
    for name, value in options.items():
        if value is not None:
            given[name] = (
                [_given(item) if isinstance(item, dict) else item for item in value]
                if isinstance(value, list)
                else value
            )
    return given


def _escape(device: str) -> str:
    """Return an interface name as systemd writes it in a unit's name (systemd-escape)."""
    return "".join(char if char.isalnum() or char in ":_." else f"\\x{ord(char):02x}" for char in device)
