# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change connection synchronisation, and what they make of a host."""

from __future__ import annotations

from typing import NamedTuple, Union

from .._core.paths import SYNC_STATE
from .._ipvs.operations import DaemonOperation
from .._sysctl.value import words
from .model import Memory, Numbers, SyncState


class SysctlOperation(NamedTuple):
    """One sysctl that is set."""

    name: str
    value: Numbers
    words: str


class MemoryOperation(NamedTuple):
    """The file that says what was there before and who declares what; it is removed when there is nothing to say."""

    memory: Memory
    words: str


SyncOperation = Union[DaemonOperation, SysctlOperation, MemoryOperation]


def sysctl_operation(verb: str, name: str, before: Numbers, after: Numbers, reason: str = "") -> SysctlOperation:
    """Return the step that sets a sysctl."""
    return SysctlOperation(name, after, f"{verb} net.ipv4.vs.{name} = {words(after)} (was {words(before)}{reason})")


def memory_operation(memory: Memory) -> MemoryOperation:
    """Return the step that writes what is remembered."""
    verb = "note what is declared in" if memory.owners or memory.former else "remove"
    return MemoryOperation(memory, f"{verb} {SYNC_STATE}")


def simulate(state: SyncState, operation: SyncOperation) -> SyncState:
    """Return what the kernel and the file are after one step."""
    if isinstance(operation, MemoryOperation):
        return state._replace(memory=operation.memory)
    if isinstance(operation, SysctlOperation):
        return state._replace(sysctls={**state.sysctls, operation.name: operation.value})
    daemons = {name: daemon for name, daemon in state.daemons.items() if name != operation.daemon.state}
    if operation.starts:
        daemons[operation.daemon.state] = operation.daemon
    return state._replace(daemons=daemons)
