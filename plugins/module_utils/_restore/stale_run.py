# SPDX-License-Identifier: GPL-3.0-or-later
"""Take away what is declared no more, by the modules' own plans and clients.

What answers clients goes first, and what keeps VIPs out of ARP last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Protocol

from .._arp_filter.client import ArpFilterClient
from .._arp_filter.options import WantedArpFilter
from .._arp_filter.plan import plan_arp_filter
from .._core.plan import Plan
from .._ipvs.client import IpvsClient
from .._ipvs.options import parse_service
from .._ipvs.plan import plan_services
from .._ipvs.run import IpvsRun, Request
from .._neighbor.client import NeighborClient
from .._neighbor.options import WantedNeighbors
from .._neighbor.plan import plan_neighbors
from .._vip.client import VipClient
from .._vip.options import Wanted
from .._vip.plan import plan_vips
from .stale import Former


class _Run(Protocol):
    """One module's work: `first` is its plan before anything was done."""

    first: Plan[Any]

    def apply(self) -> Plan[Any] | None:
        """Carry it out."""


class FormerRun:
    """What there is to take away, in words, and the way to do it; clients are opened for what there is only."""

    def __init__(self, former: Former) -> None:
        runs: list[_Run] = [
            _RtnlRun(item, Wanted.from_options, VipClient, plan_vips) for item in former.get("vips", ())
        ]
        services = [parse_service(item) for item in former.get("services", ())]
        if services:
            keys = [service.key for service in services]
            request = Request(keys, lambda seen: plan_services(seen.table, services, drained=seen.drained))
            runs.append(IpvsRun(IpvsClient(), request))
        for item in former.get("neighbors", ()):
            runs.append(_RtnlRun(item, WantedNeighbors.from_options, NeighborClient, plan_neighbors))
        for item in former.get("arp_filters", ()):
            runs.append(_RtnlRun(item, WantedArpFilter.from_options, ArpFilterClient, plan_arp_filter))
        self._runs = [run for run in runs if run.first.changed]

    @property
    def words(self) -> list[str]:
        """The steps, in their order."""
        return [words for run in self._runs for words in run.first.words]

    def apply(self) -> None:
        """Take all of it away."""
        for run in self._runs:
            run.apply()


class _RtnlRun:
    def __init__(
        self,
        options: Mapping[str, Any],
        parse: Callable[[Mapping[str, Any]], Any],
        make_client: Callable[[], VipClient | NeighborClient | ArpFilterClient],
        decide: Callable[[Any, Any], Plan[Any]],
    ) -> None:
        self._wanted, self._decide = parse(options), decide
        self._client: Any = make_client()
        self.first = self._plan()

    def _plan(self) -> Plan[Any]:
        return self._decide(self._client.read(self._wanted), self._wanted)

    def apply(self) -> None:
        # What went before on the same device has changed what there is, such as which address is a secondary one.
        self._client.apply(self._plan().operations)
