# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of nftables as libnftables writes them in JSON (libnftables-json(5)): read, made, compared and told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._core.errors import MalformedAnswer
from .._core.protocols import PROTOCOLS, target_words

COMMENT_PREFIX = "lvs.cluster "  # how the comment of each of our rules begins; the owner's name follows
# What is known of an extension of iptables when its contents cannot be written as libnftables would.
CONNECTION_STATUS, OTHER_ADDRESS_TYPE, SET_OF_SOURCES = "conntrack status", "addrtype of another kind", "set of sources"
NUMBERS = {**PROTOCOLS, "icmp": 1, "icmpv6": 58}
PROTOCOL_NAMES = {number: name for name, number in NUMBERS.items()}
# A listing names protocols as the host's /etc/protocols does, where "ipip" is another one.
_LISTED = {**NUMBERS, "ipip": 94, "ipencap": 4, "ipv4": 4, "ipv6-icmp": 58}
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
    """Chains in the kernel's order; named sets by table and name; tables by family and name.

    `dynamic` names the sets that packets add to, or whose elements expire.
    """

    chains: Mapping[ChainKey, Chain]
    sets: Mapping[ChainKey, Sequence[Any]]
    tables: frozenset[tuple[str, str]] = frozenset()
    dynamic: frozenset[ChainKey] = frozenset()


def parse_ruleset(answer: Any) -> Ruleset:
    """Return what ``list ruleset`` says; raise MalformedAnswer for what is none."""
    chains: dict[ChainKey, Chain] = {}
    rules: dict[ChainKey, list[Rule]] = {}
    sets: dict[ChainKey, Sequence[Any]] = {}
    tables, dynamic = set(), set()
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
                key = ChainKey(value["family"], value["table"], value["name"])
                sets[key] = value.get("elem", ())
                if {"dynamic", "timeout"} & set(value.get("flags", ())) or "timeout" in value:
                    dynamic.add(key)
        complete = {key: chain._replace(rules=tuple(rules.get(key, ()))) for key, chain in chains.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(f"the list of nftables' rules ({type(error).__name__}: {error})") from None
    return Ruleset(complete, sets, frozenset(tables), frozenset(dynamic))


def describe(rule: Rule) -> str:
    """Return what one of our rules is for, in words such as ``tcp 192.0.2.30:80``."""
    found: dict[str, Any] = {}
    mark = ""
    for part in rule.expr:
        match = part.get("match", {"left": {}})
        if "payload" in match["left"]:
            about = match["left"]["payload"]
            found[about.get("field")] = written(match["right"])
            if about.get("field") not in ("saddr", "daddr"):
                found["protocol"] = about.get("protocol")
        elif "meta" in match["left"]:
            found["protocol"] = PROTOCOL_NAMES.get(protocol_number(match["right"]), match["right"])
        elif "mangle" in part:
            mark = f" with {part['mangle'].get('value')}"
    return (_told(found) if found else "a rule") + mark


def _told(found: Mapping[str, Any]) -> str:
    protocol, source, destination = (str(found.get(field, "")) for field in ("protocol", "saddr", "daddr"))
    if "type" in found:
        return f"{protocol} {found['type']} {'to' if destination else 'from'} {destination or source}"
    if "sport" in found or not destination:
        receiver = f" to {destination}" if destination else ""
        return f"replies of {target_words(source, protocol, _ports(found.get('sport')))}{receiver}"
    return target_words(destination, protocol, _ports(found.get("dport")), source)


def written(right: Any) -> Any:
    """Return a network or a range as people write it, and other values as they are."""
    if isinstance(right, dict) and "prefix" in right:
        return f"{right['prefix']['addr']}/{right['prefix']['len']}"
    if isinstance(right, dict) and "range" in right:
        return "-".join(map(str, right["range"]))
    return right


def _ports(right: Any) -> Sequence[int]:
    return right.get("set", ()) if isinstance(right, dict) else [right] if right else []


def canonical(expr: Sequence[Any]) -> tuple[Any, ...]:
    """Return the expressions so that those of two rules with one meaning, one made here and one listed, are equal."""
    return tuple(_canonical_part(part) for part in expr)


def _canonical_part(part: Any) -> Any:
    match = part.get("match") if isinstance(part, dict) else None
    if not isinstance(match, dict):
        return part
    left, right = match.get("left"), match.get("right")
    if left == {"meta": {"key": "l4proto"}}:
        right = protocol_number(right)
    elif isinstance(right, dict) and isinstance(right.get("set"), list):
        right = {"set": sorted(right["set"], key=str)}
    return {"match": {**match, "right": right}}


def protocol_number(value: Any) -> int:
    """Return the number of a protocol that is listed by name or by number; -1 for a name that is unknown."""
    if isinstance(value, int):
        return value
    return int(value) if str(value).isdigit() else _LISTED.get(str(value), -1)


def header_field(protocol: str, field: str) -> dict[str, Any]:
    """Return the expression for a field of a packet's header."""
    return {"payload": {"protocol": protocol, "field": field}}
