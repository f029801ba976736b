# SPDX-License-Identifier: GPL-3.0-or-later
"""From the ARP filter that an owner has to the one that is wanted.

The owner's table in nftables' family arp is the whole of it: the VIPs as a set, a chain that drops incoming ARP for
them, and one that puts the RIP in their place in outgoing ARP. A table that is not just so is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Union

from .._core.address import is_ipv6
from .._core.errors import InvalidValue
from .._core.plan import Plan
from .._nftables.names import owner_table
from .._nftables.ruleset import Chain, ChainKey, Rule, Ruleset
from .options import WantedArpFilter

FAMILY, SET = "arp", "vips"


class MakeFilter(NamedTuple):
    """Make the owner's table as it is to be, in the place of whatever it is."""

    table: str
    addresses: tuple[str, ...]
    source: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"keep {', '.join(self.addresses)} out of ARP, and ask as {self.source} (table {FAMILY} {self.table})"

    @property
    def chains(self) -> tuple[Chain, Chain]:
        """The table's chains as they are to be."""
        incoming = Rule((_match("daddr ip"), {"drop": None}))
        change = {"mangle": {"key": _field("saddr ip"), "value": self.source}}
        outgoing = Rule((_match("saddr ip"), change))
        return self._chain("input", incoming), self._chain("output", outgoing)

    def _chain(self, hook: str, rule: Rule) -> Chain:
        return Chain(ChainKey(FAMILY, self.table, hook), (rule,), hook)


class RemoveFilter(NamedTuple):
    """Remove the owner's table."""

    table: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"remove table {FAMILY} {self.table}"


ArpFilterOperation = Union[MakeFilter, RemoveFilter]


def plan_arp_filter(ruleset: Ruleset, wanted: WantedArpFilter) -> Plan[ArpFilterOperation]:
    """Return the way to the filter that is wanted; `ruleset` is, at least, that of family arp.

    A filter of the owner's former name goes in the same transaction.
    """
    table = owner_table(wanted.name)
    before = _shown(ruleset, table)
    former = _shown(ruleset, owner_table(wanted.former_name)) if wanted.former_name else _shown(ruleset, "")
    there = () if wanted.purge else {*before["addresses"], *former["addresses"]}
    operations: tuple[ArpFilterOperation, ...] = ()
    after = {"addresses": [], "source_address": ""}
    if wanted.addresses or there:
        source = wanted.source or before["source_address"] or former["source_address"]
        make = MakeFilter(table, tuple(sorted(wanted.addresses.union(there))), source)
        after = {"addresses": list(make.addresses), "source_address": make.source}
        # A filter from which nothing is taken, and to which nothing is added, is left as it is.
        same = not wanted.addresses or _bare(_chains(ruleset, table)) == list(make.chains)
        operations = () if same and before == after else (make,)
    elif (FAMILY, table) in ruleset.tables:
        operations = (RemoveFilter(table),)
    if wanted.former_name and (FAMILY, owner_table(wanted.former_name)) in ruleset.tables:
        operations += (RemoveFilter(owner_table(wanted.former_name)),)
    return Plan(before, after, operations, results=after)


def refuse_foreign_source(wanted: WantedArpFilter, own: Iterable[str]) -> None:
    """Raise InvalidValue unless the source is one of the host's `own` addresses: it would be taken from a stranger."""
    mine = {one for one in own if not is_ipv6(one) and not one.startswith("127.")} - wanted.addresses
    if wanted.source and wanted.source not in mine:
        rule = f"is not an address of this host, which has {', '.join(sorted(mine)) or 'none'}"
        raise InvalidValue("source_address", wanted.source, rule, "name the one on the segment of the director")


def _chains(ruleset: Ruleset, table: str) -> list[Chain]:
    return sorted(chain for key, chain in ruleset.chains.items() if key[:2] == (FAMILY, table))


def _bare(chains: Iterable[Chain]) -> list[Chain]:
    """Return the chains without the names that the kernel has for their rules."""
    return [chain._replace(rules=tuple(Rule(rule.expr) for rule in chain.rules)) for chain in chains]


def _shown(ruleset: Ruleset, table: str) -> dict[str, Any]:
    elements = ruleset.sets.get(ChainKey(FAMILY, table, SET), ())
    parts = [part for chain in _chains(ruleset, table) for rule in chain.rules for part in rule.expr]
    sources = [str(part["mangle"]["value"]) for part in parts if isinstance(part, dict) and "mangle" in part]
    return {"addresses": sorted(map(str, elements)), "source_address": ", ".join(sources)}


def _field(name: str) -> dict[str, Any]:
    return {"payload": {"protocol": FAMILY, "field": name}}


def _match(field: str) -> dict[str, Any]:
    return {"match": {"op": "==", "left": _field(field), "right": f"@{SET}"}}
