# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of verify as one HTML page that loads nothing else: the data that report.html.j2 shows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint_address
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from .._topology.model import Service
from .checks import summary, verdict
from .distribution import shares
from .drawing import Card, draw
from .model import PATHS, Check, Seen, count

# By what a check found: its class, its mark, and the text for a screen reader.
_MARKS = {True: ("good", "✓", "good"), False: ("bad", "✕", "bad"), None: ("note", "!", "worth a look")}


class ServiceText(NamedTuple):
    """The texts that the page shows of a service."""

    name: str
    target: str
    settings: str


class Part(NamedTuple):
    """One cluster of the page; `name` is empty if there is no other."""

    name: str
    seen: Seen
    checks: Sequence[Check]


def render(seen: Seen, checks: Sequence[Check], when: str) -> str:
    """Return the page of one cluster."""
    return render_all([Part("", seen, checks)], when)


def render_all(parts: Sequence[Part], when: str) -> str:
    """Return the page of all clusters; `when` is the text that says when they were verified."""
    every = [check for part in parts for check in part.checks]
    return _template().render(
        when=when,
        failed=any(check.good is False for check in every),
        verdict=verdict(every).rstrip(":."),
        clusters=[_cluster(part) for part in parts],
        marks=_MARKS,
    )


def _cluster(part: Part) -> dict[str, Any]:
    topics: dict[str, list[Check]] = {}
    for check in part.checks:
        topics.setdefault(check.topic, []).append(check)
    cards = _hosts(part.seen, part.checks)
    return {
        "name": part.name,
        "errors": summary(part.checks)["errors"],
        "topics": topics,
        "services": [_service(service) for service in part.seen.topology.services],
        "reply_path": _reply_path(part.seen),
        "unknown": any(card.unknown or (card.role == "server" and card.path is None) for card in cards),
        # The drawing escapes each text that it contains.
        "drawing": Markup(draw(cards)),
    }


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _reply_path(seen: Seen) -> str:
    masquerades = {service.forwarding == MASQUERADE for service in seen.topology.services}
    if masquerades == {True}:
        return "back through the director"
    return "past the director" + (" but for masquerade" if True in masquerades else "")


def _service(service: Service) -> ServiceText:
    ports = ", ".join(map(str, service.ports)) or "all ports"
    mark = f", by mark {service.fwmark}" if service.fwmark else ""
    sources = f", for {', '.join(service.sources)} only" if service.sources else ""
    settings = f"{service.options.get('scheduler', 'wlc')}, forwarding {service.forwarding}{mark}{sources}"
    protocols = ", ".join(service.protocols)
    return ServiceText(service.name, f"{', '.join(service.vips)} · {protocols} {ports}", settings)


def _hosts(seen: Seen, checks: Sequence[Check]) -> list[Card]:
    """Return the cards from top to bottom: clients, directors, servers."""
    topology = seen.topology
    failing = {check.host for check in checks if check.good is False}
    hosts = []
    for client, visits in seen.visits.items():
        total = sum(len(visit["visits"]) for visit in visits)
        hosts.append(Card(client, "client", (count(total, "request"),), client not in failing, "client"))
    # Of a client no state is declared.
    for client in (host for host in seen.lost if not seen.states.get(host) and host not in seen.visits):
        hosts.append(Card(client, "client", _unread(seen, client), client not in failing, "client", unknown=True))
    directors = dict.fromkeys(host for service in topology.services for host in service.directors)
    for host in directors:
        vips = seen.declared.directors[host].vips if host in seen.declared.directors else ()
        lines = [*topology.dips.get(host, ()), *_macs(seen, host, topology.dips.get(host, ()))]
        lines += [f"answers for {vip}" for vip in vips if host in seen.facts or host not in seen.lost]
        lines += _unread(seen, host)
        badge, role = ("director", "director") if vips else ("standby", "standby")
        hosts.append(Card(host, role, tuple(lines), host not in failing, badge, unknown=host in seen.lost))
    given = _shares(seen)
    for name, addresses in _servers(seen).items():
        facts = seen.facts.get(name)
        server = seen.declared.servers.get(name)
        own = server.devices if server else ()
        lines = [*addresses, *_macs(seen, name, addresses)]
        for vip in own if facts else ():
            carrier = facts.carrier(vip) if facts else None
            lines.append(f"VIP {vip} on {carrier.name}" if carrier else f"VIP {vip} is missing")
        lines += _unread(seen, name)
        paths = [check.good for check in checks if check.topic == PATHS and check.host == name]
        path = None if not paths else False not in paths
        back = all(one.forwarding == MASQUERADE for one in topology.services if name in _names(one))
        good, unknown = name not in failing, name in seen.lost
        hosts.append(Card(name, "server", tuple(lines), good, "real server", given.get(name), path, back, unknown))
    return hosts


def _unread(seen: Seen, host: str) -> tuple[str, ...]:
    """Return the line of a host that was asked and returned nothing."""
    if host not in seen.lost:
        return ()
    return ("could not be read" if seen.lost[host].answered else "could not be reached",)


def _names(service: Service) -> list[str]:
    return [server.host or server.address for server in service.servers if server.options.get("state") != "absent"]


def _servers(seen: Seen) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(name for service in seen.topology.services for name in _names(service))
    return {name: tuple(seen.topology.rips.get(name, (name,))) for name in names}


def _macs(seen: Seen, host: str, addresses: Sequence[str]) -> list[str]:
    facts = seen.facts.get(host)
    carriers = [facts.carrier(address) for address in addresses] if facts else []
    return list(dict.fromkeys(f"{one.mac} ({one.name})" for one in carriers if one))


def _shares(seen: Seen) -> dict[str, tuple[float, str]]:
    """Return what part of all connections of the time between the readings each server got."""
    got: dict[str, int] = {}
    for director, after in seen.after.items():
        for service in shares(seen.tables[director], after):
            for share in service:
                name = seen.host_of(endpoint_address(share.server))
                got[name] = got.get(name, 0) + share.got
    total = sum(got.values())
    whole = count(total, "connection")
    return {name: (part / total, f"given {part} of {whole}") for name, part in got.items() if total}
