# SPDX-License-Identifier: GPL-3.0-or-later
"""Which zones of firewalld clients come by, and which of the administrator's rules there decide about an opening.

The policy that holds the openings comes after the rules of zones and of other policies, and before what a zone does
with all other packets. So it overrides no rule. Networks that the administrator gave to a zone that drops or rejects
everything are closed in the policy itself: firewalld takes packets from there to the policy, too, since it goes by the
device. Where a device is in such a zone, the policy is for the other zones alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._core.address import is_ipv6
from .._core.errors import InvalidValue
from .._core.ports import EVERY_PORT, PortRange, parse_ports
from .._core.protocols import PROTOCOLS
from .decide import ADMITS, NO_PLACE, REFUSES, SOME
from .options import IN, Opening
from .spans import every_address, intersect, network, subtract
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


class _Rule(NamedTuple):
    """A rich rule: which packets it is about, and what it does with them."""

    action: str
    family: str = ""
    source: str = ""
    others: bool = False  # it is for all but the source
    listed: bool = False  # by a set or MACs
    destination: str = ""
    elsewhere: bool = False  # it is for all but the destination
    element: bool = False
    ports: tuple[tuple[str, PortRange], ...] = ()
    limited: bool = False


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
        sources = [source for source in zone.sources if _overlap(opening, source, False)]
        whole = bool(opening.source) and any(_within(opening, source, False) for source in sources)
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
            meaning = _meaning(_parse(text, zones.services), opening)
            if meaning:
                yield Told(place.words, text, opening.words, meaning)
        if place in policies and place.target in _CLOSED:
            yield Told(place.words, f"target {place.target.strip('%')}", opening.words, REFUSES)


def _meaning(rule: _Rule | None, opening: Opening) -> str:
    """Return what a rich rule means for an opening; nothing when it leaves it alone."""
    if not rule or rule.action not in ("accept", "drop", "reject"):
        return ""
    if rule.family and (rule.family == "ipv6") != opening.ipv6:
        return ""
    if rule.destination:
        there = _same_family(rule.destination, opening.address) and _covers(rule.destination, opening.address)
        if there == rule.elsewhere:
            return ""
    if rule.element and not any(_meets(one, opening) for one in rule.ports):
        return ""
    names = rule.element or (bool(rule.destination) and not rule.elsewhere)
    if rule.source and not _overlap(opening, rule.source, rule.others):
        return ""
    everybody = not rule.listed and (not rule.source or _within(opening, rule.source, rule.others))
    every_port = not rule.element or any(_has_all(one, opening) for one in rule.ports)
    whole = everybody and every_port and not rule.limited
    if rule.action == "accept":
        return "" if whole or not names or (everybody and not rule.limited) else ADMITS
    return REFUSES if whole else SOME if names else ""


def _meets(port: tuple[str, PortRange], opening: Opening) -> bool:
    protocol, ports = port
    return protocol == opening.protocol and (opening.ports is None or opening.ports.overlaps(ports))


def _has_all(port: tuple[str, PortRange], opening: Opening) -> bool:
    ports = opening.ports
    return _meets(port, opening) and (ports is None or (port[1].first <= ports.first and ports.last <= port[1].last))


def _same_family(one: str, other: str) -> bool:
    return is_ipv6(one) == is_ipv6(other)


def _covers(whole: str, address: str) -> bool:
    (first, last), (begin, end) = network(whole), network(address)
    return first <= begin and end <= last


def _overlap(opening: Opening, source: str, others: bool) -> bool:
    """Whether some of an opening's clients are of a source, or with `others` some that are not."""
    return bool(_of_source(opening, source, others)[0])


def _within(opening: Opening, source: str, others: bool) -> bool:
    """Whether all clients of an opening are of a source, or with `others` none is."""
    part, rest = _of_source(opening, source, others)
    return bool(part) and not rest


def _of_source(opening: Opening, source: str, others: bool) -> tuple[Any, Any]:
    clients = (network(opening.source),) if opening.source else every_address(opening.ipv6)
    try:
        listed = (network(source),) if _same_family(source, opening.address) else ()
    except ValueError:  # a MAC or a set
        return clients, clients
    part, rest = intersect(clients, listed), subtract(clients, listed)
    return (rest, part) if others else (part, rest)


def _parse(text: str, services: Mapping[str, Sequence[tuple[str, str]]]) -> _Rule | None:
    """Return a rich rule, of which firewalld itself writes the text (firewalld.richlanguage(5))."""
    words = shlex.split(text)
    found: dict[str, Any] = {}
    about = ""
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals and word.lower() != "not":
            about = word
            found.setdefault(about, {})
        elif not equals:
            found[about]["not"] = True
        else:
            found.setdefault(about, {})[name] = value
    action = next((word for word in ("accept", "drop", "reject", "mark") if word in found), "")
    source, destination = found.get("source", {}), found.get("destination", {})
    elements = ("service", "port", "protocol", "source-port", "icmp-type", "icmp-block", "masquerade", "forward-port")
    try:
        ports = tuple(_ports(found, services))
    except InvalidValue:
        return None
    return _Rule(
        action,
        found.get("", {}).get("family", ""),
        source.get("address", ""),
        bool(source.get("not")),
        bool(source) and "address" not in source,
        destination.get("address", ""),
        bool(destination.get("not")),
        any(element in found for element in elements),
        ports,
        "limit" in found and bool(words) and _last_limit(words),
    )


def named_services(rules: Iterable[str]) -> set[str]:
    """Return the names of services in rich rules."""
    words = [shlex.split(rule) for rule in rules]
    return {
        following.partition("=")[2]
        for rule in words
        for word, following in zip(rule, rule[1:])
        if word == "service" and following.startswith("name=")
    }


def _last_limit(words: Sequence[str]) -> bool:
    """Whether the limit is that of the action, not that of a log before it."""
    actions = [at for at, word in enumerate(words) if word in ("accept", "drop", "reject", "mark")]
    return bool(actions) and "limit" in words[actions[-1] :]


def _ports(
    found: Mapping[str, Any], services: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[tuple[str, PortRange]]:
    if "port" in found:
        yield found["port"].get("protocol", ""), parse_ports("port", found["port"].get("port"))
    if "service" in found:
        for port, protocol in services.get(found["service"].get("name", ""), ()):
            yield protocol, parse_ports("port", port) if port else EVERY_PORT
    if "protocol" in found:
        value = found["protocol"].get("value", "")
        names = {str(number): name for name, number in PROTOCOLS.items()}
        yield names.get(value, value), EVERY_PORT
