# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about hosts with several parts in a cluster: they need no facts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE

from .._topology.finding import Finding
from .._topology.model import Service
from .._topology.owners import vip_owners
from .._topology.views import standby_servers
from .context import Case
from .judgement import Judgement


def check_pools(case: Case) -> Iterator[Judgement]:
    """A server of one service of a VIP is no client of another one, whose pool it is not in."""
    for one, other in permutations(case.topology.services, 2):
        if one.forwarding == MASQUERADE:
            continue
        pool = _pool(other)
        outside = [host for host in _pool(one) if host not in pool]
        for vip in one.vips if outside and pool else ():
            if vip in other.vips:
                hosts = ", ".join(outside)
                rule = (
                    f"is of services {one.name} and {other.name}, and {hosts} has it for {one.name} alone, so that a "
                )
                rule += f"request from there to {other.name} finds the host itself"
                remedy = "give each of the two services a VIP of its own, or both the same servers"
                yield Judgement(Finding("", "VIP", vip, rule, remedy), warning=True)


def _pool(service: Service) -> list[str]:
    return [one.host for one in service.servers if one.host and one.options.get("state") != "absent"]


def check_standby_servers(case: Case) -> Iterator[Judgement]:
    """A director on standby that is a real server has no services, and somebody should know that."""
    owners = vip_owners(case.topology)
    for service, director in standby_servers(case.topology):
        active = owners[service.vips[0]].director
        rule = (
            f"stands by for {active} as a director, and is a real server too, so that it has no such service: it would "
            "balance once more what the other director sends it"
        )
        remedy = f"run lvs.cluster.site with director_state: absent for {active} when it is to take over"
        yield Judgement(Finding(director, "service", service.name, rule, remedy), warning=True)
