# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's error numbers mean at the start and the stop of a sync daemon."""

from __future__ import annotations

import errno

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import KernelRefusal, NotPermitted
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ConcurrentChange
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.errors import daemon_refusal, refusal_of
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Daemon,
    ServerKey,
    ServerSettings,
    ServiceKey,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import DaemonOperation, IpvsOperation, Step
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.generic import Refusal

DAEMON = Daemon("master", "eth0", 7, 1472, "224.0.0.81", 8848, 1)
STOP, START = DaemonOperation(False, DAEMON, "stop it"), DaemonOperation(True, DAEMON, "start it")
KNOWN = ("ENODEV", "ENETUNREACH", "EADDRNOTAVAIL", "ENETDOWN", "EADDRINUSE", "EINVAL", "EAFNOSUPPORT", "ENOMEM")


@pytest.mark.parametrize("name", KNOWN)
def test_refusals(name, error_words):
    number = getattr(errno, name)
    error = daemon_refusal([STOP, START], [Refusal(1, number)], [STOP])
    assert isinstance(error, KernelRefusal)
    assert (error.errno, error.results) == (number, {"operations": ["stop it"]})
    error_words(error)


def test_without_permission():
    assert isinstance(daemon_refusal([START], [Refusal(0, errno.EPERM)], []), NotPermitted)


@pytest.mark.parametrize(
    ("refusals", "words"),
    [
        ([Refusal(1, errno.EEXIST)], "could not start it: File exists"),
        ([Refusal(0, errno.ESRCH), Refusal(1, errno.EEXIST)], "could not stop it: No such process"),
    ],
)
def test_what_another_program_did_meanwhile(refusals, words):
    change = daemon_refusal([STOP, START], refusals, [])
    assert isinstance(change, ConcurrentChange)
    assert str(change) == words


def test_another_reason_counts_more_than_another_program():
    error = daemon_refusal([STOP, START], [Refusal(0, errno.ESRCH), Refusal(1, errno.ENOMEM)], [])
    assert isinstance(error, KernelRefusal)


def test_a_server_of_the_other_family_beside_a_daemon(error_words):
    server = ServerKey("ipv6", "2001:db8::4", 80)
    service = ServiceKey("ipv4", "tcp", "192.0.2.30", 80)
    step = IpvsOperation(Step.ADD_SERVER, service, "add it", None, server, ServerSettings("tunnel"))
    error = refusal_of([step], [Refusal(0, errno.EINVAL)], [])
    assert isinstance(error, KernelRefusal)
    error_words(error)
