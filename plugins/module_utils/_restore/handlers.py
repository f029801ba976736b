# SPDX-License-Identifier: GPL-3.0-or-later
"""How each part of what a host declares is brought about at boot, by its module's plan and client.

A host declares few of them, and compiles what these need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from .._core.plan import Plan

Items = Sequence[Mapping[str, Any]]


def restore(part: str, state: Mapping[str, Any]) -> list[Plan[Any]]:
    """Bring about a part of what `state` declares, and return what was done; raise LvsError."""
    items = state.get(part) or ()
    declared = items or (part == "services" and (state.get("timeouts") or state.get("sysctls")))
    return WAYS[part](items, state) if declared else []


def _arp_filters(items: Items, _state: Mapping[str, Any]) -> list[Plan[Any]]:
    from .._arp_filter.client import ArpFilterClient
    from .._arp_filter.options import WantedArpFilter
    from .._arp_filter.plan import plan_arp_filter

    # The host's own address, which stands in for the VIPs, may come later than this.
    return _each(items, WantedArpFilter.from_options, ArpFilterClient(), plan_arp_filter)


def _services(items: Items, state: Mapping[str, Any]) -> list[Plan[Any]]:
    from .._ipvs.client import IpvsClient
    from .._ipvs.drain_state import still_drained
    from .._ipvs.options import parse_service
    from .._ipvs.plan import plan_services, plan_sysctls, plan_timeouts
    from .._ipvs.run import IpvsRun, Request, Seen
    from .._ipvs.settings import parse_sysctls, parse_timeouts

    wanted = [parse_service(item) for item in items]
    timeouts, sysctls = parse_timeouts(state.get("timeouts")), parse_sysctls(state.get("sysctls"))

    def decide(seen: Seen) -> Plan[Any]:
        plan = plan_services(seen.table, still_drained(wanted, seen.drained), drained=seen.drained)
        return plan_sysctls(plan_timeouts(plan, seen.timeouts, timeouts), seen.sysctls, sysctls)

    run = IpvsRun(IpvsClient(), Request([service.key for service in wanted], decide, sysctls=sysctls))
    return [run.apply() or run.first]


def _firewall(items: Items, _state: Mapping[str, Any]) -> list[Plan[Any]]:
    from .._firewall.run import restore_firewall

    return restore_firewall(items)


def _vips(items: Items, _state: Mapping[str, Any]) -> list[Plan[Any]]:
    from .._vip.client import VipClient
    from .._vip.options import Wanted
    from .._vip.plan import plan_vips

    # Nobody is asked whether another host has a VIP: a boot has no one to put that right, and should not wait for it.
    return _each(items, Wanted.from_options, VipClient(), plan_vips)


def _neighbors(items: Items, _state: Mapping[str, Any]) -> list[Plan[Any]]:
    from .._neighbor.client import NeighborClient
    from .._neighbor.options import WantedNeighbors
    from .._neighbor.plan import plan_neighbors

    return _each(items, WantedNeighbors.from_options, NeighborClient(), plan_neighbors)


def _each(
    items: Items, parse: Callable[[Mapping[str, Any]], Any], client: Any, decide: Callable[[Any, Any], Plan[Any]]
) -> list[Plan[Any]]:
    plans = []
    for item in items:
        wanted = parse(item)
        plan = decide(client.read(wanted), wanted)
        client.apply(plan.operations)
        plans.append(plan)
    return plans


# By the names of boot_restore's options
WAYS: dict[str, Callable[[Items, Mapping[str, Any]], list[Plan[Any]]]] = {
    "arp_filters": _arp_filters,
    "services": _services,
    "firewall": _firewall,
    "vips": _vips,
    "neighbors": _neighbors,
}
