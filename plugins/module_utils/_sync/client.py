# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection synchronisation of this host: daemons by netlink, sysctls by /proc, and the file of what is remembered."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Sequence
from contextlib import closing, suppress
from itertools import groupby

from .._core.errors import LvsError
from .._core.files import read_bytes, remove, write_atomic
from .._core.paths import SYNC_STATE
from .._core.run import ConcurrentChange
from .._ipvs.client import IpvsClient
from .._ipvs.describe import server_name, service_name
from .._ipvs.operations import DaemonOperation
from .._ipvs.settings import SYSCTLS
from .._sysctl.value import read_numbers, write_numbers
from .model import KERNEL_SYSCTLS, Numbers, SyncState
from .operations import MemoryOperation, SyncOperation, SysctlOperation
from .saved import dump, load

_SIOCGIFMTU = 0x8921  # include/uapi/linux/sockios.h
_IFREQ = struct.Struct("=16si20x")


class SyncClient:
    """One open conversation about connection synchronisation, in the current network namespace."""

    def __init__(self) -> None:
        self._ipvs = IpvsClient()

    def read(self) -> SyncState:
        """Return what the host has; raise LvsError."""
        daemons = {daemon.state: daemon for daemon in self._ipvs.daemons()}
        return SyncState(daemons, _sysctls(), _mtus(), load(read_bytes(SYNC_STATE)))

    def mixed_server(self) -> tuple[str, str] | None:
        """Return service and server, for people, of the first server of another family than its service has."""
        for service, state in self._ipvs.read().items():
            for server in state.servers:
                if server.address_family != service.address_family:
                    return service_name(service), server_name(server)
        return None

    def apply(self, operations: Sequence[SyncOperation]) -> None:
        """Carry out the steps in their order; raise LvsError, and ConcurrentChange with the steps that were done."""
        done: list[SyncOperation] = []
        for kind, group in groupby(operations, type):
            steps = list(group)
            if kind is DaemonOperation:
                self._change_daemons([step for step in steps if isinstance(step, DaemonOperation)], done)
                continue
            for step in steps:
                if isinstance(step, SysctlOperation):
                    write_numbers(f"{SYSCTLS}/{step.name}", step.value)
                elif isinstance(step, MemoryOperation):
                    _remember(step)
                done.append(step)

    def _change_daemons(self, steps: Sequence[DaemonOperation], done: list[SyncOperation]) -> None:
        """Change the daemons of one state after the other, and add to `done` what was done."""
        for _state, group in groupby(steps, lambda step: step.daemon.state):
            batch = list(group)
            try:
                self._ipvs.change_daemons(batch)
            except ConcurrentChange as change:
                raise ConcurrentChange(str(change), [*done, *change.done]) from None
            except LvsError as error:
                self._restart([step for step in batch if not step.starts])
                error.results = {"operations": [step.words for step in done]}
                raise
            done += batch

    def _restart(self, stopped: Sequence[DaemonOperation]) -> None:
        """Start again what was stopped for a daemon that the kernel refused."""
        if stopped:
            with suppress(ConcurrentChange, LvsError):
                self._ipvs.change_daemons([step._replace(starts=True) for step in stopped])


def _sysctls() -> dict[str, Numbers]:
    found = {}
    for name in KERNEL_SYSCTLS:
        with suppress(OSError):  # this kernel lacks it
            found[name] = read_numbers(f"{SYSCTLS}/{name}")
    return found


def _mtus() -> dict[str, int]:
    """Return the MTU of each device of this network namespace; /sys would be that of another one."""
    found = {}
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as anything:
        for _index, name in socket.if_nameindex():
            with suppress(OSError):  # the device has just gone
                answer = fcntl.ioctl(anything, _SIOCGIFMTU, _IFREQ.pack(name.encode(), 0))
                found[name] = _IFREQ.unpack(answer)[1]
    return found


def _remember(step: MemoryOperation) -> None:
    text = dump(step.memory)
    if text is None:
        remove(SYNC_STATE)
    else:
        write_atomic(SYNC_STATE, text.encode())
