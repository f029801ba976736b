# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the packet filter: parsed, checked and made canonical at the door."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._core.address import is_ipv6, parse_host
from .._core.errors import InvalidValue
from .._core.options import choice, in_range, parse_mappings, switch
from .._core.owner import OWNER_OPTIONS
from .._core.ports import EVERY_PORT, PortRange, parse_ports
from .._core.protocols import PROTOCOLS, TRANSPORTS, target_words
from .._core.vips import parse_vip_host
from .._nftables.names import parse_labels

# Which way the packets of an opening go: to this host, from it, or to another one by way of it and back.
IN, OUT, THROUGH = "in", "out", "through"
# What happens where an administrator's rule can't be evaluated.
FAIL, LEAVE, OPEN = "fail", "leave", "open"
FIREWALL_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    **OWNER_OPTIONS,
    "open": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "address": {"type": "str", "required": True},
            "port": {"type": "str"},
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
            "ports": {"type": "list", "elements": "str", "default": []},
            "protocol": {"type": "str", "choices": list(TRANSPORTS), "default": "tcp"},
            "mark": {"type": "int", "required": True},
        },
    },
    "untracked": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": True},
    "backend": {"type": "str", "choices": ["auto", "nftables", "firewalld", "none"], "default": "auto"},
    "undecided": {"type": "str", "choices": [FAIL, LEAVE, OPEN], "default": FAIL},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_OPEN_EXAMPLE = "list each as address: 192.0.2.30 and port: 80"
_MARK_EXAMPLE = "list each as address: 192.0.2.30, ports: [80, 443] and mark: 1"
_HIGHEST_MARK = 2**32 - 1


class Opening(NamedTuple):
    """An address, a protocol and a port that are to be reached; port 0 stands for every port, and for no such thing.

    `last` is the last port of a range, and 0 for a single port. `source` is the address or the network that may reach
    it, empty for everybody, and `direction` is one of IN, OUT and THROUGH.
    """

    address: str
    protocol: str
    port: int = 0
    source: str = ""
    direction: str = IN
    last: int = 0

    @property
    def ports(self) -> PortRange | None:
        """The ports; None when the protocol has none."""
        if self.protocol not in TRANSPORTS:
            return None
        return PortRange(self.port, self.last or self.port) if self.port else EVERY_PORT

    @property
    def words(self) -> str:
        """The opening for people, such as ``tcp 192.0.2.30:80``."""
        return target_words(self.address, self.protocol, written_ports(self.ports), self.source)

    @property
    def ipv6(self) -> bool:
        """Whether the address is of IPv6."""
        return is_ipv6(self.address)


class Mark(NamedTuple):
    """Packets to a VIP, and the number that they are to carry; no ports stand for every port.

    There is one rule of nftables for each: its ports are single ones, or one range.
    """

    address: str
    protocol: str
    ports: tuple[int | str, ...]
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
    undecided: str = FAIL

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
            undecided=choice(options, "undecided", FIREWALL_OPTIONS),
        )


def written_ports(ports: PortRange | None) -> list[PortRange]:
    """Return the ports as they are written: none for every port, and where there are none."""
    return [] if ports in (None, EVERY_PORT) else [ports]


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
    direction = choice(item, "direction", FIREWALL_OPTIONS["open"]["options"])
    if direction != IN and _group(address):
        remedy = "use direction in: what this host sends to a group needs no opening of this kind"
        raise InvalidValue("address", address, f"is a multicast group, with direction {direction}", remedy)
    port = item.get("port")
    if port is not None and protocol not in TRANSPORTS:
        raise InvalidValue("port", port, f"is given for {protocol}, which has none", "leave it out")
    first, last = (0, 0) if port is None else parse_ports("port", port)
    return Opening(
        address,
        protocol,
        first,
        _source(item.get("source"), address),
        direction,
        last if last != first else 0,
    )


def _source(value: object, address: str) -> str:
    """Return an address, a network, or nothing for all addresses of the family."""
    if value is None:
        return ""
    text = str(value).strip()
    if "/" not in text:
        source = str(parse_vip_host(text, "source"))
    else:
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            remedy = "write an address, or a network such as 192.0.2.0/24 without host bits"
            rule = "has host bits" if "host bits" in str(error) else "is not a network"
            raise InvalidValue("source", value, rule, remedy) from None
        single = network.prefixlen == network.max_prefixlen
        source = str(parse_host(network.network_address, "source")) if single else str(network)
    if is_ipv6(source) != is_ipv6(address):
        raise InvalidValue("source", source, f"is not of the family of {address}", "name one that is")
    return "" if source.endswith("/0") else source


def _marks(items: Iterable[object]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    taken: dict[tuple[str, str], list[PortRange]] = {}
    for item in parse_mappings("marks", items, _MARK_EXAMPLE):
        given: Any = item.get("mark")
        number: int = in_range("mark", given, 1, _HIGHEST_MARK)
        ports = sorted({parse_ports("ports", port) for port in item.get("ports") or ()})
        address, protocol = _target(item, "marks")
        others = taken.setdefault((address, protocol), [])
        # A packet carries one mark: with two rules for it the later one would win.
        for one in ports or [EVERY_PORT]:
            if any(one.overlaps(other) for other in others):
                words = Mark(address, protocol, tuple(map(str, ports)), number).words
                raise InvalidValue("marks", words, "has ports that another mark has too", "mark each port once")
            others.append(one)
        single = tuple(one.first for one in ports if one.first == one.last)
        if single or not ports:
            marks.append(Mark(address, protocol, single, number))
        marks += [Mark(address, protocol, (str(one),), number) for one in ports if one.first != one.last]
    return tuple(sorted(marks, key=lambda one: (*one[:2], [*map(str, one.ports)], one.mark)))


def _target(item: Mapping[str, Any], option: str) -> tuple[str, str]:
    text = item.get("address")
    group = _group(text) if option == "open" else ""
    spec: Any = FIREWALL_OPTIONS[option]["options"]
    return group or str(parse_vip_host(text, "address")), choice(item, "protocol", spec)


def _group(text: object) -> str:
    """Return the multicast group that `text` writes; empty if it writes none."""
    try:
        address = ipaddress.ip_address(str(text).strip())
    except ValueError:
        return ""
    return str(address) if address.is_multicast else ""
