# SPDX-License-Identifier: GPL-3.0-or-later
"""The ARP filters of this host in nftables: read, and changed in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._nftables.library import Nft
from .._nftables.ruleset import Chain, Ruleset, parse_ruleset
from .options import WantedArpFilter
from .plan import FAMILY, SET, ArpFilterOperation, MakeFilter


class ArpFilterClient(Nft):
    """Reads and changes tables of nftables' family arp."""

    def __init__(self) -> None:
        super().__init__("the ARP filter")

    def read(self, _wanted: WantedArpFilter) -> Ruleset:
        """Return the rules of family arp."""
        listing = [{"list": {"ruleset": {"family": FAMILY}}}]
        return parse_ruleset(self._ask(listing, "list the rules of nftables"))

    def apply(self, operations: Sequence[ArpFilterOperation]) -> None:
        """Carry out all steps or none of them."""
        commands = [command for operation in operations for command in _commands(operation)]
        if commands:
            remedy = "stop the running program that owns this table"
            self._ask(commands, "; ".join(operation.words for operation in operations), remedy)


def _commands(operation: ArpFilterOperation) -> list[Any]:
    table = {"table": {"family": FAMILY, "name": operation.table}}
    # Adding comes first, since a table that is not there can't be deleted; all of it is one transaction.
    commands: list[Any] = [{"add": table}, {"delete": table}]
    if isinstance(operation, MakeFilter):
        vips = {"name": SET, "type": "ipv4_addr", "elem": list(operation.addresses)}
        commands += [{"add": table}, {"add": {"set": {"family": FAMILY, "table": operation.table, **vips}}}]
        commands += [command for chain in operation.chains for command in _chain_commands(chain)]
    return commands


def _chain_commands(chain: Chain) -> list[Any]:
    family, table, name = chain.key
    base = {"type": "filter", "hook": chain.hook, "prio": chain.priority, "policy": chain.policy}
    rules = [{"family": family, "table": table, "chain": name, "expr": list(rule.expr)} for rule in chain.rules]
    made = {"add": {"chain": {"family": family, "table": table, "name": name, **base}}}
    return [made, *({"add": {"rule": rule}} for rule in rules)]
