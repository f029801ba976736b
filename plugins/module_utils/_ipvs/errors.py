# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's error numbers mean, and what to do: their meaning depends on the step (ip_vs_ctl.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Union

from .._core.errors import KernelRefusal, NotPermitted, unexplained
from .._core.run import ConcurrentChange
from .._netlink.generic import Refusal
from .._netlink.messages import NetlinkError
from .operations import IpvsOperation, SysctlsOperation, TimeoutsOperation

# What is sent to IPVS, and all that a run does.
Command = Union[IpvsOperation, TimeoutsOperation]
Work = Union[Command, SysctlsOperation]
_NOT_PERMITTED = "IPVS is changed and read only with CAP_NET_ADMIN; run the task as root (become: true)."


def unexpected(what: str, error: NetlinkError) -> KernelRefusal:
    number = error.errno or 0
    if number == errno.EPERM:
        return NotPermitted(_NOT_PERMITTED, number)
    return KernelRefusal(f"The kernel refused to {what}: {unexplained(number)}.", number)


def refusal_of(batch: Sequence[Command], refusals: Sequence[Refusal], done: Sequence[Work]) -> Exception:
    """Return what to raise: the table has moved, unless the kernel refused something for another reason too."""
    for refusal in refusals:
        operation = batch[refusal.position]
        if not _is_move(operation, refusal.errno):
            break
    else:
        first = batch[refusals[0].position]
        return ConcurrentChange(f"could not {first.words}: {os.strerror(refusals[0].errno)}", done)
    if refusal.errno == errno.EPERM:
        return NotPermitted(_NOT_PERMITTED, refusal.errno)
    error = KernelRefusal(
        f"The kernel refused to {operation.words}: {_reason(operation, refusal.errno)}.", refusal.errno
    )
    error.results = {"operations": [step.words for step in done]}
    return error


def _is_move(operation: Command, number: int) -> bool:
    """Whether the errno says that an object is there already, or not there (net/netfilter/ipvs/ip_vs_ctl.c)."""
    if isinstance(operation, TimeoutsOperation):
        return False
    if operation.service_settings is not None:  # ENOENT means a missing scheduler here
        return number in (errno.EEXIST, errno.ESRCH)
    return number in (errno.EEXIST, errno.ESRCH, errno.ENOENT)


def _reason(operation: Command, number: int) -> str:
    """Return why, and what to do: the meaning of an errno depends on the step (net/netfilter/ipvs/ip_vs_ctl.c)."""
    if isinstance(operation, IpvsOperation):
        settings = operation.service_settings
        if number == errno.ENOENT and settings is not None:
            engine = f" or no persistence engine {settings.persistence_engine}" if settings.persistence_engine else ""
            return f"it has no scheduler {settings.scheduler}{engine}; install that module, or name another"
        if number == errno.EINVAL and operation.server is not None:
            return f"{operation.server.address} is not an address that this host can reach; check it and the routes"
        if number == errno.EAFNOSUPPORT:
            return (
                f"it is built without IPVS for {operation.service.address_family}; use the other family or another "
                "kernel"
            )
    return unexplained(number)
