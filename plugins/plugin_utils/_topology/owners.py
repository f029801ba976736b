# SPDX-License-Identifier: GPL-3.0-or-later
"""Which director owns each VIP: the one place that answers this, for roles, playbooks, verify and status."""

from __future__ import annotations

from typing import NamedTuple

from .model import Topology

THIS_HOST, ANOTHER, NOBODY = "this_host", "another", "nobody"


class Owner(NamedTuple):
    """The owner of one VIP: the first of its directors that is not absent; empty when all are."""

    director: str
    directors: tuple[str, ...]

    def seen_from(self, host: str) -> str:
        """Return THIS_HOST, ANOTHER or NOBODY, as the question is asked on a host."""
        if not self.director:
            return NOBODY
        return THIS_HOST if self.director == host else ANOTHER


def vip_owners(topology: Topology) -> dict[str, Owner]:
    """Return the owner of each VIP, in the order of first mention.

    All services of a VIP have the same directors, which the rules of the topology check.
    """
    found: dict[str, Owner] = {}
    for service in topology.services:
        active = (host for host in service.directors if host not in topology.absent)
        owner = Owner(next(active, ""), service.directors)
        for vip in service.vips:
            found.setdefault(vip, owner)
    return found
