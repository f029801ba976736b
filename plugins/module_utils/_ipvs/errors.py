# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's error numbers mean, and what to do: their meaning depends on the step (ip_vs_ctl.c)."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Union

from .._core.errors import refusal
from .._core.run import ConcurrentChange
from .._netlink.generic import Refusal
from .operations import IpvsOperation, SysctlsOperation, TimeoutsOperation

# What is sent to IPVS, and all that a run does.
Command = Union[IpvsOperation, TimeoutsOperation]
Work = Union[Command, SysctlsOperation]


def refusal_of(batch: Sequence[Command], refusals: Sequence[Refusal], done: Sequence[Work]) -> Exception:
    """Return what to raise: the table has moved, unless the kernel refused something for another reason too."""
    for one in refusals:
        operation = batch[one.position]
        if not _is_move(operation, one.errno):
            break
    else:
        first = batch[refusals[0].position]
        return ConcurrentChange(f"could not {first.words}: {os.strerror(refusals[0].errno)}", done)
    error = refusal(operation.words, one.errno, _known(operation, one.errno))
    error.results = {"operations": [step.words for step in done]}
    return error


def _is_move(operation: Command, number: int) -> bool:
    """Whether the errno says that an object is there already, or not there (net/netfilter/ipvs/ip_vs_ctl.c)."""
    if isinstance(operation, TimeoutsOperation):
        return False
    if operation.service_settings is not None:  # ENOENT means a missing scheduler here
        return number in (errno.EEXIST, errno.ESRCH)
    return number in (errno.EEXIST, errno.ESRCH, errno.ENOENT)


def _known(operation: Command, number: int) -> tuple[str, str] | None:
    """Return reason and remedy of an errno; they depend on the step (net/netfilter/ipvs/ip_vs_ctl.c)."""
    if isinstance(operation, IpvsOperation):
        settings = operation.service_settings
        if number == errno.ENOENT and settings is not None:
            engine = f" or no persistence engine {settings.persistence_engine}" if settings.persistence_engine else ""
            return f"it has no scheduler {settings.scheduler}{engine}", "install that module, or name another"
        if number == errno.EINVAL and operation.server is not None:
            reason = f"{operation.server.address} is not a unicast address that this host has a route to"
            return reason, "check the address and the routes"
        if number == errno.EAFNOSUPPORT:
            built = f"it is built without IPVS for {operation.service.address_family}"
            return built, "use the other address family, or another kernel"
    return None
