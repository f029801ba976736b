# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration, and what it no longer has, against what other clusters declare on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.owner import Owner
from .._owner.declarations import Declaration
from .._owner.marks import refuse_marks
from .._owner.services import refuse_settings, settle_services
from .._owner.vips import refuse_vips, settle_neighbors, settle_vips
from .declaration import Declared
from .parse import parse_arp_filter, parse_firewall, parse_neighbors, parse_service, parse_sync, parse_vip
from .stale import Saved, absent_neighbors, absent_sync, absent_vips


def refuse_claimed(declared: Declared, owner: Owner, others: Sequence[Declaration]) -> None:
    """Raise InvalidValue for the first thing that another cluster declares too."""
    if not others:
        return
    for item in declared.vips:
        settle_vips(parse_vip(item), owner, others)
    settle_services([parse_service(item) for item in declared.services], owner, others)
    for item in declared.neighbors:
        settle_neighbors(parse_neighbors(item), owner, others)
    for item in declared.arp_filters:
        refuse_vips(parse_arp_filter(item).addresses, owner, others)
    for item in declared.firewall:
        refuse_marks(parse_firewall(item).marks, owner, others)
    if declared.sync:
        _refuse_sync(declared, owner, others)
    refuse_settings(declared.timeouts, "timeouts", others)
    refuse_settings(declared.sysctls, "sysctls", others)


def without_claimed(stale: Saved, owner: Owner, others: Sequence[Declaration]) -> tuple[Saved, list[str]]:
    """Return what is stale without what another declaration has now, and a sentence for each thing that stays."""
    words: list[str] = []
    left: dict[str, list[dict[str, Any]]] = {**stale, "vips": [], "neighbors": [], "sync": []}
    for item in stale.get("vips", ()):
        spec, kept = settle_vips(parse_vip(item), owner, others)
        words += kept
        left["vips"] += absent_vips(spec)
    for item in stale.get("neighbors", ()):
        wanted, kept = settle_neighbors(parse_neighbors(item), owner, others)
        words += kept
        left["neighbors"] += absent_neighbors(wanted)
    for item in stale.get("sync", ()):
        items, kept = _spared_sync(item, owner, others)
        words += kept
        left["sync"] += items
    services = [parse_service(item) for item in stale.get("services", ())]
    free, kept = settle_services(services, owner, others)
    words += kept
    left["services"] = [item for item, one in zip(stale.get("services", ()), services) if one in free]
    return {part: items for part, items in left.items() if items}, words


# Few hosts synchronise connections; the others do not compile what settles that.
def _refuse_sync(declared: Declared, owner: Owner, others: Sequence[Declaration]) -> None:
    from .._owner.sync import settle_sync

    for item in declared.sync:
        settle_sync(parse_sync(item), owner, others)


def _spared_sync(
    item: Mapping[str, Any], owner: Owner, others: Sequence[Declaration]
) -> tuple[list[dict[str, Any]], list[str]]:
    from .._owner.sync import settle_sync, without_kept

    free, words = without_kept(settle_sync(parse_sync(item), owner, others))
    return list(absent_sync(free, owner.name)), words
