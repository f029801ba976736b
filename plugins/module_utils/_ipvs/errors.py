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
from .operations import DaemonOperation, IpvsOperation, SysctlsOperation, TimeoutsOperation

# What is sent to IPVS, and all that a run does.
Command = Union[IpvsOperation, TimeoutsOperation]
Work = Union[Command, SysctlsOperation]

_MIXED_REMEDY = "check the address and the routes, or stop the sync daemons (lvs.cluster.ipvs_sync, state: absent)"


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
            if operation.server.address_family != operation.service.address_family:
                # ip_vs_genl_set_cmd() refuses it while a daemon runs, and ip_vs_genl_new_daemon() the reverse.
                reason = f"{operation.server.address} has no route, or a sync daemon runs on this host"
                return f"{reason}, which excludes servers of the other address family", _MIXED_REMEDY
            reason = f"{operation.server.address} is not a unicast address that this host has a route to"
            return reason, "check the address and the routes"
        if number == errno.EAFNOSUPPORT:
            built = f"it is built without IPVS for {operation.service.address_family}"
            return built, "use the other address family, or another kernel"
    return None


def daemon_refusal(
    batch: Sequence[DaemonOperation], refusals: Sequence[Refusal], done: Sequence[DaemonOperation]
) -> Exception:
    """Return what to raise for sync daemons: another program started or stopped one, or the first other reason.

    start_sync_thread() and stop_sync_thread() in ip_vs_sync.c answer EEXIST and ESRCH for the first.
    """
    for one in refusals:
        if one.errno not in (errno.EEXIST, errno.ESRCH):
            break
    else:
        first = batch[refusals[0].position]
        return ConcurrentChange(f"could not {first.words}: {os.strerror(refusals[0].errno)}", done)
    operation = batch[one.position]
    error = refusal(operation.words, one.errno, _known_of_daemon(operation, one.errno))
    error.results = {"operations": [step.words for step in done]}
    return error


def _known_of_daemon(operation: DaemonOperation, number: int) -> tuple[str, str] | None:
    """Return reason and remedy of an errno at the start of a sync daemon (ip_vs_genl_new_daemon, make_send_sock)."""
    device, group = operation.daemon.interface, operation.daemon.group
    if number == errno.ENODEV:
        reason = f"{device} does not exist, or has no address of the family of {group}"
        return reason, "bring the device up with an address first, or name another one"
    if number in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN):
        reason = f"{device} is down, or has no address of the family of {group}"
        return reason, "bring the device up with an address first, or name another one"
    if number == errno.EADDRINUSE:
        port = operation.daemon.port
        return f"another program uses UDP port {port}", "stop that program, or choose another port on all directors"
    if number == errno.EINVAL:
        reason = "a service has servers of the other address family, which excludes sync daemons"
        return reason, "remove these servers, or do without sync daemons"
    if number == errno.EAFNOSUPPORT:
        return "it is built without IPv6 for IPVS", "name an IPv4 group"
    return None
