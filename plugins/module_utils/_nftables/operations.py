# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change nftables, and what the kernel makes of the rules by each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Union

from .ruleset import Chain, ChainKey, Rule, Ruleset, describe

OWN_FAMILY = "inet"


class InsertRule(NamedTuple):
    """Add an accepting rule to a chain, before the rule with the handle `before`, or at the end (0)."""

    chain: ChainKey
    rule: Rule
    words: str
    before: int = 0


class DeleteRule(NamedTuple):
    """Remove one of the owner's rules."""

    chain: ChainKey
    rule: Rule
    words: str


class MakeTable(NamedTuple):
    """Make the owner's table, with empty chains."""

    table: str
    chains: tuple[Chain, ...]

    @property
    def words(self) -> str:
        """The step for people."""
        return f"make table {OWN_FAMILY} {self.table}"


class RemoveTable(NamedTuple):
    """Remove the owner's table with all that is in it."""

    table: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"remove table {OWN_FAMILY} {self.table}"


class AddRule(NamedTuple):
    """Add a rule to a chain of the owner's table."""

    chain: ChainKey
    rule: Rule

    @property
    def words(self) -> str:
        """The step for people."""
        return own_words(self.rule)


NftOperation = Union[InsertRule, DeleteRule, MakeTable, RemoveTable, AddRule]


def own_words(rule: Rule) -> str:
    """Return what a rule in the owner's table does, in words."""
    return f"do not track {describe(rule)}" if {"notrack": None} in rule.expr else f"mark {describe(rule)}"


def simulate(ruleset: Ruleset, operation: NftOperation) -> Ruleset:
    """Return what the kernel makes of the rules by one step."""
    chains, tables = dict(ruleset.chains), set(ruleset.tables)
    if isinstance(operation, MakeTable):
        tables.add((OWN_FAMILY, operation.table))
        chains.update({chain.key: chain for chain in operation.chains})
    elif isinstance(operation, RemoveTable):
        tables.discard((OWN_FAMILY, operation.table))
        chains = {key: chain for key, chain in chains.items() if key[:2] != (OWN_FAMILY, operation.table)}
    else:
        chain = chains[operation.chain]
        rules: Iterable[Rule]
        if isinstance(operation, DeleteRule):
            rules = (rule for rule in chain.rules if rule.handle != operation.rule.handle)
        else:
            handle = 1 + max((rule.handle for one in chains.values() for rule in one.rules), default=0)
            added = operation.rule._replace(handle=handle)
            before = operation.before if isinstance(operation, InsertRule) else 0
            at = next((at for at, rule in enumerate(chain.rules) if rule.handle == before), len(chain.rules))
            rules = (*chain.rules[:at], added, *chain.rules[at:])
        chains[operation.chain] = chain._replace(rules=tuple(rules))
    return ruleset._replace(chains=chains, tables=frozenset(tables))
