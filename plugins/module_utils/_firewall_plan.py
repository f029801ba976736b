# SPDX-License-Identifier: GPL-3.0-or-later
"""From the packet filter that is to one that lets the VIPs' packets through and marks them, and opens nothing else.

A packet has to be accepted by every base chain of a hook: accepting it in a table of one's own does not save it from
the next chain (nf_hook_slow in net/netfilter/core.c). So an opening is a rule at the head of each chain that would
throw the packet away. On a director IPVS takes packets at the input hook after the filters (ip_vs_remote_request4 at
NF_IP_PRI_NAT_SRC - 2, net/netfilter/ipvs/ip_vs_core.c), and sends what it forwards through the output hook, where
connection tracking does not know it (ip_vs_send_or_cont and ip_vs_notrack in ip_vs_xmit.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Union

from ._firewall_rules import (
    OURS,
    Chain,
    ChainKey,
    Packet,
    Rule,
    Ruleset,
    accept_rule,
    canonical,
    drops,
    mark_rule,
    told,
)
from ._firewall_wanted import Opening, WantedFirewall
from ._plan import Plan

_HOOKS = ("input", "output")
_MARK_FAMILY, _MARK_CHAIN, _MARK_PRIORITY = "inet", "prerouting", -150  # NF_IP_PRI_MANGLE


class InsertRule(NamedTuple):
    """Put an accepting rule at the head of a chain."""

    chain: ChainKey
    rule: Rule
    words: str


class DeleteRule(NamedTuple):
    """Remove one of the owner's rules."""

    chain: ChainKey
    rule: Rule
    words: str


class MakeTable(NamedTuple):
    """Make the owner's table, with the empty chain that marks packets."""

    table: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"make table {_MARK_FAMILY} {self.table}"

    @property
    def chain(self) -> Chain:
        """The chain, as it is to be."""
        key = ChainKey(_MARK_FAMILY, self.table, _MARK_CHAIN)
        return Chain(key, (), _MARK_CHAIN, "accept", _MARK_PRIORITY)


class RemoveTable(NamedTuple):
    """Remove the owner's table with all that is in it."""

    table: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"remove table {_MARK_FAMILY} {self.table}"


class AddMark(NamedTuple):
    """Add a rule that marks packets."""

    chain: ChainKey
    rule: Rule

    @property
    def words(self) -> str:
        """The step for people."""
        return f"mark {told(self.rule)}"


NftOperation = Union[InsertRule, DeleteRule, MakeTable, RemoveTable, AddMark]


def plan_nftables(
    ruleset: Ruleset, wanted: WantedFirewall, openings: Sequence[Opening] | None = None
) -> Plan[NftOperation]:
    """Return the way to the owner's openings and marks, and to nothing else.

    `openings` are those that nftables is to carry, all of the wanted ones unless something else does.
    """
    openings = wanted.openings if openings is None else openings
    operations = [*_plan_openings(ruleset, wanted.name, openings), *_plan_marks(ruleset, wanted)]
    later = ruleset
    for operation in operations:
        later = simulate(later, operation)
    return Plan(_shown(ruleset, wanted), _shown(later, wanted), tuple(operations))


def simulate(ruleset: Ruleset, operation: NftOperation) -> Ruleset:
    """Return what the kernel makes of the rules by one step."""
    chains, tables = dict(ruleset.chains), set(ruleset.tables)
    if isinstance(operation, MakeTable):
        tables.add((_MARK_FAMILY, operation.table))
        chains[operation.chain.key] = operation.chain
    elif isinstance(operation, RemoveTable):
        tables.discard((_MARK_FAMILY, operation.table))
        chains = {key: chain for key, chain in chains.items() if key[:2] != (_MARK_FAMILY, operation.table)}
    else:
        chain = chains[operation.chain]
        rules: Iterable[Rule]
        if isinstance(operation, DeleteRule):
            rules = (rule for rule in chain.rules if rule.handle != operation.rule.handle)
        else:
            handle = 1 + max((rule.handle for one in chains.values() for rule in one.rules), default=0)
            added = operation.rule._replace(handle=handle)
            rules = (added, *chain.rules) if isinstance(operation, InsertRule) else (*chain.rules, added)
        chains[operation.chain] = chain._replace(rules=tuple(rules))
    return ruleset._replace(chains=chains, tables=frozenset(tables))


