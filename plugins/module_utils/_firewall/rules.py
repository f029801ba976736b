# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables rules that this collection adds, as libnftables writes them in JSON (libnftables-json(5))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.address import is_ipv6
from .._nftables.ruleset import NUMBERS, Rule
from .options import Mark
from .packets import Packet


def _match(left: Any, right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": left, "right": right}}


def _payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def _address_match(address: str, field: str) -> dict[str, Any]:
    return _match(_payload("ip6" if is_ipv6(address) else "ip", field), address)


def accept_rule(packet: Packet, comment: str) -> Rule:
    """Return the rule that lets a packet, and all that follow it, through one base chain."""
    return Rule((*_known(packet), {"accept": None}), comment)


def untracked_rule(packet: Packet, comment: str) -> Rule:
    """Return the rule that keeps a packet, and all that follow it, out of connection tracking.

    Answers to this host itself stay in it, since it began what they answer.
    """
    elsewhere = {"match": {"op": "!=", "left": {"fib": {"result": "type", "flags": ["daddr"]}}, "right": "local"}}
    return Rule((*_known(packet), *([] if packet.arrives else [elsewhere]), {"notrack": None}), comment)


def mark_rule(mark: Mark, comment: str) -> Rule:
    """Return the rule that gives the packets to a VIP their mark."""
    what = (
        _match(_payload(mark.protocol, "dport"), _some_of(mark.ports)) if mark.ports else _protocol_match(mark.protocol)
    )
    change = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": mark.mark}}
    return Rule((_address_match(mark.address, "daddr"), what, change), comment)


def _known(packet: Packet) -> list[dict[str, Any]]:
    """Return the matches for what is known of a packet, but for its state."""
    ends = ((packet.source, "saddr"), (packet.destination, "daddr"))
    matches = [_address_match(address, field) for address, field in ends if address]
    fields = (("sport", packet.sport), ("dport", packet.dport), ("type", packet.error))
    known = [_match(_payload(packet.protocol, field), value) for field, value in fields if value]
    return matches + (known or [_protocol_match(packet.protocol)])


def _some_of(ports: Sequence[int]) -> Any:
    return ports[0] if len(ports) == 1 else {"set": list(ports)}


def _protocol_match(protocol: str) -> dict[str, Any]:
    return _match({"meta": {"key": "l4proto"}}, NUMBERS[protocol])
