# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's own table in nftables: marks, and packets that connection tracking leaves alone.

On a director IPVS takes each packet before connection tracking has its connection confirmed (nf_confirm runs last; and
ip_vs_send_or_cont in net/netfilter/ipvs/ip_vs_xmit.c), so that none belongs to one that is known: to tcp_new in
nf_conntrack_proto_tcp.c an ACK begins one, and each FIN and RST is invalid.
A filter that drops what is invalid before all else, as firewalld does, must not get to see them as that.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._nftables.names import owner_table
from .._nftables.operations import OWN_FAMILY, AddRule, DeleteRule, MakeTable, NftOperation, RemoveTable, own_words
from .._nftables.ruleset import COMMENT_PREFIX, Chain, ChainKey, Rule, Ruleset, canonical
from .options import Mark
from .packets import Packet
from .rules import mark_rule, untracked_rule

_HOOK = "prerouting"
# The names of the chains with their priorities: NF_IP_PRI_RAW and NF_IP_PRI_MANGLE.
_UNTRACKED, _MARKS = ("raw", -300), ("prerouting", -150)


def plan_table(ruleset: Ruleset, name: str, marks: Sequence[Mark], untracked: Sequence[Packet]) -> list[NftOperation]:
    """Return the way to the owner's table; there is none when it would hold nothing."""
    table, comment = owner_table(name), COMMENT_PREFIX + name
    content = {
        _chain(table, *_UNTRACKED): [untracked_rule(packet, comment) for packet in untracked],
        _chain(table, *_MARKS): [mark_rule(mark, comment) for mark in marks],
    }
    content = {chain: rules for chain, rules in content.items() if rules}
    there = (OWN_FAMILY, table) in ruleset.tables
    if not content:
        return [RemoveTable(table)] if there else []
    chains = {key: chain for key, chain in ruleset.chains.items() if key[:2] == (OWN_FAMILY, table)}
    operations: list[NftOperation] = []
    # With another chain in it than these, or one elsewhere on the packet's way, begin anew: it is one transaction.
    if not there or {chain._replace(rules=()) for chain in chains.values()} != set(content):
        operations = [RemoveTable(table)] if there else []
        operations.append(MakeTable(table, tuple(content)))
        chains = {chain.key: chain for chain in content}
    for chain, rules in content.items():
        operations += _plan_chain(chains[chain.key], rules)
    return operations


def _chain(table: str, name: str, priority: int) -> Chain:
    return Chain(ChainKey(OWN_FAMILY, table, name), (), _HOOK, "accept", priority)


def _plan_chain(chain: Chain, wanted: Sequence[Rule]) -> list[NftOperation]:
    left = list(chain.rules)
    additions: list[NftOperation] = []
    for rule in wanted:
        match = next((one for one in left if canonical(one.expr) == canonical(rule.expr)), None)
        if match:
            left.remove(match)
        else:
            additions.append(AddRule(chain.key, rule))
    return [*(DeleteRule(chain.key, rule, f"no longer {own_words(rule)}") for rule in left), *additions]
