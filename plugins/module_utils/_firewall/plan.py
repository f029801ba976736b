# SPDX-License-Identifier: GPL-3.0-or-later
"""From the packet filter that is to one that lets the VIPs' packets through and marks them, and opens nothing else.

A packet has to be accepted by every base chain of a hook: accepting it in a table of one's own does not save it from
the next chain (nf_hook_slow in net/netfilter/core.c). So an opening is a rule at the head of each chain that would
throw the packet away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.plan import Plan
from .._nftables.names import owner_table
from .._nftables.operations import OWN_FAMILY, DeleteRule, InsertRule, NftOperation, simulate
from .._nftables.ruleset import COMMENT_PREFIX, Chain, Rule, Ruleset, canonical, describe
from .evaluate import drops
from .options import WantedFirewall
from .packets import Packet, packets_at, untracked_packets
from .rules import accept_rule
from .table import plan_table

# Chains of firewalld in each of its versions and backends, and the name of the table that is its alone.
_FIREWALLD_TABLE, _FIREWALLD_CHAINS = "firewalld", {"INPUT_ZONES", "INPUT_direct"}


def plan_nftables(ruleset: Ruleset, wanted: WantedFirewall, carrier: str = "nftables") -> Plan[NftOperation]:
    """Return the way to the owner's openings and marks, and to nothing else.

    `carrier` is what holds the openings. Beside `firewalld` nftables opens whatever other filter there is; beside
    `none` it only marks.
    """
    if carrier == "none":
        wanted = wanted._replace(openings=(), purge=True)
    with_firewalld = carrier == "firewalld"
    # Chains that drop what is invalid can be opened, but for those of firewalld: there nothing may be invalid.
    untracked = untracked_packets(wanted.openings) if wanted.untracked and with_firewalld else ()
    states = ("untracked",) if untracked else ("new", "invalid") if wanted.untracked else ("new",)
    left_alone = firewalld_tables(ruleset) if with_firewalld else set()
    operations: list[NftOperation] = []
    former: set[str] = set()
    for chain in ruleset.chains.values():
        steps, kept = _plan_chain(ruleset, chain, wanted, () if chain.key[:2] in left_alone else states)
        operations += steps
        former.update(map(describe, kept))
    operations += plan_table(ruleset, wanted.name, wanted.marks, untracked)
    later = ruleset
    for operation in operations:
        later = simulate(later, operation)
    results = {"former": sorted(former)}
    return Plan(_shown(ruleset, wanted), _shown(later, wanted), tuple(operations), results)


def firewalld_tables(ruleset: Ruleset) -> set[tuple[str, str]]:
    """Return family and name of the tables that a running firewalld has made."""
    return {key[:2] for key in ruleset.chains if key.table == _FIREWALLD_TABLE or key.name in _FIREWALLD_CHAINS}


def _plan_chain(
    ruleset: Ruleset, chain: Chain, wanted: WantedFirewall, states: Sequence[str]
) -> tuple[list[NftOperation], list[Rule]]:
    """Return the way of one chain, and the rules of an earlier declaration that stay.

    Without `states` no packet of an opening meets it.
    """
    if chain.key[:2] == (OWN_FAMILY, owner_table(wanted.name)):
        return [], []  # its rules open nothing
    comment = COMMENT_PREFIX + wanted.name
    met: dict[str, tuple[Rule, list[Packet]]] = {}
    for packets in packets_at(chain.hook, chain.priority, wanted.openings, states) if states else ():
        if chain.key.sees(packets[0].ipv6):
            rule = accept_rule(packets[0], comment)
            met.setdefault(_meaning(rule), (rule, []))[1].extend(packets)
    left = [rule for rule in chain.rules if rule.comment == comment]
    insertions: list[NftOperation] = []
    for meaning, (rule, packets) in met.items():
        there = next((one for one in left if _meaning(one) == meaning), None)
        if any(drops(ruleset, chain, packet, comment, there) for packet in packets):
            insertions.append(InsertRule(chain.key, rule, f"open {describe(rule)} in {chain.key}"))
        elif there:
            left.remove(there)
    # What is left is there twice, or behind a rule that drops (that goes to the head), or of an earlier declaration.
    gone = [rule for rule in left if wanted.purge or _meaning(rule) in met]
    closures = [DeleteRule(chain.key, rule, f"close {describe(rule)} in {chain.key}") for rule in gone]
    return [*closures, *insertions], [rule for rule in left if rule not in gone]


def _meaning(rule: Rule) -> str:
    return repr(canonical(rule.expr))


def _shown(ruleset: Ruleset, wanted: WantedFirewall) -> dict[str, Any]:
    comment, table = COMMENT_PREFIX + wanted.name, (OWN_FAMILY, owner_table(wanted.name))
    openings: dict[str, list[str]] = {}
    marks: list[str] = []
    untracked: list[str] = []
    for key, chain in ruleset.chains.items():
        if key[:2] == table:
            for rule in chain.rules:
                (untracked if {"notrack": None} in rule.expr else marks).append(describe(rule))
        elif ours := [describe(rule) for rule in chain.rules if rule.comment == comment]:
            openings[str(key)] = sorted(ours)
    return {"openings": openings, "marks": sorted(marks), "untracked": sorted(untracked)}
