# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the packet filter: parsed, checked and made canonical at the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._core.address import is_ipv6
from .._core.errors import InvalidValue
from .._core.options import choice, in_range, parse_mappings, switch
from .._core.owner import OWNER_OPTIONS
from .._core.protocols import PROTOCOLS, TRANSPORTS, target_words
from .._core.vips import parse_vip_host
from .._nftables.names import parse_labels

# Which way the packets of an opening go: to this host, from it, or to another one by way of it and back.
IN, OUT, THROUGH = "in", "out", "through"
FIREWALL_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    **OWNER_OPTIONS,
    "open": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "address": {"type": "str", "required": True},
            "port": {"type": "int"},
            "protocol": {"type": "str", "choices": list(PROTOCOLS), "default": "tcp"},
            "source": {"type": "str"},
            "direction": {"type": "str", "choices": [IN, OUT, THROUGH], "default": IN},
        },
    },
    "marks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "address": {"type": "str", "required": True},
            "ports": {"type": "list", "elements": "int", "default": []},
            "protocol": {"type": "str", "choices": list(TRANSPORTS), "default": "tcp"},
            "mark": {"type": "int", "required": True},
        },
    },
    "untracked": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": True},
    "backend": {"type": "str", "choices": ["auto", "nftables", "firewalld", "none"], "default": "auto"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_OPEN_EXAMPLE = "list each as address: 192.0.2.30 and port: 80"
_MARK_EXAMPLE = "list each as address: 192.0.2.30, ports: [80, 443] and mark: 1"
_HIGHEST_PORT, _HIGHEST_MARK = 65535, 2**32 - 1


class Opening(NamedTuple):
    """An address, a protocol and a port that are to be reached; port 0 stands for every port, and for no such thing.

    `source` is who may reach it, empty for everybody, and `direction` is one of IN, OUT and THROUGH.
    """

    address: str
    protocol: str
    port: int = 0
    source: str = ""
    direction: str = IN

    @property
    def words(self) -> str:
        """The opening for people, such as ``tcp 192.0.2.30:80``."""
        return target_words(self.address, self.protocol, [self.port] if self.port else [], self.source)

    @property
    def ipv6(self) -> bool:
        """Whether the address is of IPv6."""
        return is_ipv6(self.address)


class Mark(NamedTuple):
    """Packets to a VIP, and the number that they are to carry; no ports stand for every port."""

    address: str
    protocol: str
    ports: tuple[int, ...]
    mark: int

    @property
    def words(self) -> str:
        """What is marked, for people, such as ``tcp 192.0.2.30:80,443 with 1``."""
        return f"{target_words(self.address, self.protocol, self.ports)} with {self.mark}"


class WantedFirewall(NamedTuple):
    """What one run wants of a host's packet filter; with `present` false nothing of the owner's is to be left.

    With `untracked` packets to the openings pass whatever connection tracking takes them for. Without `purge` what the
    owner has opened besides stays open. `name` is what the owner's rules are called by, and `former_name` what they
    were called by before the owner was renamed (empty: as now).
    """

    name: str
    openings: tuple[Opening, ...] = ()
    marks: tuple[Mark, ...] = ()
    backend: str = "auto"
    present: bool = True
    untracked: bool = False
    purge: bool = True
    former_name: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> WantedFirewall:
        """Return what the options of `vip_firewall` ask for; raise InvalidValue for what breaks a rule."""
        untracked, purge = (switch(options, name, FIREWALL_OPTIONS) for name in ("untracked", "purge"))
        present = choice(options, "state", FIREWALL_OPTIONS) == "present"
        openings, marks = _openings(options.get("open") or ()), _marks(options.get("marks") or ())
        label, former_label = parse_labels(options)
        return cls(
            name=label,
            former_name=former_label,
            openings=openings if present else (),
            marks=marks if present else (),
            backend=choice(options, "backend", FIREWALL_OPTIONS),
            present=present,
            untracked=untracked,
            purge=purge or not present,
        )


def _openings(items: Iterable[object]) -> tuple[Opening, ...]:
    openings: dict[Opening, None] = {}
    for item in parse_mappings("open", items, _OPEN_EXAMPLE):
        opening = _opening(item)
        if opening in openings:
            raise InvalidValue("open", opening.words, "is listed twice", "list it once")
        openings[opening] = None
    return tuple(sorted(openings))


def _opening(item: Mapping[str, Any]) -> Opening:
    address, protocol = _target(item, "open")
    port, source = item.get("port"), item.get("source")
    if port is not None and protocol not in TRANSPORTS:
        raise InvalidValue("port", port, f"is given for {protocol}, which has none", "leave it out")
    opening = Opening(
        address,
        protocol,
        0 if port is None else in_range("port", port, 1, _HIGHEST_PORT),
        "" if source is None else str(parse_vip_host(source, "source")),
        choice(item, "direction", FIREWALL_OPTIONS["open"]["options"]),
    )
    if opening.source and is_ipv6(opening.source) != opening.ipv6:
        raise InvalidValue("source", opening.source, f"is not of the family of {address}", "name one that is")
    return opening


def _marks(items: Iterable[object]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    taken: dict[tuple[str, str], set[int]] = {}
    for item in parse_mappings("marks", items, _MARK_EXAMPLE):
        given: Any = item.get("mark")
        number: int = in_range("mark", given, 1, _HIGHEST_MARK)
        ports = tuple(sorted({in_range("ports", port, 1, _HIGHEST_PORT) for port in item.get("ports") or ()}))
        mark = Mark(*_target(item, "marks"), ports, number)
        others = taken.setdefault((mark.address, mark.protocol), set())
        # A packet carries one mark: with two rules for it the later one would win.
        if others and (0 in others or not ports or others & set(ports)):
            raise InvalidValue("marks", mark.words, "has ports that another mark has too", "mark each port once")
        others.update(ports or (0,))
        marks.append(mark)
    return tuple(sorted(marks))


def _target(item: Mapping[str, Any], option: str) -> tuple[str, str]:
    address = str(parse_vip_host(item.get("address"), "address"))
    spec: Any = FIREWALL_OPTIONS[option]["options"]
    return address, choice(item, "protocol", spec)
