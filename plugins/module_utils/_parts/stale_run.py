# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes what is declared no longer, by the modules' own plans and clients.

What clients reach is removed first, and what keeps VIPs out of ARP last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Callable

from .._core.run import ClientRun, Run, lacking_of
from .stale import Saved

MakeRun = Callable[[], Run]


class StaleRun:
    """The removal of what is stale; `words` are its steps. Raises PrerequisiteMissing before anything is changed."""

    def __init__(self, stale: Saved) -> None:
        made = [(make, make()) for make in _makers(stale)]
        for _make, run in made:
            if lacking := lacking_of(run):
                raise lacking
        self._makers = [make for make, run in made if run.plan.changed]
        self.words = [words for _make, run in made for words in run.plan.words]

    def apply(self) -> None:
        """Remove all of it; raise LvsError."""
        for make in self._makers:
            # Read again: what was removed from the same device has changed what there is, such as which address is a
            # secondary one.
            make().apply()


def _makers(stale: Saved) -> Iterator[MakeRun]:
    for item in stale.get("vips", ()):
        yield partial(_vip, item)
    if stale.get("services"):
        yield partial(_services, stale["services"])
    for item in stale.get("sync", ()):
        yield partial(_sync, item)
    for item in stale.get("neighbors", ()):
        yield partial(_neighbor, item)
    for item in stale.get("arp_filters", ()):
        yield partial(_arp_filter, item)


def _vip(item: Mapping[str, Any]) -> Run:
    from .._vip.client import VipClient
    from .._vip.options import VipSpec
    from .._vip.plan import plan_vips

    return ClientRun(VipSpec.from_options(item), VipClient(), plan_vips)


def _services(items: list[dict[str, Any]]) -> Run:
    from .._ipvs.options import parse_service
    from .._ipvs.plan import plan_services
    from .._table.run import IpvsRun, TableRequest

    services = [parse_service(item) for item in items]
    keys = [service.key for service in services]
    return IpvsRun(TableRequest(keys, lambda seen: plan_services(seen.table, services, drained=seen.drained)))


def _sync(item: Mapping[str, Any]) -> Run:
    from .._sync.options import WantedSync
    from .._sync.run import SyncRun

    wanted = WantedSync.from_options(item)
    return SyncRun(wanted, former=[wanted.item])


def _neighbor(item: Mapping[str, Any]) -> Run:
    from .._neighbor.client import NeighborClient
    from .._neighbor.options import WantedNeighbors
    from .._neighbor.plan import plan_neighbors

    return ClientRun(WantedNeighbors.from_options(item), NeighborClient(), plan_neighbors)


def _arp_filter(item: Mapping[str, Any]) -> Run:
    from .._arp_filter.client import ArpFilterClient
    from .._arp_filter.options import WantedArpFilter
    from .._arp_filter.plan import plan_arp_filter

    return ClientRun(WantedArpFilter.from_options(item), ArpFilterClient(), plan_arp_filter)
