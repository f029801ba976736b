# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about VIPs that move to another director: both directors have to be in the run."""

from __future__ import annotations

from collections.abc import Iterator

from .._topology.finding import Finding
from .._topology.owners import vip_owners
from .context import DIRECTOR_VIPS, Case
from .judgement import Judgement


def check_handovers(case: Case) -> Iterator[Judgement]:
    """A run takes a VIP from a director only for another one that it includes, and from one that it includes.

    A director whose own director_vips decide is left out: lvs_services does not say what becomes of its VIPs. Nor does
    it where a failover engine decides.
    """
    for vip, owner in vip_owners(case.topology).items():
        if not owner.is_fixed or not owner.director or _decides_itself(case, owner.director):
            continue
        for host, facts in case.facts.items():
            carrier = facts.carrier(vip)
            # On a real server the VIP is on a device without a MAC.
            if owner.director not in case.facts and carrier and carrier.mac and not _decides_itself(case, host):
                rule = f"would be removed from this host, and {owner.director}, which is to have it, is not in this run"
                remedy = f"include {owner.director} in the run, or declare this host as the first of its directors"
                yield Judgement(Finding(host, "VIP", vip, rule, remedy))
        if owner.director in case.facts and not case.facts[owner.director].carrier(vip):
            yield from _held_elsewhere(case, vip, owner.director)


def _decides_itself(case: Case, host: str) -> bool:
    return DIRECTOR_VIPS in case.variables.get(host, {})


def _held_elsewhere(case: Case, vip: str, owner: str) -> Iterator[Judgement]:
    """Tell which director outside the run answers for a VIP that this run assigns to another one."""
    heard = case.answers(vip)
    for host in (host for host in case.topology.dips if host not in case.facts):
        if heard.keys() & case.macs(host, case.topology.dips.get(host, ())):
            rule = f"is to be assigned here, and director {host}, which is not in this run, still answers for it"
            remedy = f"include {host} in the run, or remove the VIP from it if it is to leave"
            yield Judgement(Finding(owner, "VIP", vip, rule, remedy))
