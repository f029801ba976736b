# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of ipvs_sync on a host where other programs work too, and on one that excludes daemons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ConcurrentChange
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import DaemonOperation
from ansible_collections.lvs.cluster.plugins.module_utils._sync.model import KERNEL_SYSCTLS, SyncState
from ansible_collections.lvs.cluster.plugins.module_utils._sync.operations import SyncOperation, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._sync.options import WantedSync
from ansible_collections.lvs.cluster.plugins.module_utils._sync.run import SyncRun

MASTER = {"state": "master", "interface": "eth0", "sync_id": 7}
WANTED = WantedSync.from_options({"daemons": [MASTER], "sysctls": {"sync_retries": 1}, "purge": True})
(FOREIGN,) = WantedSync.from_options({"daemons": [{**MASTER, "sync_id": 9, "max_length": 1472}]}).daemons or ()


class Host:
    """Stands for a client: another program starts a master just before so many of our starts."""

    def __init__(self, quick: int = 0, mixed: tuple[str, str] | None = None) -> None:
        self.state = SyncState({}, KERNEL_SYSCTLS, {"eth0": 1500})
        self.quick, self.mixed = quick, mixed

    def read(self) -> SyncState:
        return self.state

    def mixed_server(self) -> tuple[str, str] | None:
        return self.mixed

    def apply(self, operations: Sequence[SyncOperation]) -> None:
        done: list[Any] = []
        for operation in operations:
            if isinstance(operation, DaemonOperation) and operation.starts and self.quick:
                self.quick -= 1
                self.state = self.state._replace(daemons={"master": FOREIGN})
                raise ConcurrentChange(f"could not {operation.words}: File exists", done)
            self.state = simulate(self.state, operation)
            done.append(operation)


def made(host: Host, wanted: WantedSync = WANTED) -> SyncRun:
    return SyncRun(wanted, client=host)  # type: ignore[arg-type]


def test_what_another_program_does_meanwhile_is_decided_on_again():
    host = Host(quick=1)
    run = made(host)
    run.apply()
    assert host.state.daemons["master"].sync_id == 7
    assert [words.split(" (")[0] for words in run.plan.words] == [
        "note what is declared in /var/lib/lvs-cluster/sync.json",
        "set net.ipv4.vs.sync_retries = 1",
        "stop sync daemon master on eth0",
        "start sync daemon master on eth0",
    ]
    assert run.plan.before["daemons"] == []
    assert len(run.plan.warnings) == 1
    assert made(host).plan.words == []


def test_a_program_that_always_comes_first_ends_the_run(error_words):
    with pytest.raises(LvsError) as refusal:
        made(Host(quick=9)).apply()
    assert error_words(refusal.value) == ("The sync daemons", None)
    assert len(refusal.value.results["operations"]) > 1


def test_servers_of_the_other_family_exclude_daemons(error_words):
    host = Host(mixed=("tcp 192.0.2.30:80", "[2001:db8::4]:80"))
    with pytest.raises(InvalidValue) as refusal:
        made(host)
    assert error_words(refusal.value) == ("daemons", "master on eth0 (sync ID 7, 224.0.0.81:8848, TTL 1, 1472 bytes)")
    host.state = host.state._replace(daemons={"master": FOREIGN._replace(sync_id=7)})
    assert len(made(host).plan.words) == 2
