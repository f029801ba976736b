# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on the IPVS table: read, decide, apply. Needs no Ansible."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from .._core.plan import Plan
from .client import IpvsClient
from .drain_file import read_drained
from .fields import ServiceKey
from .plan import Drained, IpvsOperation, Place, Table
from .schedulers import check_scheduler
from .settings import Timeouts
from .status import Connections


class Seen(NamedTuple):
    """What a run decides on: the services it is about, and what it asked for beside them."""

    table: Table
    drained: Drained
    timeouts: Timeouts
    sysctls: Mapping[str, int]
    connections: Mapping[Place, Connections]


class Request(NamedTuple):
    """The services that a run is about (None: all of the host), and how it decides once it has seen them.

    `counted` tells the services whose connections it has to know, and `sysctls` names those of IPVS.
    """

    keys: Sequence[ServiceKey] | None
    decide: Callable[[Seen], Plan[Any]]
    counted: Callable[[Table], Iterable[ServiceKey]] | None = None
    sysctls: Collection[str] = ()


class IpvsRun:
    """One run: what it saw and decided first, and what there is to tell of it once it is carried out."""

    def __init__(self, client: IpvsClient, request: Request) -> None:
        self.client = client
        self.request = request
        self.seen, self.first = self.look()
        self.report: dict[str, Any] = {}

    def look(self) -> tuple[Seen, Plan[Any]]:
        """Read the host and decide."""
        counted = self.request.counted
        table = self.client.read(self.request.keys)
        connections = self.connections(counted(table)) if counted else {}
        sysctls = self.client.sysctls(self.request.sysctls) if self.request.sysctls else {}
        seen = Seen(table, read_drained(), self.client.timeouts(), sysctls, connections)
        return seen, checked(self.request.decide(seen))

    def connections(self, services: Iterable[ServiceKey]) -> dict[Place, Connections]:
        """Return how many connections each server of the services has now."""
        return {
            (service, server): counts
            for service in services
            for server, counts in self.client.connections(service).items()
        }

    def apply(self) -> Plan[Any] | None:
        """Carry the first plan out; return the whole plan that came about when others changed the table meanwhile."""
        # Most runs have nothing to carry out, and need not compile what does.
        from .apply import Carrying

        carrying = Carrying(self)
        settled = carrying.through()
        self.report = carrying.report
        return settled


def checked(plan: Plan[Any]) -> Plan[Any]:
    """Return the plan when the kernel can have its schedulers, so that check mode refuses what a real run would."""
    for operation in plan.operations:
        if isinstance(operation, IpvsOperation) and operation.service_settings is not None:
            check_scheduler(operation.service_settings.scheduler)
    return plan
