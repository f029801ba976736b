# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of nftables as libnftables writes them in JSON (libnftables-json(5)): read, made, and followed by a packet."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ._errors import MalformedAnswer
from ._firewall_wanted import PROTOCOLS, Mark, Opening

OURS = "lvs.cluster "  # how the comment of each of our rules begins; the owner's name follows
_NUMBERS = {str(number): name for name, number in PROTOCOLS.items()}
# Which families a chain of a table sees, by the table's own.
_FAMILIES = {"ip": (False,), "ip6": (True,), "inet": (False, True)}


class Rule(NamedTuple):
    """One rule: `handle` is the kernel's name for it, unique in its table."""

    expr: tuple[Any, ...]
    comment: str = ""
    handle: int = 0


class ChainKey(NamedTuple):
    """What names a chain."""

    family: str
    table: str
    name: str

    def __str__(self) -> str:
        return " ".join(self)

    def sees(self, ipv6: bool) -> bool:
        """Whether packets of this address family come through it."""
        return ipv6 in _FAMILIES.get(self.family, ())


class Chain(NamedTuple):
    """A chain and its rules in their order; `hook`, `policy` and `priority` are those of base chains."""

    key: ChainKey
    rules: tuple[Rule, ...] = ()
    hook: str = ""
    policy: str = "accept"
    priority: int = 0


class Ruleset(NamedTuple):
    """Chains in the kernel's order; named sets by table and name; tables by family and name."""

    chains: Mapping[ChainKey, Chain]
    sets: Mapping[ChainKey, Sequence[Any]]
    tables: frozenset[tuple[str, str]] = frozenset()


class Packet(NamedTuple):
    """The first packet of anybody to an opening; with `reply` the answer to it.

    `state` is what connection tracking makes of it, in the words of `ct state`.
    """

    opening: Opening
    reply: bool = False
    state: str = "new"


