# SPDX-License-Identifier: GPL-3.0-or-later
"""What else writes the IPVS table of a host or assigns VIPs there, by processes, devices and files."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping, Sequence

from .addresses import addresses_in
from .model import Manager
from .processes import Process, processes, read
from .programs import DEVICES, PROGRAMS

# Units and scripts that bring a saved table back: Debian and Red Hat name them alike, the oldest as SysV scripts.
_UNITS = ("ipvsadm.service", "ipvsadm-restore.service")
_WANTS = ("/etc/systemd/system/*.wants", "/run/systemd/system/*.wants", "/etc/systemd/system/*.requires")
_RUNLEVELS = "/etc/rc[2345].d/S[0-9][0-9]ipvsadm"
_RUNLEVELS_REDHAT = "/etc/rc.d/rc[2345].d/S[0-9][0-9]ipvsadm"
_DEFAULTS = "/etc/default/ipvsadm"
_AUTO = re.compile(r"^\s*AUTO=[\"']?true\b", re.M)


def managers(root: str = "", devices: Mapping[str, Sequence[str]] | None = None) -> tuple[Manager, ...]:
    """Return every other program that writes, or at boot will write, the IPVS table, or that assigns addresses.

    `devices` maps the host's devices to their addresses. What can't be read is left out, and `root` stands for / in
    tests.
    """
    there = list(processes(root))
    found: dict[str, Manager] = {}
    for manager in (*_of_processes(there), *_of_devices(there, devices or {}), *_of_units(root, there)):
        known = found.get(manager.name)
        if known is None or (manager.sure and not known.sure):
            found[manager.name] = manager
        elif known:
            addresses = tuple(dict.fromkeys((*known.addresses, *manager.addresses)))
            found[manager.name] = known._replace(addresses=addresses, table=known.table or manager.table)
    boot = _ipvsadm_at_boot(root)
    return tuple(found.values()) + ((boot,) if boot else ())


def _of_processes(there: Sequence[Process]) -> Iterator[Manager]:
    for process in there:
        for program in PROGRAMS:
            manager = program.judge(process) if program.runs(process) else None
            if manager:
                yield manager


def _of_devices(there: Sequence[Process], devices: Mapping[str, Sequence[str]]) -> Iterator[Manager]:
    """Yield the programs whose devices are there; without a process of theirs it may be a leftover."""
    running = {process.program for process in there}
    for device, (name, keepers) in DEVICES.items():
        if device in devices:
            sure = bool(running & set(keepers))
            yield Manager(name, f"the device {device}", sure, addresses=addresses_in(devices[device]))


def _of_units(root: str, there: Sequence[Process]) -> Iterator[Manager]:
    """Yield the programs that do not run now and that a boot starts."""
    for program in PROGRAMS:
        if any(program.runs(process) for process in there):
            continue
        for path in _enabled(root, program.units):
            manager = program.judge(Process("", (program.processes[0],), root))
            if manager:
                yield manager._replace(evidence=f"{manager.evidence}, started at boot by {path}")


def _enabled(root: str, units: Sequence[str]) -> list[str]:
    """Return the first link by which a boot starts one of the units."""
    links = (path for directory in _WANTS for unit in units for path in sorted(glob.glob(f"{root}{directory}/{unit}")))
    return [path[len(root) :] for path in links][:1]


def _ipvsadm_at_boot(root: str) -> Manager | None:
    for path in _enabled(root, _UNITS):
        return Manager("ipvsadm", path)
    if _AUTO.search(read(root + _DEFAULTS)) and glob.glob(root + _RUNLEVELS):
        return Manager("ipvsadm", f'AUTO="true" in {_DEFAULTS}')
    scripts = sorted(glob.glob(root + _RUNLEVELS_REDHAT))
    return Manager("ipvsadm", scripts[0][len(root) :]) if scripts else None
