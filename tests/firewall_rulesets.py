# SPDX-License-Identifier: GPL-3.0-or-later
"""Rulesets as the tests of vip_firewall write them."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Opening
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Chain, ChainKey, Rule, Ruleset

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
RIP, RIP6, DIP = "192.0.2.4", "2001:db8::4", "192.0.2.3"
WEB, WEB6, ALL = Opening(VIP, "tcp", 80), Opening(VIP6, "tcp", 80), Opening(VIP, "tcp")
INPUT, SUB = ChainKey("inet", "filter", "input"), ChainKey("inet", "filter", "sub")
DROP, ACCEPT, RETURN = {"drop": None}, {"accept": None}, {"return": None}
REJECT: dict[str, Any] = {"reject": {"type": "icmpx", "expr": "port-unreachable"}}
JUMP, GOTO = {"jump": {"target": "sub"}}, {"goto": {"target": "sub"}}


def match(left: tuple[str, str], right: Any, op: str = "==") -> dict[str, Any]:
    """Return a match of a field of a protocol's header, of `meta` or of `ct`."""
    kind, name = left
    about: Any = {kind: {"key": name}} if kind in ("meta", "ct") else {"payload": {"protocol": kind, "field": name}}
    return {"match": {"op": op, "left": about, "right": right}}


def ruleset(
    *rules: list[Any], policy: str = "accept", sub: tuple[list[Any], ...] = (), family: str = "inet"
) -> Ruleset:
    """Return a table with a base chain of the input hook and a chain to jump to."""
    numbered = [Rule(tuple(expr), "", handle) for handle, expr in enumerate((*rules, *sub), 1)]
    top, below = tuple(numbered[: len(rules)]), tuple(numbered[len(rules) :])
    keys = INPUT._replace(family=family), SUB._replace(family=family)
    chains = {keys[0]: Chain(keys[0], top, "input", policy), keys[1]: Chain(keys[1], below)}
    sets = {keys[0]._replace(name="ports"): [22, {"range": [80, 90]}], keys[0]._replace(name="gone"): []}
    return Ruleset(chains, sets, frozenset([(family, "filter")]))


DPORT, LO = ("tcp", "dport"), match(("meta", "iifname"), "lo")
