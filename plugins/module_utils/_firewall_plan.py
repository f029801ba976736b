# SPDX-License-Identifier: GPL-3.0-or-later
"""From the packet filter that is to one that lets the VIPs' packets through and marks them, and opens nothing else.

A packet has to be accepted by every base chain of a hook: accepting it in a table of one's own does not save it from
the next chain (nf_hook_slow in net/netfilter/core.c). So an opening is a rule at the head of each chain that would
throw the packet away. On a director IPVS takes packets at the input hook after the filters (ip_vs_remote_request4 at
NF_IP_PRI_NAT_SRC - 2, net/netfilter/ipvs/ip_vs_core.c), and sends what it forwards through the output hook, where
connection tracking does not know it (ip_vs_send_or_cont and ip_vs_notrack in ip_vs_xmit.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._firewall_rules import OURS, Chain, Packet, Rule, Ruleset, accept_rule, canonical, drops, told
from ._firewall_steps import OWN_FAMILY, DeleteRule, InsertRule, NftOperation, simulate
from ._firewall_table import plan_table
from ._firewall_wanted import Opening, WantedFirewall
from ._nft_owner import owner_table
from ._plan import Plan

_HOOKS = ("input", "output")
# Chains of firewalld in each of its versions and backends, and the name of the table that is its alone.
_FIREWALLD_TABLE, _FIREWALLD_CHAINS = "firewalld", {"INPUT_ZONES", "INPUT_direct"}


def plan_nftables(ruleset: Ruleset, wanted: WantedFirewall, carrier: str = "nftables") -> Plan[NftOperation]:
    """Return the way to the owner's openings and marks, and to nothing else.

    `carrier` is what holds the openings. Beside `firewalld` nftables opens whatever other filter there is; beside
    `none` it only marks.
    """
    openings = () if carrier == "none" else wanted.openings
    with_firewalld = carrier == "firewalld"
    # Chains that drop what is invalid can be opened, but for those of firewalld: there nothing may be invalid.
    untracked = openings if wanted.untracked and with_firewalld else ()
    states = ("untracked",) if untracked else ("new", "invalid") if wanted.untracked else ("new",)
    operations = [
        *_plan_openings(ruleset, wanted.name, openings, states, firewalld_tables(ruleset) if with_firewalld else set()),
        *plan_table(ruleset, wanted.name, wanted.marks, untracked),
    ]
    later = ruleset
    for operation in operations:
        later = simulate(later, operation)
    return Plan(_shown(ruleset, wanted), _shown(later, wanted), tuple(operations))


def firewalld_tables(ruleset: Ruleset) -> set[tuple[str, str]]:
    """Return family and name of the tables that a running firewalld has made."""
    return {key[:2] for key in ruleset.chains if key.table == _FIREWALLD_TABLE or key.name in _FIREWALLD_CHAINS}


def _plan_openings(
    ruleset: Ruleset, name: str, openings: Sequence[Opening], states: Sequence[str], others: set[tuple[str, str]]
) -> list[NftOperation]:
    comment, operations = OURS + name, list[NftOperation]()
    for chain in ruleset.chains.values():
        if chain.key[:2] == (OWN_FAMILY, owner_table(name)):
            continue  # its rules open nothing
        left = [rule for rule in chain.rules if rule.comment == comment]
        insertions: list[NftOperation] = []
        for packets in [] if chain.key[:2] in others else _packets(chain, openings, states):
            rule = accept_rule(packets[0], comment)
            there = next((one for one in left if canonical(one.expr) == canonical(rule.expr)), None)
            if any(drops(ruleset, chain, packet, comment, there) for packet in packets):
                insertions.append(InsertRule(chain.key, rule, f"open {_words(packets[0], rule)} in {chain.key}"))
            elif there:
                left.remove(there)
        # What is left is of an earlier declaration, there twice, or behind a rule that drops: that goes to the head.
        operations += [DeleteRule(chain.key, rule, f"close {told(rule)} in {chain.key}") for rule in left]
        operations += insertions
    return operations


def _packets(chain: Chain, openings: Sequence[Opening], states: Sequence[str]) -> list[list[Packet]]:
    """Return the packets that have to pass a chain; those that one rule lets through are together."""
    if chain.hook not in _HOOKS:
        return []
    seen = [opening for opening in openings if chain.key.sees(opening.ipv6)]
    if chain.hook == "input":
        return [[Packet(opening, state=state) for state in states] for opening in seen]
    forwarded = [[Packet(opening, state="untracked")] for opening in seen]
    return forwarded + [[Packet(opening, reply=True, state="established")] for opening in seen]


def _words(packet: Packet, rule: Rule) -> str:
    return f"replies of {told(rule)}" if packet.reply else told(rule)


def _shown(ruleset: Ruleset, wanted: WantedFirewall) -> dict[str, Any]:
    comment, table = OURS + wanted.name, (OWN_FAMILY, owner_table(wanted.name))
    openings: dict[str, list[str]] = {}
    marks: list[str] = []
    untracked: list[str] = []
    for key, chain in ruleset.chains.items():
        if key[:2] == table:
            for rule in chain.rules:
                (untracked if {"notrack": None} in rule.expr else marks).append(told(rule))
        elif ours := [told(rule) for rule in chain.rules if rule.comment == comment]:
            openings[str(key)] = sorted(ours)
    return {"openings": openings, "marks": sorted(marks), "untracked": sorted(untracked)}
