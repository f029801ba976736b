# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring back at boot what was declared, by the same plans and clients as the modules; runs without Ansible."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ._errors import LvsError
from ._ipvs_client import IpvsClient
from ._ipvs_memory import still_drained
from ._ipvs_options import parse_service
from ._ipvs_plan import plan_services
from ._ipvs_run import IpvsRun, Request, Seen
from ._neighbor_client import NeighborClient
from ._neighbor_plan import plan_neighbors
from ._neighbor_wanted import WantedNeighbors
from ._plan import Plan
from ._rtnl_client import VipClient
from ._vip_plan import plan_vips
from ._vip_wanted import Wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Restore what the file named as the only argument declares; return the exit status.

    Services come before VIPs, so that a client that finds the VIP finds the service behind it. Every part is tried
    even when another fails; each failure is a line on stderr, and makes the status 1.
    """
    (path,) = sys.argv[1:] if arguments is None else arguments
    with open(path, encoding="utf-8") as source:
        state = json.load(source)
    failed = False
    parts = (("services", _restore_services), ("vips", _restore_vips), ("neighbors", _restore_neighbors))
    for name, restore in parts:
        items = state.get(name)
        try:
            for plan in restore(items) if items else ():
                for line in (*plan.words, *(f"warning: {text}" for text in plan.warnings)):
                    print(line, flush=True)
        except LvsError as error:
            failed = True
            print(error, file=sys.stderr, flush=True)
    return int(failed)


def _restore_services(items: Sequence[dict[str, Any]]) -> list[Plan[Any]]:
    wanted = [parse_service(item) for item in items]

    def decide(seen: Seen) -> Plan[Any]:
        return plan_services(seen.table, still_drained(wanted, seen.drained), drained=seen.drained)

    run = IpvsRun(IpvsClient(), Request([service.key for service in wanted], decide))
    return [run.apply() or run.first]


def _restore_vips(items: Sequence[dict[str, Any]]) -> list[Plan[Any]]:
    # Nobody is asked whether another host has a VIP: a boot has no one to put that right, and should not wait for it.
    return _restore_each(items, Wanted.from_options, VipClient(), plan_vips)


def _restore_neighbors(items: Sequence[dict[str, Any]]) -> list[Plan[Any]]:
    return _restore_each(items, WantedNeighbors.from_options, NeighborClient(), plan_neighbors)


def _restore_each(
    items: Sequence[dict[str, Any]],
    parse: Callable[[Mapping[str, Any]], Any],
    client: VipClient | NeighborClient,
    decide: Callable[[Any, Any], Plan[Any]],
) -> list[Plan[Any]]:
    plans = []
    for item in items:
        wanted = parse(item)
        plan = decide(client.read(wanted), wanted)
        client.apply(plan.operations)
        plans.append(plan)
    return plans
