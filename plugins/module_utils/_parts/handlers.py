# SPDX-License-Identifier: GPL-3.0-or-later
"""The runs that restore each part of a declaration, by its module's plan and client.

Packages are imported where they are needed: a host declares few parts, and compiles only what those need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from .._core.plan import Plan
from .._core.run import ClientRun, Run

Items = Sequence[Mapping[str, Any]]


def restore(part: str, state: Mapping[str, Any]) -> Iterator[Plan[Any]]:
    """Restore a part of what `state` declares, and yield what was done for each item; raise LvsError."""
    items = state.get(part) or ()
    for run in HANDLERS[part](items, state):
        if run.plan.changed:
            run.apply()
        yield run.plan


def _arp_filters(items: Items, _state: Mapping[str, Any]) -> Iterator[Run]:
    from .._arp_filter.client import ArpFilterClient
    from .._arp_filter.options import WantedArpFilter
    from .._arp_filter.plan import plan_arp_filter

    # The host's own address, which stands in for the VIPs, may be assigned later than this.
    for item in items:
        yield ClientRun(WantedArpFilter.from_options(item), ArpFilterClient(), plan_arp_filter)


def _services(items: Items, state: Mapping[str, Any]) -> Iterator[Run]:
    if not items and not state.get("timeouts") and not state.get("sysctls"):
        return
    from .._drain.state import still_drained
    from .._ipvs.options import parse_service
    from .._ipvs.plan import plan_services, plan_sysctls, plan_timeouts
    from .._ipvs.settings import parse_sysctls, parse_timeouts
    from .._table.run import IpvsRun, Snapshot, TableRequest

    wanted = [parse_service(item) for item in items]
    timeouts, sysctls = parse_timeouts(state.get("timeouts")), parse_sysctls(state.get("sysctls"))

    def decide(seen: Snapshot) -> Plan[Any]:
        plan = plan_services(seen.table, still_drained(wanted, seen.drained), drained=seen.drained)
        return plan_sysctls(plan_timeouts(plan, seen.timeouts, timeouts), seen.sysctls, sysctls)

    yield IpvsRun(TableRequest([service.key for service in wanted], decide, sysctls=sysctls))


def _sync(items: Items, state: Mapping[str, Any]) -> Iterator[Run]:
    if not items:
        return
    from .._owner.sync_items import items_of
    from .._sync.options import WantedSync
    from .._sync.run import SyncRun

    own = items_of(state)
    for item in items:
        yield SyncRun(WantedSync.from_options(item)._replace(boot=True), own)


def _firewall(items: Items, _state: Mapping[str, Any]) -> Iterator[Run]:
    from .._firewall.options import WantedFirewall
    from .._firewall.run import RulesRun

    for item in items:
        yield RulesRun(WantedFirewall.from_options(item))


def _vips(items: Items, _state: Mapping[str, Any]) -> Iterator[Run]:
    from .._vip.client import VipClient
    from .._vip.options import VipSpec
    from .._vip.plan import plan_vips

    # The segment is not asked whether another host has a VIP: at boot nobody reads the answer, and it takes seconds.
    for item in items:
        yield ClientRun(VipSpec.from_options(item), VipClient(), plan_vips)


def _neighbors(items: Items, _state: Mapping[str, Any]) -> Iterator[Run]:
    from .._neighbor.client import NeighborClient
    from .._neighbor.options import WantedNeighbors
    from .._neighbor.plan import plan_neighbors

    for item in items:
        yield ClientRun(WantedNeighbors.from_options(item), NeighborClient(), plan_neighbors)


# By the names of boot_restore's options
HANDLERS: dict[str, Callable[[Items, Mapping[str, Any]], Iterator[Run]]] = {
    "arp_filters": _arp_filters,
    "services": _services,
    "sync": _sync,
    "firewall": _firewall,
    "vips": _vips,
    "neighbors": _neighbors,
}
