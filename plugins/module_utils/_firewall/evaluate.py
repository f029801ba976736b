# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a packet of anybody in the rules that there are."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from .._core.protocols import TRANSPORTS
from .._nftables.ruleset import COMMENT_PREFIX, NUMBERS, Chain, ChainKey, Rule, Ruleset, protocol_number
from .packets import Packet

# What a part of a rule means for the packet: it holds; it does not; it may (for which device, say); it is about what
# is not known of anybody's packet (where it comes from, how many there were), so that it rather does not.
_YES, _NO, _MAYBE, _NARROW = "yes", "no", "maybe", "narrow"
_ACCEPT, _DROP, _ON = "accept", "drop", ""
_DEVICES = ("iif", "iifname", "oif", "oifname")
_REFUSING_TARGETS = ("REJECT", "DROP", "TARPIT")
_DEEPEST = 16  # NFT_JUMP_STACK_SIZE
# Those whose headers a rule can look into; a packet of another one has none of that.
_PROTOCOLS = (*TRANSPORTS, "th", "icmp", "icmpv6", "gre", "esp", "ah", "comp", "udplite", "dccp", "arp")


def drops(ruleset: Ruleset, chain: Chain, packet: Packet, owner: str = "", kept: Rule | None = None) -> bool:
    """Return whether a base chain throws the packet away.

    With the comment of an `owner`: whether it would with `kept` as that one's only rule, and without what other owners
    have opened, who may close it at any time.
    """
    outcome = _follow(ruleset, chain, packet, (owner, kept), 0)
    return (outcome or chain.policy) == _DROP


def _follow(ruleset: Ruleset, chain: Chain | None, packet: Packet, owner: tuple[str, Rule | None], depth: int) -> str:
    if chain is None or depth > _DEEPEST:
        return _ON
    for rule in chain.rules:
        opened = rule.comment.startswith(COMMENT_PREFIX) and rule.expr[-1:] == ({"accept": None},)
        if owner[0] and (opened or rule.comment == owner[0]) and rule != owner[1]:
            continue
        held = {_holds(ruleset, chain.key, part, packet) for part in rule.expr}
        if held & {_NO, _NARROW}:
            continue
        for verdict in _verdicts(ruleset, chain.key, rule.expr, packet):
            ((kind, value),) = verdict.items()
            if kind in ("drop", "reject"):
                return _DROP
            if kind in ("jump", "goto"):
                target = ruleset.chains.get(chain.key._replace(name=value["target"]))
                outcome = _follow(ruleset, target, packet, owner, depth + 1)
                if outcome == _DROP or (outcome and _MAYBE not in held):
                    return outcome
                if kind == "goto" and _MAYBE not in held:
                    return _ON
            elif kind == "accept" and _MAYBE not in held:
                return _ACCEPT
            elif kind == "return" and _MAYBE not in held:
                return _ON
    return _ON


def _verdicts(ruleset: Ruleset, key: ChainKey, expr: Iterable[Any], packet: Packet) -> list[dict[str, Any]]:
    """Return what the rule then does: none when it only counts; several when it is not known which."""
    last: Any = None
    for part in expr:
        last = part
        if isinstance(part, dict) and "vmap" in part:
            return _mapped(ruleset, key, part["vmap"], packet)
        if isinstance(part, dict) and part.keys() & {"accept", "drop", "reject", "return", "jump", "goto"}:
            return [part]
    if isinstance(last, dict) and "xt" in last:
        # Before nftables 1.0.7 or so the listing does not tell what it is; refusing is what has to be undone.
        if not last["xt"]:
            return [{"drop": None}]
        if last["xt"].get("type") == "target" and last["xt"].get("name") in _REFUSING_TARGETS:
            return [{"drop": None}]
    return []


def _mapped(ruleset: Ruleset, key: ChainKey, vmap: Any, packet: Packet) -> list[dict[str, Any]]:
    data = vmap["data"]
    entries = _elements(ruleset, key, data)
    sure, possible = [], []
    for entry in entries:
        if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], dict):
            continue
        held = _compared(ruleset, key, vmap["key"], "==", entry[0], packet)
        if held == _YES:
            sure.append(entry[1])
        elif held == _MAYBE and "accept" not in entry[1]:
            possible.append(entry[1])
    return sure or possible


