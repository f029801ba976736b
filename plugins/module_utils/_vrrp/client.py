# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived on this host: its files and its process, and its own test of a configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from .._core.errors import PrerequisiteMissing, ServiceRefusal
from .._core.files import read_bytes
from .._core.owner import Owner, owner_and_name
from .._core.paths import STATE_DIRECTORY
from .._owner.claims import claims, vips
from .._owner.declarations import read_siblings
from .._restore.client import apply_files, read_files
from .._restore.plan import FileOperation
from .._rtnetlink.dump import links
from .._rtnetlink.state import own_addresses
from .config import instances_in
from .judgement import refusal_reason
from .model import NAME, Instance, VrrpUnit, WantedVrrp
from .plan import Loaded, VrrpState

PROGRAM = "keepalived"
PROGRAMS = (f"/usr/sbin/{PROGRAM}", f"/usr/local/sbin/{PROGRAM}")
_SUFFIX = ".conf"
_SECONDS = 30.0
_MOST_BYTES = 1 << 16


def find_program(root: str = "") -> str:
    """Return the path of keepalived, empty where it is not installed."""
    return next((path for path in PROGRAMS if os.access(root + path, os.X_OK)), "")


def missing_program() -> PrerequisiteMissing:
    """Return the error of a host without keepalived."""
    remedy = f"install the package {PROGRAM}"
    return PrerequisiteMissing("Program", PROGRAM, "is missing on this host", remedy, f"{PROGRAM} is installed")


def read_state(wanted: WantedVrrp, root: str = "") -> VrrpState:
    """Return what this host has."""
    unit = wanted.unit
    former = VrrpUnit(wanted.formerly) if wanted.formerly else None
    owner = Owner(wanted.owner, wanted.formerly)
    declared = claims(read_siblings(owner, NAME, root), vips)
    interfaces = [link.name for link in links().values()]
    return VrrpState(
        read_files([*unit.paths, *(former.paths if former else ())]),
        read_loaded(unit, root),
        bool(former and is_running(former, root)),
        own_addresses(),
        interfaces,
        read_other_instances(owner, root),
        list(dict.fromkeys(address for _interface, address in declared)),
        [name for name in interfaces if not max(_arp_ignore("all"), _arp_ignore(name))],
        find_program(root) or PROGRAMS[0],
    )


def _arp_ignore(interface: str) -> int:
    value = (read_bytes(f"/proc/sys/net/ipv4/conf/{interface}/arp_ignore") or b"").strip()
    return int(value) if value.isdigit() else 0


def read_instances(unit: VrrpUnit, root: str = "") -> tuple[Instance, ...]:
    """Return the instances that an owner has on this host, none where it has no configuration, or another's."""
    data = read_bytes(root + unit.config)
    with suppress(ValueError):
        return instances_in((data or b"").decode(errors="replace"))
    return ()


def read_other_instances(owner: Owner, root: str = "") -> Mapping[str, Sequence[Instance]]:
    """Return the instances of each other owner that has some on this host."""
    try:
        entries = sorted(os.listdir(root + STATE_DIRECTORY))
    except OSError:
        return {}
    found = {}
    for entry in entries:
        whose, name = owner_and_name(entry[: -len(_SUFFIX)])
        if entry.endswith(_SUFFIX) and name == NAME and not owner.owns(whose):
            found[whose] = read_instances(VrrpUnit(whose), root)
    return found


def read_loaded(unit: VrrpUnit, root: str = "") -> Loaded | None:
    """Return what the running keepalived of an owner has read, None where none runs."""
    if not is_running(unit, root):
        return None
    copies = (read_bytes(root + path) for path in (unit.loaded_unit, unit.loaded_config))
    return Loaded(*(None if data is None else data.decode(errors="replace") for data in copies))


def is_running(unit: VrrpUnit, root: str = "") -> bool:
    """Return whether a keepalived of an owner runs: a process id can be another process's by now."""
    data = (read_bytes(root + unit.pid_file) or b"").strip()
    name = read_bytes(f"/proc/{data.decode()}/comm") if data.isdigit() else None
    return name is not None and name.strip().decode(errors="replace") == PROGRAM


def check_config(program: str, path: str, text: str) -> None:
    """Raise ServiceRefusal unless keepalived takes this text, which is to be written to `path`; nothing is written."""
    import subprocess  # which a run that writes nothing does not need

    handle = os.memfd_create(PROGRAM)
    try:
        os.fchmod(handle, 0o600)  # keepalived passes over a file that can be executed
        os.write(handle, text.encode())
        # keepalived can always open a descriptor of its own; 2.1 says nothing of a file that it cannot open.
        command = [program, "--config-test", f"--use-file=/proc/self/fd/{handle}", "--vrrp"]
        null, pipe = subprocess.DEVNULL, subprocess.PIPE
        done = subprocess.run(
            command, stdin=null, stdout=null, stderr=pipe, pass_fds=[handle], timeout=_SECONDS, check=False
        )
        status, told = done.returncode, done.stderr[:_MOST_BYTES].decode(errors="replace")
    except subprocess.TimeoutExpired:
        raise _refused(path, f"was not tested by keepalived within {_SECONDS:g} s") from None
    finally:
        os.close(handle)
    reason = refusal_reason(status, told)
    if reason:
        raise _refused(path, reason)


def apply(operations: Sequence[FileOperation]) -> None:
    """Write and remove files, each in one step."""
    apply_files(operations, b"")


def _refused(path: str, reason: str) -> ServiceRefusal:
    remedy = "nothing was written: correct the options that it names"
    return ServiceRefusal(path, None, reason, remedy)
