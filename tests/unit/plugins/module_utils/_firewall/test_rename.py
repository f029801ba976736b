# SPDX-License-Identifier: GPL-3.0-or-later
"""The packet filter of several clusters on one host, and of a cluster that is renamed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Mark, Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.policy import (
    DropPolicy,
    MakePolicy,
    Policies,
    Reload,
    fixed,
    plan_policies,
    policy_names,
)
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.rename import plan_rules
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import (
    COMMENT_PREFIX,
    Chain,
    ChainKey,
    Rule,
    Ruleset,
)
from firewall_rulesets import INPUT, VIP, VIP6, WEB, WEB6, match
from hypothesis import given
from hypothesis import strategies as st

EMPTY = Ruleset({INPUT: Chain(INPUT, (), "input", "drop")}, {}, frozenset([("inet", "filter")]))
OUTPUT = ChainKey("ip", "filter", "output")
STRICT = EMPTY._replace(chains={**EMPTY.chains, OUTPUT: Chain(OUTPUT, (), "output", "drop")})
MARK = Mark(VIP, "tcp", (80,), 7)
OPENINGS = [WEB, WEB6, Opening("192.0.2.4", "ipip", 0, "", "out")]


def after(ruleset: Ruleset, *runs: WantedFirewall) -> Ruleset:
    for wanted in runs:
        for operation in plan_rules(ruleset, wanted).operations:
            ruleset = simulate(ruleset, operation)
    return ruleset


def of(ruleset: Ruleset, name: str) -> tuple[Any, ...]:
    """Return the rules of an owner by chain, and whether it has a table, whatever their handles and places are."""
    comment = COMMENT_PREFIX + name
    found = {
        key: sorted(repr(rule.expr) for rule in chain.rules if rule.comment == comment)
        for key, chain in ruleset.chains.items()
    }
    return {key: rules for key, rules in found.items() if rules}, ("inet", f"lvs-cluster-{name}") in ruleset.tables


def test_options_name_the_rules():
    given_options = {"name": "director", "owner": "web", "former_owner": "default"}
    wanted = WantedFirewall.from_options(given_options)
    assert (wanted.name, wanted.former_name) == ("web.director", "director")
    assert WantedFirewall.from_options({"name": "director"}) == WantedFirewall("director")


WANTED = st.builds(
    WantedFirewall,
    st.sampled_from(["director", "web.director"]),
    st.lists(st.sampled_from(OPENINGS), unique=True).map(tuple),
    st.sampled_from([(), (MARK,)]),
    present=st.booleans(),
    purge=st.booleans(),
).map(lambda one: one if one.present else one._replace(openings=(), marks=(), purge=True))


@given(st.lists(WANTED, max_size=6))
def test_no_run_changes_the_rules_of_the_other(runs):
    """Also where both open the same: each has a rule of its own, which the other does not close."""
    ruleset = STRICT
    for wanted in runs:
        other = "director" if wanted.name == "web.director" else "web.director"
        before = of(ruleset, other)
        ruleset = after(ruleset, wanted)
        assert of(ruleset, other) == before
        assert plan_rules(ruleset, wanted).operations == ()


@given(
    st.lists(st.sampled_from(OPENINGS), unique=True).map(tuple),
    st.lists(st.sampled_from(OPENINGS), unique=True).map(tuple),
    st.booleans(),
    st.booleans(),
)
def test_a_renamed_owner_has_what_it_wants_and_the_former_name_has_nothing(before, now, marked, purge):
    marks = (MARK,) if marked else ()
    ruleset = after(STRICT, WantedFirewall("director", before, marks))
    wanted = WantedFirewall("web.director", now, marks, purge=purge, former_name="director")
    plan = plan_rules(ruleset, wanted)
    renamed = after(ruleset, wanted)
    assert of(renamed, "director") == ({}, False)
    # What is not declared any more stays open without purge, until a run with it.
    expected = after(STRICT, WantedFirewall("web.director", now if purge else tuple({*before, *now}), marks))
    assert of(renamed, "web.director") == of(expected, "web.director")
    again = plan_rules(renamed, wanted)
    assert again.operations == ()
    assert again.before == plan.after
    deleted = [one.rule.handle for one in plan.operations if type(one).__name__ == "DeleteRule"]
    there = {rule.handle for chain in ruleset.chains.values() for rule in chain.rules}
    # One transaction can delete only what was there before it.
    assert set(deleted) <= there
    assert len(set(deleted)) == len(deleted)


def test_a_renamed_owner_that_goes_takes_both_names_with_it():
    ruleset = after(STRICT, WantedFirewall("director", (WEB,), (MARK,)))
    gone = after(ruleset, WantedFirewall("web.director", present=False, former_name="director"))
    assert gone.chains == STRICT.chains
    assert gone.tables == STRICT.tables


def test_rules_without_what_they_do_are_removed_by_their_former_name_too():
    """As they are read where libnftables is missing."""
    bare = Ruleset({INPUT: Chain(INPUT, (Rule((), COMMENT_PREFIX + "director", 4),))}, {})
    plan = plan_rules(bare, WantedFirewall("web.director", present=False, former_name="director"))
    assert [one.rule.handle for one in plan.operations] == [4]


RULE = f'rule family="ipv4" destination address="{VIP}" port port="80" protocol="tcp" accept'
RULE6 = f'rule family="ipv6" destination address="{VIP6}" port port="80" protocol="tcp" accept'


@pytest.mark.parametrize(("purge", "rules"), [(True, (RULE6,)), (False, (RULE, RULE6))])
def test_policies_of_firewalld_are_renamed_with_one_reload(purge, rules):
    old, new = policy_names("director")["in"], policy_names("web.director")["in"]
    there = {old: Policies(*[{**fixed("in"), "rich_rules": [RULE]}] * 2)}
    wanted = WantedFirewall("web.director", (WEB6,), purge=purge, former_name="director")
    plan = plan_policies(there, wanted)
    assert plan.operations == (MakePolicy(new, rules, fixed("in")), DropPolicy(old), Reload())
    assert plan_policies({new: Policies(*[{**fixed("in"), "rich_rules": list(rules)}] * 2)}, wanted).operations == ()


def test_a_renamed_opening_keeps_its_place():
    """Behind the ban, and before the rule that drops all others."""
    expr = ((match(("ip", "saddr"), "203.0.113.9"), {"drop": None}), ({"drop": None},))
    chain = Chain(INPUT, tuple(Rule(one, "", handle) for handle, one in enumerate(expr, 1)), "input", "accept")
    there = after(EMPTY._replace(chains={INPUT: chain}), WantedFirewall("director", (WEB,)))
    renamed = after(there, WantedFirewall("web.director", (WEB,), former_name="director"))
    assert [rule.comment for rule in renamed.chains[INPUT].rules] == ["", f"{COMMENT_PREFIX}web.director", ""]