def _holds(ruleset: Ruleset, key: ChainKey, part: Any, packet: Packet) -> str:
    if not isinstance(part, dict):
        return _YES
    if "match" in part:
        match = part["match"]
        return _compared(ruleset, key, match["left"], match["op"], match["right"], packet)
    xt = part.get("xt")
    if xt and xt.get("type") == "match" and xt.get("name") != "comment":
        return _NARROW
    return _NARROW if part.keys() & {"limit", "quota", "ct count"} else _YES


def _compared(ruleset: Ruleset, key: ChainKey, left: Any, operator: str, right: Any, packet: Packet) -> str:
    value = _value(left, packet)
    if value in (_NO, _NARROW):
        return str(value)
    if operator in ("==", "in", "!="):
        held = _contains(ruleset, key, right, value)
        if operator == "!=":
            return {_YES: _NO, _NO: _YES}.get(held, held)
        return held
    return _MAYBE


def _value(left: Any, packet: Packet) -> Any:
    """Return what the packet has there: a value, or _NO when it can't be one of those, or _NARROW; "" is a device."""
    kind, about = next(iter(left.items())) if isinstance(left, dict) and left else ("", None)
    if not isinstance(about, dict):
        return _NARROW
    if kind == "payload" and "field" in about:
        return _payload_value(about["protocol"], about["field"], packet)
    if kind == "meta":
        return {
            "l4proto": NUMBERS[packet.protocol],
            "nfproto": "ipv6" if packet.ipv6 else "ipv4",
            "protocol": "ip6" if packet.ipv6 else "ip",
            "pkttype": "host",
            **dict.fromkeys(_DEVICES, ""),
        }.get(about["key"], _NARROW)
    if kind == "ct" and about.get("key") == "state":
        return packet.state
    if kind == "fib" and about.get("result") == "type" and "daddr" in about.get("flags", ()) and packet.arrives:
        return "local"
    return _NARROW


def _payload_value(protocol: str, field: str, packet: Packet) -> Any:
    if protocol in ("ip", "ip6"):
        if (protocol == "ip6") != packet.ipv6:
            return _NO
        known: Any = {"saddr": packet.source, "daddr": packet.destination}.get(field)
        return NUMBERS[packet.protocol] if field in ("protocol", "nexthdr") else known or _NARROW
    if protocol == packet.protocol or (protocol == "th" and packet.protocol in TRANSPORTS):
        known = {"sport": packet.sport, "dport": packet.dport, "type": packet.error or None}.get(field)
        return _NARROW if known is None else known
    return _NO if protocol in _PROTOCOLS else _NARROW


def _contains(ruleset: Ruleset, key: ChainKey, right: Any, value: Any) -> str:
    """Return whether the right side of a match has the value."""
    if isinstance(right, list):
        found = {_contains(ruleset, key, one, value) for one in right}
        return _YES if _YES in found else _MAYBE if _MAYBE in found else _NO
    if (isinstance(right, str) and right.startswith("@")) or (isinstance(right, dict) and right.keys() & {"set", "|"}):
        return _contains(ruleset, key, list(_elements(ruleset, key, right)), value)
    if isinstance(right, dict) and "elem" in right:
        return _contains(ruleset, key, right["elem"].get("val"), value)
    if value == "":  # a device: any but lo, which nobody's packets come in through
        return _NO if right == "lo" else _MAYBE
    if value == 0:  # some port
        return _MAYBE
    if isinstance(right, dict) and "range" in right:
        low, high = right["range"]
        return _MAYBE if type(low) is not type(value) else _within(low, high, value)
    if isinstance(right, dict) and "prefix" in right:
        network = f"{right['prefix']['addr']}/{right['prefix']['len']}"
        return _YES if ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False) else _NO
    if isinstance(right, (str, int)):
        same = protocol_number(right) == value if isinstance(value, int) else right in (value, "*")
        return _YES if same else _NO
    return _MAYBE


def _within(low: Any, high: Any, value: Any) -> str:
    if isinstance(value, str):
        low, high, value = ipaddress.ip_address(low), ipaddress.ip_address(high), ipaddress.ip_address(value)
    return _YES if low <= value <= high else _NO


def _elements(ruleset: Ruleset, key: ChainKey, right: Any) -> Sequence[Any]:
    if isinstance(right, str):
        return ruleset.sets.get(key._replace(name=right[1:]), ())
    elements = right.get("set", right.get("|", ())) if isinstance(right, dict) else ()
    return elements if isinstance(elements, list) else [elements]