def parse_ruleset(answer: Any) -> Ruleset:
    """Return what ``list ruleset`` says; raise MalformedAnswer for what is none."""
    chains: dict[ChainKey, Chain] = {}
    rules: dict[ChainKey, list[Rule]] = {}
    sets: dict[ChainKey, Sequence[Any]] = {}
    tables = set()
    try:
        for item in answer["nftables"]:
            ((kind, value),) = item.items()
            if kind == "table":
                tables.add((value["family"], value["name"]))
            elif kind == "chain":
                key = ChainKey(value["family"], value["table"], value["name"])
                about = value.get("hook", ""), value.get("policy", "accept"), value.get("prio", 0)
                chains[key] = Chain(key, (), *about)
            elif kind == "rule":
                key = ChainKey(value["family"], value["table"], value["chain"])
                rule = Rule(tuple(value.get("expr", ())), value.get("comment") or "", value["handle"])
                rules.setdefault(key, []).append(rule)
            elif kind in ("set", "map"):
                sets[ChainKey(value["family"], value["table"], value["name"])] = value.get("elem", ())
        complete = {key: chain._replace(rules=tuple(rules.get(key, ()))) for key, chain in chains.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(f"the list of nftables' rules ({type(error).__name__}: {error})") from None
    return Ruleset(complete, sets, frozenset(tables))


def _match(left: Any, right: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": left, "right": right}}


def _payload(protocol: str, field: str) -> dict[str, Any]:
    return {"payload": {"protocol": protocol, "field": field}}


def _address_match(address: str, field: str = "daddr") -> dict[str, Any]:
    return _match(_payload("ip6" if ":" in address else "ip", field), address)


def accept_rule(packet: Packet, comment: str) -> Rule:
    """Return the rule that lets a packet, and all that follow it, through one base chain."""
    address, protocol, port = packet.opening
    where, end = ("saddr", "sport") if packet.reply else ("daddr", "dport")
    what = _match(_payload(protocol, end), port) if port else _protocol_match(protocol)
    return Rule((_address_match(address, where), what, {"accept": None}), comment)


def mark_rule(mark: Mark, comment: str) -> Rule:
    """Return the rule that gives the packets to a VIP their mark."""
    what = (
        _match(_payload(mark.protocol, "dport"), _some_of(mark.ports)) if mark.ports else _protocol_match(mark.protocol)
    )
    change = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": mark.mark}}
    return Rule((_address_match(mark.address), what, change), comment)


def untracked_rule(opening: Opening, comment: str) -> Rule:
    """Return the rule that keeps packets to an opening out of connection tracking."""
    _address, protocol, port = opening
    what = _match(_payload(protocol, "dport"), port) if port else _protocol_match(protocol)
    return Rule((_address_match(opening.address), what, {"notrack": None}), comment)


def _some_of(ports: Sequence[int]) -> Any:
    return ports[0] if len(ports) == 1 else {"set": list(ports)}


def _protocol_match(protocol: str) -> dict[str, Any]:
    return _match({"meta": {"key": "l4proto"}}, PROTOCOLS[protocol])


def told(rule: Rule) -> str:
    """Return what one of our rules is for, in words such as ``tcp 192.0.2.30:80``."""
    address, end, mark = "", "", ""
    for part in rule.expr:
        match, mangle = part.get("match"), part.get("mangle")
        if mangle:
            mark = f" with {mangle.get('value')}"
        if not match:
            continue
        about, right = match["left"].get("payload", {}), match["right"]
        if about.get("field") in ("daddr", "saddr"):
            address = f"[{right}]" if ":" in str(right) else str(right)
        elif about:
            ports = right.get("set", ()) if isinstance(right, dict) else [right]
            end = f"{about.get('protocol')} {address}:{','.join(map(str, ports))}"
        else:
            end = f"{protocol_name(right)} {address}:*"
    return (end or address or "a rule") + mark


def canonical(expr: Sequence[Any]) -> tuple[Any, ...]:
    """Return the expressions so that those of two rules with one meaning, one made here and one listed, are equal."""
    return tuple(_canonical_part(part) for part in expr)


def _canonical_part(part: Any) -> Any:
    match = part.get("match") if isinstance(part, dict) else None
    if not isinstance(match, dict):
        return part
    left, right = match.get("left"), match.get("right")
    if left == {"meta": {"key": "l4proto"}}:
        right = protocol_name(right)
    elif isinstance(right, dict) and isinstance(right.get("set"), list):
        right = {"set": sorted(right["set"], key=str)}
    return {"match": {**match, "right": right}}


def protocol_name(value: Any) -> str:
    """Return the name of a protocol that a listing gives by name or, without /etc/protocols, by number."""
    return _NUMBERS.get(str(value), str(value))


# What a part of a rule means for the packet: it holds; it does not; it may (for which device, say); it is about what
# is not known of anybody's packet (where it comes from, how many there were), so that it rather does not.
_YES, _NO, _MAYBE, _NARROW = "yes", "no", "maybe", "narrow"
_ACCEPT, _DROP, _ON = "accept", "drop", ""
_DEVICES = ("iif", "iifname", "oif", "oifname")
_REFUSING_TARGETS = ("REJECT", "DROP", "TARPIT")
_DEEPEST = 16  # NFT_JUMP_STACK_SIZE


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
        opened = rule.comment.startswith(OURS) and rule.expr[-1:] == ({"accept": None},)
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
    opening = packet.opening
    if kind == "payload" and "field" in about:
        return _payload_value(about["protocol"], about["field"], packet)
    if kind == "meta":
        return {
            "l4proto": opening.protocol,
            "nfproto": "ipv6" if opening.ipv6 else "ipv4",
            "protocol": "ip6" if opening.ipv6 else "ip",
            "pkttype": "host",
            **dict.fromkeys(_DEVICES, ""),
        }.get(about["key"], _NARROW)
    if kind == "ct" and about.get("key") == "state":
        return packet.state
    if kind == "fib" and about.get("result") == "type" and "daddr" in about.get("flags", ()) and not packet.reply:
        return "local"
    return _NARROW


def _payload_value(protocol: str, field: str, packet: Packet) -> Any:
    address, name, port = packet.opening
    if protocol in ("ip", "ip6"):
        if (protocol == "ip6") != packet.opening.ipv6:
            return _NO
        if field in ("protocol", "nexthdr"):
            return name
        return address if field == ("saddr" if packet.reply else "daddr") else _NARROW
    if protocol in PROTOCOLS or protocol == "th":
        if protocol not in (name, "th"):
            return _NO
        return port if field == ("sport" if packet.reply else "dport") else _NARROW
    return _NO if protocol in ("icmp", "icmpv6", "arp", "esp", "ah", "comp", "udplite", "dccp") else _NARROW


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
        same = right == value or protocol_name(right) == value or (right == "*")
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
