# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's nftables through libnftables' own Python binding: listed, and changed in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._nftables.library import Nft
from .._nftables.operations import OWN_FAMILY, AddRule, DeleteRule, InsertRule, MakeTable, NftOperation, RemoveTable
from .._nftables.owned import read_extensions
from .._nftables.ruleset import Chain, ChainKey, Rule, Ruleset, parse_ruleset
from .._nftables.xt import translate


class NftClient(Nft):
    """Reads and changes the rules of nftables."""

    def __init__(self) -> None:
        super().__init__("the packet filter")

    def read(self) -> Ruleset:
        """Return every rule there is."""
        ruleset = parse_ruleset(self._ask([{"list": {"ruleset": None}}], "list the rules of nftables"))
        if not any(_extended(rule) for chain in ruleset.chains.values() for rule in chain.rules):
            return ruleset
        read = read_extensions()
        chains = {
            key: chain._replace(
                rules=tuple(translate(rule, key.family, read.get((key, rule.handle), ())) for rule in chain.rules)
            )
            for key, chain in ruleset.chains.items()
        }
        return ruleset._replace(chains=chains)

    def apply(self, operations: Sequence[NftOperation]) -> None:
        """Carry out all steps or none of them."""
        commands = [command for operation in operations for command in _commands(operation)]
        if commands:
            # Who may list may change, but for a table that belongs to a running program (NFT_TABLE_F_OWNER).
            remedy = "open the VIPs with the running program that owns a table, such as firewalld"
            self._ask(commands, "; ".join(operation.words for operation in operations), remedy)


def _extended(rule: Rule) -> bool:
    return any(isinstance(part, dict) and "xt" in part for part in rule.expr)


def _commands(operation: NftOperation) -> list[Any]:
    if isinstance(operation, MakeTable):
        return [{"add": {"table": _table(operation.table)}}, *(_chain(chain) for chain in operation.chains)]
    if isinstance(operation, RemoveTable):
        return [{"delete": {"table": _table(operation.table)}}]
    if isinstance(operation, DeleteRule):
        return [{"delete": {"rule": {**_place(operation.chain), "handle": operation.rule.handle}}}]
    if not isinstance(operation, (InsertRule, AddRule)):
        raise TypeError(f"{operation} is no step of nftables")
    rule = {**_place(operation.chain), **_content(operation.rule)}
    if isinstance(operation, InsertRule) and operation.before:
        return [{"insert": {"rule": {**rule, "handle": operation.before}}}]
    return [{"add": {"rule": rule}}]


def _table(name: str) -> dict[str, str]:
    return {"family": OWN_FAMILY, "name": name}


def _chain(chain: Chain) -> dict[str, Any]:
    where = {"family": chain.key.family, "table": chain.key.table, "name": chain.key.name}
    what = {"type": "filter", "hook": chain.hook, "prio": chain.priority, "policy": chain.policy}
    return {"add": {"chain": {**where, **what}}}


def _place(key: ChainKey) -> dict[str, str]:
    return {"family": key.family, "table": key.table, "chain": key.name}


def _content(rule: Rule) -> dict[str, Any]:
    return {"expr": list(rule.expr), "comment": rule.comment}
