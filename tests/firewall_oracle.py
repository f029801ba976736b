# SPDX-License-Identifier: GPL-3.0-or-later
"""What nf_tables does with one packet of which all is known: a second opinion on vip_firewall's evaluation.

It reads rules alone that `administrators` in test_decide.py draws, one packet after the other, as the kernel does.
"""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Chain, ChainKey, Rule, Ruleset

_NUMBERS = {"tcp": 6, "udp": 17}


class Wire(NamedTuple):
    """A packet; `lucky` says whether it is within each rate limit."""

    source: str
    destination: str
    protocol: str
    dport: int
    device: str = "eth0"
    state: str = "new"
    flag: str = "syn"
    lucky: bool = True
    mark: int = 0


class Outcome(NamedTuple):
    """What becomes of a packet, the rule that says so (None: the policy), and the rules that led to its chain."""

    verdict: str
    rule: Rule | None
    way: tuple[Rule, ...]
    chain: ChainKey


def outcome(ruleset: Ruleset, base: Chain, wire: Wire) -> Outcome:
    """Return what a base chain does with a packet."""
    found = _walk(ruleset, base, wire, (), base.policy)
    return found or Outcome(base.policy, None, (), base.key)


def _walk(ruleset: Ruleset, chain: Chain, wire: Wire, way: tuple[Rule, ...], policy: str) -> Outcome | None:
    """Return what a chain does; with a `policy` that is what a return means there."""
    for rule in chain.rules:
        if not all(_matches(ruleset, chain.key, part["match"], wire) for part in rule.expr if "match" in part):
            continue
        if any("limit" in part for part in rule.expr) and not wire.lucky:
            continue
        verdict = rule.expr[-1]
        if "vmap" in verdict:
            value = _value(verdict["vmap"]["key"], wire)
            chosen = [then for key, then in verdict["vmap"]["data"]["set"] if _is(ruleset, chain.key, key, value)]
            if not chosen:
                continue
            verdict = chosen[0]
        if "jump" in verdict or "goto" in verdict:
            ((kind, about),) = verdict.items()
            below = ruleset.chains[chain.key._replace(name=about["target"])]
            found = _walk(ruleset, below, wire, (*way, rule), policy if kind == "goto" else "")
            if found or kind == "goto":
                return found
        elif "return" in verdict:
            return Outcome(policy, rule, way, chain.key) if policy else None
        elif verdict.keys() & {"accept", "drop", "reject"}:
            return Outcome("accept" if "accept" in verdict else "drop", rule, way, chain.key)
    return None


def _matches(ruleset: Ruleset, key: ChainKey, match: dict[str, Any], wire: Wire) -> bool:
    value = _value(match["left"], wire)
    if value is None:
        return False
    return _is(ruleset, key, match["right"], value) != (match["op"] == "!=")


def _value(left: dict[str, Any], wire: Wire) -> Any:
    if "concat" in left:
        return [_value(one, wire) for one in left["concat"]]
    if "payload" in left:
        protocol, field = left["payload"]["protocol"], left["payload"]["field"]
        if protocol in ("ip", "ip6"):
            if (protocol == "ip6") != (":" in wire.destination):
                return None
            return wire.source if field == "saddr" else wire.destination
        return wire.dport if protocol in (wire.protocol, "th") and field == "dport" else None
    if "meta" in left:
        return {"iifname": wire.device, "l4proto": _NUMBERS[wire.protocol], "mark": wire.mark}[left["meta"]["key"]]
    return wire.state


def _is(ruleset: Ruleset, key: ChainKey, right: Any, value: Any) -> bool:
    if isinstance(right, str) and right.startswith("@"):
        return any(_is(ruleset, key, one, value) for one in ruleset.sets[key._replace(name=right[1:])])
    if isinstance(right, list):
        return any(_is(ruleset, key, one, value) for one in right)
    if isinstance(right, dict) and "set" in right:
        return _is(ruleset, key, right["set"], value)
    if isinstance(right, dict) and "concat" in right:
        return all(_is(ruleset, key, one, part) for one, part in zip(right["concat"], value))
    if isinstance(right, dict) and "range" in right:
        low, high = right["range"]
        return bool(low <= value <= high)
    if isinstance(right, dict) and "prefix" in right:
        network = ipaddress.ip_network(f"{right['prefix']['addr']}/{right['prefix']['len']}")
        return ipaddress.ip_address(value) in network
    return bool(right == value or (right == "tcp" and value == 6))
