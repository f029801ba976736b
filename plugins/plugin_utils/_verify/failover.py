# SPDX-License-Identifier: GPL-3.0-or-later
"""Which director has each VIP that failover moves: one of them, at every moment. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .._topology.failover import Group, groups
from .._topology.finding import Finding
from .model import OWNERS, Check, Seen, bad, count, good

_UNIT = "lvs-cluster-vrrp.service"


def failover_checks(seen: Seen) -> Iterator[Check]:
    """Yield, for each VIP that moves, whether one of its directors has it; nothing if one of them was not looked at."""
    for group in groups(seen.topology):
        directors = [host for host in group.directors if host in seen.declared.directors]
        if not directors or any(host not in seen.facts for host in directors):
            continue
        for vip in group.vips:
            holders = [host for host in directors if seen.facts[host].carrier(vip)]
            if len(holders) == 1:
                others = [host for host in directors if host not in holders]
                standby = f", and {', '.join(others)} on standby" if others else ""
                yield good(OWNERS, holders[0], f"{vip} is assigned by failover on {holders[0]}{standby}", vip)
            elif holders:
                yield bad(OWNERS, _split(seen, vip, holders), vip=vip)
            else:
                yield bad(OWNERS, _nowhere(group, vip, directors), vip=vip)


def _split(seen: Seen, vip: str, holders: list[str]) -> Finding:
    """Return the finding of a VIP that several directors have: each sends its answers to part of the segment."""
    told = []
    for host in holders:
        macs = [one.mac for one in seen.facts[host].carriers(vip) if one.mac]
        heard = [asker for asker, facts in seen.facts.items() if set(macs) & set(facts.owners.get(vip, ()))]
        by = f", which {', '.join(heard)} heard" if heard else ""
        told.append(f"{host} ({', '.join(macs)}{by})")
    rule = f"is on {count(len(holders), 'director')} at once: {' and '.join(told)}"
    remedy = (
        f"look why they do not hear each other: {_UNIT} on each, a packet filter that drops IP protocol 112, "
        "and the segment itself"
    )
    return Finding("", "VIP", vip, rule, remedy)


def _nowhere(group: Group, vip: str, directors: list[str]) -> Finding:
    rule = f"is on none of its directors ({', '.join(directors)})"
    return Finding("", "VIP", vip, rule, f"look at {_UNIT} on {directors[0]} (systemctl status, journalctl)")
