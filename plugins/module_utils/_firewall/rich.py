# SPDX-License-Identifier: GPL-3.0-or-later
"""Rich rules of firewalld (firewalld.richlanguage(5)), and what they decide about an opening."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._core.address import is_ipv6
from .._core.errors import InvalidValue
from .._core.ports import EVERY_PORT, PortRange, parse_ports
from .._core.protocols import PROTOCOLS
from .decide import ADMITS, REFUSES, SOME
from .options import Opening
from .spans import every_address, intersect, network, subtract


class Rich(NamedTuple):
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


def meaning_of(rule: Rich | None, opening: Opening) -> str:
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
    if rule.source and not overlaps(opening, rule.source, rule.others):
        return ""
    everybody = not rule.listed and (not rule.source or within(opening, rule.source, rule.others))
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


def overlaps(opening: Opening, source: str, others: bool) -> bool:
    """Whether some of an opening's clients are of a source, or with `others` some that are not."""
    return bool(_of_source(opening, source, others)[0])


def within(opening: Opening, source: str, others: bool) -> bool:
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


def parse_rich(text: str, services: Mapping[str, Sequence[tuple[str, str]]]) -> Rich | None:
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
    return Rich(
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