def mark_table(name: str) -> str:
    """Return the name of an owner's table, which is of family inet."""
    return f"lvs-cluster-{name}"


def _plan_openings(ruleset: Ruleset, name: str, openings: Sequence[Opening]) -> list[NftOperation]:
    comment, operations = OURS + name, list[NftOperation]()
    for chain in ruleset.chains.values():
        if chain.key[:2] == (_MARK_FAMILY, mark_table(name)):
            continue  # its rules are marks
        left = [rule for rule in chain.rules if rule.comment == comment]
        insertions: list[NftOperation] = []
        for packet in _packets(chain, openings):
            rule = accept_rule(packet, comment)
            there = next((one for one in left if canonical(one.expr) == canonical(rule.expr)), None)
            if drops(ruleset, chain, packet, comment, there):
                insertions.append(InsertRule(chain.key, rule, f"open {_words(packet, rule)} in {chain.key}"))
            elif there:
                left.remove(there)
        # What is left is of an earlier declaration, there twice, or behind a rule that drops: that goes to the head.
        operations += [DeleteRule(chain.key, rule, f"close {told(rule)} in {chain.key}") for rule in left]
        operations += insertions
    return operations


def _packets(chain: Chain, openings: Sequence[Opening]) -> list[Packet]:
    if chain.hook not in _HOOKS:
        return []
    seen = [opening for opening in openings if chain.key.sees(opening.ipv6)]
    if chain.hook == "input":
        return [Packet(opening) for opening in seen]
    forwarded = [Packet(opening, state="untracked") for opening in seen]
    return forwarded + [Packet(opening, reply=True, state="established") for opening in seen]


def _words(packet: Packet, rule: Rule) -> str:
    return f"replies of {told(rule)}" if packet.reply else told(rule)


def _plan_marks(ruleset: Ruleset, wanted: WantedFirewall) -> list[NftOperation]:
    make = MakeTable(mark_table(wanted.name))
    there = (_MARK_FAMILY, make.table) in ruleset.tables
    if not wanted.marks:
        return [RemoveTable(make.table)] if there else []
    operations: list[NftOperation] = []
    chains = [chain for key, chain in ruleset.chains.items() if key[:2] == (_MARK_FAMILY, make.table)]
    # Another chain in it, or one elsewhere on the packet's way, is not of this collection's making: begin anew.
    if there and [chain._replace(rules=()) for chain in chains] != [make.chain]:
        operations.append(RemoveTable(make.table))
        there = False
    if not there:
        operations.append(make)
        chains = [make.chain]
    left = list(chains[0].rules)
    additions: list[NftOperation] = []
    for mark in wanted.marks:
        rule = mark_rule(mark, OURS + wanted.name)
        match = next((one for one in left if canonical(one.expr) == canonical(rule.expr)), None)
        if match:
            left.remove(match)
        else:
            additions.append(AddMark(make.chain.key, rule))
    operations += [DeleteRule(make.chain.key, rule, f"no longer mark {told(rule)}") for rule in left]
    return operations + additions


def _shown(ruleset: Ruleset, wanted: WantedFirewall) -> dict[str, Any]:
    comment, table = OURS + wanted.name, (_MARK_FAMILY, mark_table(wanted.name))
    openings: dict[str, list[str]] = {}
    marks: list[str] = []
    for key, chain in ruleset.chains.items():
        if key[:2] == table:
            marks += [told(rule) for rule in chain.rules]
        elif ours := [told(rule) for rule in chain.rules if rule.comment == comment]:
            openings[str(key)] = sorted(ours)
    return {"openings": openings, "marks": sorted(marks)}
