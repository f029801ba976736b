# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables rules that this collection adds, as libnftables writes them in JSON (libnftables-json(5))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.address import is_ipv6
from .._core.errors import InvalidValue
from .._core.ports import EVERY_PORT, PortRange, parse_ports
from .._core.protocols import TRANSPORTS
from .._nftables.ruleset import NUMBERS, PROTOCOL_NAMES, Rule, header_field, protocol_number, written
from .options import Mark
from .packets import SYN, Packet


def _match(left: Any, right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": left, "right": right}}


def _address_match(address: str, field: str) -> dict[str, Any]:
    value: Any = address
    if "/" in address:
        network, _slash, length = address.partition("/")
        value = {"prefix": {"addr": network, "len": int(length)}}
    return _match(header_field("ip6" if is_ipv6(address) else "ip", field), value)


def accept_rule(packet: Packet, comment: str) -> Rule:
    """Return the rule that lets a packet, and all that follow it, through one base chain."""
    return Rule((*_known(packet), {"accept": None}), comment)


def packet_of(rule: Rule) -> Packet | None:
    """Return the first packet that an opening is for; None for a rule that `accept_rule` does not make."""
    found: dict[str, Any] = {}
    protocol = ""
    for part in rule.expr[:-1]:
        if not isinstance(part, dict) or not part.keys() <= {"match", "counter"}:
            return None
        match = part.get("match")
        if not match:
            continue
        left, payload, right = match["left"], match["left"].get("payload", {}), match["right"]
        if left == {"meta": {"key": "l4proto"}} and match["op"] == "==":
            protocol = protocol or PROTOCOL_NAMES.get(protocol_number(right), "")
        elif payload.get("field") in ("saddr", "daddr", "sport", "dport", "type") and match["op"] == "==":
            found[payload["field"]] = written(right)
            protocol = payload["protocol"] if payload["protocol"] not in ("ip", "ip6") else protocol
        else:
            return None
    try:
        sport, dport = (parse_ports(field, found[field]) if field in found else None for field in ("sport", "dport"))
    except InvalidValue:
        return None
    source, destination = (str(found.get(field, "")) for field in ("saddr", "daddr"))
    if not protocol or protocol not in NUMBERS or not (source or destination):
        return None
    if protocol in TRANSPORTS and not sport and not dport:
        # An opening for every port is for answers when it knows who sends them alone.
        sport, dport = (None, EVERY_PORT) if destination and "/" not in destination else (EVERY_PORT, None)
    flag = SYN if protocol == "tcp" and dport else ""
    return Packet(protocol, source, destination, sport, dport, str(found.get("type", "")), "new", bool(dport), flag)


def untracked_rule(packet: Packet, comment: str) -> Rule:
    """Return the rule that keeps a packet, and all that follow it, out of connection tracking.

    Answers to this host itself stay in it, since it began what they answer.
    """
    elsewhere = {"match": {"op": "!=", "left": {"fib": {"result": "type", "flags": ["daddr"]}}, "right": "local"}}
    return Rule((*_known(packet), *([] if packet.arrives else [elsewhere]), {"notrack": None}), comment)


def mark_rule(mark: Mark, comment: str) -> Rule:
    """Return the rule that gives the packets to a VIP their mark."""
    what = (
        _match(header_field(mark.protocol, "dport"), _some_of(mark.ports))
        if mark.ports
        else _protocol_match(mark.protocol)
    )
    change = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": mark.mark}}
    return Rule((_address_match(mark.address, "daddr"), what, change), comment)


def _known(packet: Packet) -> list[dict[str, Any]]:
    """Return the matches for what is known of a packet, but for its state."""
    ends = ((packet.source, "saddr"), (packet.destination, "daddr"))
    matches = [_address_match(address, field) for address, field in ends if address]
    ports = (("sport", packet.sport), ("dport", packet.dport))
    known = [
        _match(header_field(packet.protocol, field), _port_value(value))
        for field, value in ports
        if value not in (None, EVERY_PORT)
    ]
    if packet.error:
        known.append(_match(header_field(packet.protocol, "type"), packet.error))
    return matches + (known or [_protocol_match(packet.protocol)])


def _port_value(ports: PortRange) -> Any:
    return ports.first if ports.first == ports.last else {"range": list(ports)}


def _some_of(ports: Sequence[int | str]) -> Any:
    return _port_value(parse_ports("ports", ports[0])) if len(ports) == 1 else {"set": list(ports)}


def _protocol_match(protocol: str) -> dict[str, Any]:
    return _match({"meta": {"key": "l4proto"}}, NUMBERS[protocol])
