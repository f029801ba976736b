# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring back at boot what was declared, by the same plans and clients as the modules; runs without Ansible."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from ._errors import LvsError
from ._ipvs_client import IpvsClient
from ._ipvs_memory import still_drained
from ._ipvs_memory_file import read_drained
from ._ipvs_options import parse_service
from ._ipvs_plan import plan_services
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
    for restore, items in ((_restore_services, state["services"]), (_restore_vips, state["vips"])):
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
    client = IpvsClient()
    drained = read_drained()
    table = client.read([service.key for service in wanted])
    plan = plan_services(table, still_drained(wanted, drained), drained=drained)
    client.apply(plan.operations, table)
    return [plan]


def _restore_vips(items: Sequence[dict[str, Any]]) -> list[Plan[Any]]:
    # Nobody is asked whether another host has a VIP: a boot has no one to put that right, and should not wait for it.
    client = VipClient()
    plans = []
    for item in items:
        wanted = Wanted.from_options(item)
        plan = plan_vips(client.read(wanted), wanted)
        client.apply(plan.operations)
        plans.append(plan)
    return plans
