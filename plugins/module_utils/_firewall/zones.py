# SPDX-License-Identifier: GPL-3.0-or-later
"""Which zones of firewalld clients come by, and which of the administrator's rules there decide about an opening.

The policy that holds the openings comes after the rules of zones and of other policies, and before what a zone does
with all other packets. So it overrides no rule. Networks that the administrator gave to a zone that drops or rejects
everything are closed in the policy itself: firewalld takes packets from there to the policy, too, since it goes by the
device. Where a device is in such a zone, the policy is for the other zones alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._core.address import is_ipv6
from .decide import ADMITS, NO_PLACE, REFUSES, SOME
from .options import IN, Opening
from .rich import meaning_of, overlaps, parse_rich, within
from .standing import Told

_CLOSED = ("DROP", "REJECT", "%%REJECT%%")
ANY = "ANY"
SET = "ipset:"  # how the source of a zone begins that is a set
_MAC = re.compile("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_HOST = ("HOST", ANY)


class Zone(NamedTuple):
    """An active zone, or another policy for packets to this host, with its settings in the words of firewalld."""

    name: str
    settings: Mapping[str, Any]
    interfaces: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    kind: str = "zone"

    @property
    def target(self) -> str:
        """What becomes of packets that no rule is about."""
        return str(self.settings.get("target", ""))

    @property
    def words(self) -> str:
        """The zone or policy for people."""
        return f"firewalld {self.kind} {self.name}"

    @property
    def rules(self) -> Sequence[str]:
        """The rich rules, which zones and policies have under different names."""
        return [str(rule) for name in ("rules_str", "rich_rules") for rule in self.settings.get(name, ())]


class Zones(NamedTuple):
    """What firewalld has: active zones and the default one, policies of others, and the ports of services."""

    default: str
    active: tuple[Zone, ...] = ()
    policies: tuple[Zone, ...] = ()
    services: Mapping[str, Sequence[tuple[str, str]]] = {}
    ipv6_sets: tuple[str, ...] = ()


class Closed(NamedTuple):
    """A source of clients that stays closed: an address, a network, a MAC or a set, and what becomes of its packets.

    `ipv6` is None for both families.
    """

    kind: str
    source: str
    action: str
    ipv6: bool | None = None


class Governed(NamedTuple):
    """The zones that the policy is for, the openings that it may have, and what decides about the others."""

    openings: tuple[Opening, ...]
    zones: tuple[str, ...] = (ANY,)
    closed: tuple[Closed, ...] = ()
    told: tuple[Told, ...] = ()


def govern(zones: Zones, openings: Iterable[Opening]) -> Governed:
    """Return which openings go to which zones."""
    chosen, closed = _by_zone(zones)
    named: tuple[str, ...] = (ANY,)
    if any(zone.interfaces for zone in closed):
        named = tuple(sorted(zone.name for zone in chosen if zone.interfaces or zone.sources))
    kept, told = [], []
    for opening in openings:
        if opening.direction != IN:
            kept.append(opening)
            continue
        found = [*_closed_to(opening, closed, named), *_decided(opening, zones, chosen)]
        told += found
        if not any(one.meaning in (ADMITS, REFUSES, NO_PLACE) for one in found):
            kept.append(opening)
    sources = [_closed(one, zone.target, zones.ipv6_sets) for zone in closed for one in zone.sources]
    return Governed(tuple(kept), named, tuple(sources), tuple(told))


def _by_zone(zones: Zones) -> tuple[list[Zone], list[Zone]]:
    """Return the zones that clients may come by, and those that the administrator closed.

    The default zone is for what nobody assigned to a zone, so that its target is a default too. So is that of the zones
    of devices when all of them drop.
    """
    open_zones = [zone for zone in zones.active if zone.target not in (*_CLOSED, "ACCEPT")]
    shut = [zone for zone in zones.active if zone.target in _CLOSED]
    all_shut = not any(zone.interfaces or zone.name == zones.default for zone in zones.active if zone not in shut)
    chosen = [
        zone for zone in shut if zone.name == zones.default or (all_shut and zone.interfaces and not zone.sources)
    ]
    return [*open_zones, *chosen], [zone for zone in shut if zone not in chosen]


def _closed(source: str, target: str, ipv6_sets: Sequence[str]) -> Closed:
    action = "drop" if target == "DROP" else "reject"
    if source.startswith(SET):
        name = source[len(SET) :]
        return Closed("ipset", name, action, name in ipv6_sets)
    if _MAC.fullmatch(source):
        return Closed("mac", source, action)
    return Closed("address", source, action, is_ipv6(source))


def _closed_to(opening: Opening, closed: Iterable[Zone], named: Sequence[str]) -> Iterator[Told]:
    for zone in closed:
        sources = [source for source in zone.sources if overlaps(opening, source, False)]
        whole = bool(opening.source) and any(within(opening, source, False) for source in sources)
        kinds = (("sources", sources), ("interfaces", zone.interfaces))
        bound = [f"{kind} {', '.join(names)}" for kind, names in kinds if names]
        if bound:
            meaning = REFUSES if whole else SOME if named else NO_PLACE
            rule = f"target {zone.target.strip('%')} for {' and '.join(bound)}"
            yield Told(zone.words, rule, opening.words, meaning, bool(zone.interfaces))


def _decided(opening: Opening, zones: Zones, chosen: Sequence[Zone]) -> Iterator[Told]:
    names = {zone.name for zone in chosen}
    policies = [
        policy
        for policy in zones.policies
        if names & set(policy.settings.get("ingress_zones", ())) or ANY in policy.settings.get("ingress_zones", ())
        if set(_HOST) & set(policy.settings.get("egress_zones", ()))
    ]
    for place in (*chosen, *policies):
        for text in place.rules:
            meaning = meaning_of(parse_rich(text, zones.services), opening)
            if meaning:
                yield Told(place.words, text, opening.words, meaning)
        if place in policies and place.target in _CLOSED:
            yield Told(place.words, f"target {place.target.strip('%')}", opening.words, REFUSES)
