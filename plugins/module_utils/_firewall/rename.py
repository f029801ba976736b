# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of an owner that is being renamed: the same packets pass all the time, and the rules get the new name."""

from __future__ import annotations

from .._core.plan import Plan
from .._nftables.names import owner_table
from .._nftables.operations import OWN_FAMILY, DeleteRule, InsertRule, NftOperation, RemoveTable
from .._nftables.ruleset import COMMENT_PREFIX, ChainKey, Rule, Ruleset, describe
from .options import WantedFirewall
from .plan import plan_nftables


def plan_rules(ruleset: Ruleset, wanted: WantedFirewall, carrier: str = "nftables") -> Plan[NftOperation]:
    """Return the plan of plan_nftables, which also gives rules of the owner's former name the name of today.

    All of it is one transaction. A rule's comment can't be changed, but another rule can take its place.
    """
    if not wanted.former_name:
        return plan_nftables(ruleset, wanted, carrier)
    table = (OWN_FAMILY, owner_table(wanted.former_name))
    former = {key: rules for key, rules in _rules_of(ruleset, wanted.former_name).items() if key[:2] != table}
    plan = plan_nftables(_renamed(ruleset, former, wanted.name), wanted, carrier)
    gone = {(one.chain, one.rule.handle) for one in plan.operations if isinstance(one, DeleteRule)}
    steps: list[NftOperation] = [RemoveTable(table[1])] if table in ruleset.tables else []
    for key, rules in former.items():
        for rule in (one for one in rules if (key, one.handle) not in gone):
            words = f"{describe(rule)} in {key}"
            named = _named(rule, wanted.name)
            # In the place of the other one, before that goes.
            steps.append(InsertRule(key, named, f"open {words} as {wanted.name}", rule.handle))
            steps.append(DeleteRule(key, rule, f"close {words} as {wanted.former_name}"))
    return Plan(plan.before, plan.after, (*plan.operations, *steps), plan.results, plan.warnings)


def _rules_of(ruleset: Ruleset, name: str) -> dict[ChainKey, list[Rule]]:
    comment = COMMENT_PREFIX + name
    found = {key: [rule for rule in chain.rules if rule.comment == comment] for key, chain in ruleset.chains.items()}
    return {key: rules for key, rules in found.items() if rules}


def _renamed(ruleset: Ruleset, former: dict[ChainKey, list[Rule]], name: str) -> Ruleset:
    """Return the ruleset in which these rules have the name of today already."""
    chains = dict(ruleset.chains)
    for key, rules in former.items():
        named = tuple(_named(rule, name) if rule in rules else rule for rule in chains[key].rules)
        chains[key] = chains[key]._replace(rules=named)
    return ruleset._replace(chains=chains)


def _named(rule: Rule, name: str) -> Rule:
    return rule._replace(comment=COMMENT_PREFIX + name)
