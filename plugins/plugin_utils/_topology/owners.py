# SPDX-License-Identifier: GPL-3.0-or-later
"""Which director owns each VIP: the one place that answers this, for roles, playbooks, verify and status.

With a failover engine the directors decide that at run time, and only a look at them tells.
"""

from __future__ import annotations

from typing import NamedTuple

from .model import NONE, Failover, Topology

THIS_HOST, ANOTHER, NOBODY, AT_RUN_TIME = "this_host", "another", "nobody", "at_run_time"


class Owner(NamedTuple):
    """The owner of one VIP: the first of its directors that is not absent; empty when all are.

    With a failover `engine` that is the preferred one, and each of the `candidates` can have the VIP.
    """

    director: str
    directors: tuple[str, ...]
    candidates: tuple[str, ...] = ()
    engine: str = NONE

    @property
    def is_fixed(self) -> bool:
        """Whether the declaration alone says who has the VIP."""
        return self.engine == NONE

    def seen_from(self, host: str) -> str:
        """Return THIS_HOST, ANOTHER, NOBODY or AT_RUN_TIME, as the question is asked on a host."""
        if not self.director:
            return NOBODY
        if not self.is_fixed and host in self.candidates:
            return AT_RUN_TIME
        return THIS_HOST if self.director == host else ANOTHER


def vip_owners(topology: Topology) -> dict[str, Owner]:
    """Return the owner of each VIP, in the order of first mention.

    All services of a VIP have the same directors, which the rules of the topology check.
    """
    found: dict[str, Owner] = {}
    for service in topology.services:
        candidates = tuple(host for host in service.directors if host not in topology.absent)
        preferred = next(iter(candidates), "")
        owner = Owner(preferred, service.directors, candidates, topology.failover.get(preferred, Failover()).engine)
        for vip in service.vips:
            found.setdefault(vip, owner)
    return found
