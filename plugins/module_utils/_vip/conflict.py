# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs that another host of the segment has already: asked for before they are added, and refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Callable

from .._core.errors import AddressConflict, sentence
from .._core.plan import Plan
from .model import CurrentVips
from .operations import Announce, VipOperation
from .options import VipSpec
from .plan import plan_vips


def plan_free_vips(
    current: CurrentVips, wanted: VipSpec, ask: Callable[[str, Sequence[str]], Mapping[str, Sequence[str]]]
) -> Plan[VipOperation]:
    """Return the plan of `plan_vips`, once nobody else turned out to have what it adds.

    `ask` takes a device and addresses, and returns the MACs that answer for each. Nothing is asked when nothing is to
    be added, or when what is added is not announced: this host does not claim that then. Raises AddressConflict for an
    address that is taken, or warns of it, as `wanted` says.
    """
    plan = plan_vips(current, wanted)
    claimed = tuple(address for step in plan.operations if isinstance(step, Announce) for address in step.addresses)
    if not claimed or wanted.on_conflict == "ignore":
        return plan
    own = {link.mac for link in current.links.values()}
    answers = ask(wanted.interface, claimed)
    others = {address: [mac for mac in answers.get(address, ()) if mac not in own] for address in claimed}
    taken = ", ".join(f"{address} ({', '.join(macs)})" for address, macs in others.items() if macs)
    if not taken:
        return plan
    rule = f"are in use by another host on the segment of {wanted.interface}: {taken}"
    remedy = "remove them there; if that is a real server, set its ARP sysctls (lvs.cluster.arp_sysctl, arp_ignore: 1)"
    if wanted.on_conflict == "fail":
        raise AddressConflict("addresses", None, rule, f"{remedy}; or write on_conflict: warn to take them over")
    return replace(plan, warnings=(*plan.warnings, sentence("addresses", None, rule, remedy)))
