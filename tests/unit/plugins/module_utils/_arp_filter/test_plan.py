# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of vip_arp_filter, and the way from any table of the owner's to the one that is wanted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp_filter.options import WantedArpFilter
from ansible_collections.lvs.cluster.plugins.module_utils._arp_filter.plan import (
    FAMILY,
    SET,
    MakeFilter,
    RemoveFilter,
    plan_arp_filter,
    refuse_foreign_source,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Chain, ChainKey, Rule, Ruleset
from hypothesis import given
from hypothesis import strategies as st

VIP, VIP6, RIP = "192.0.2.30", "2001:db8::30", "192.0.2.4"
TABLE = "lvs-cluster-rs"
EMPTY = Ruleset({}, {})
HOSTS = st.integers(1, 254).map("192.0.2.{}".format)


def options(**others: Any) -> dict[str, Any]:
    """Return the options of a filter for one VIP."""
    return {"name": "rs", "addresses": [VIP], "source_address": RIP, **others}


def made(make: MakeFilter, others: Ruleset = EMPTY) -> Ruleset:
    """Return what the kernel lists after the step, with handles of its own."""
    chains = {
        chain.key: chain._replace(rules=tuple(rule._replace(handle=7) for rule in chain.rules)) for chain in make.chains
    }
    sets = {ChainKey(FAMILY, make.table, SET): list(reversed(make.addresses))}
    kept = {key: chain for key, chain in others.chains.items() if key[:2] != (FAMILY, make.table)}
    return Ruleset({**kept, **chains}, sets, others.tables | {(FAMILY, make.table)})


@pytest.mark.parametrize(
    ("given", "addresses"),
    [
        (options(), {VIP}),
        (options(addresses=[VIP, f" {VIP}", VIP6]), {VIP}),
        (options(addresses=[VIP6], source_address=None), set()),
        (options(addresses=[], source_address=None), set()),
        (options(state="absent", source_address=None), set()),
    ],
)
def test_options(given: dict[str, Any], addresses: set[str]) -> None:
    wanted = WantedArpFilter.from_options(given)
    assert wanted == WantedArpFilter("rs", frozenset(addresses), RIP if addresses else "")


OWN = "name this host's own IPv4 address (RIP)."


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({"source_address": None}, ("source_address", None)),
        ({"source_address": VIP}, ("source_address", "192.0.2.30")),
        ({"source_address": VIP6}, ("source_address", "2001:db8::30")),
        (
            {"source_address": "192.0.2.4/24"},
            ("source_address", "192.0.2.4/24"),
        ),
        ({"addresses": VIP}, ("addresses", "192.0.2.30")),
        (
            {"addresses": ["127.0.0.2"]},
            ("addresses", "127.0.0.2"),
        ),
        (
            {"name": "Real"},
            ("name", "Real"),
        ),
        ({"state": "gone"}, ("state", "gone")),
    ],
)
def test_bad_values(changed: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        WantedArpFilter.from_options(options(**changed))
    assert error_words(caught.value) == about


def test_the_source_has_to_be_the_hosts_own(error_words: Any) -> None:
    wanted = WantedArpFilter.from_options(options())
    refuse_foreign_source(wanted, [RIP, VIP, "127.0.0.1"])
    refuse_foreign_source(WantedArpFilter("rs"), [])
    with pytest.raises(InvalidValue) as caught:
        refuse_foreign_source(wanted, ["127.0.0.1", VIP, "192.0.2.5", "2001:db8::4"])
    assert error_words(caught.value) == ("source_address", "192.0.2.4")


def test_from_nothing_and_back() -> None:
    wanted = WantedArpFilter.from_options(options(addresses=["192.0.2.31", VIP]))
    plan = plan_arp_filter(EMPTY, wanted)
    assert plan.words == [f"keep {VIP}, 192.0.2.31 out of ARP, and ask as {RIP} (table arp {TABLE})"]
    assert plan.before == {"addresses": [], "source_address": ""}
    assert plan.after == {"addresses": [VIP, "192.0.2.31"], "source_address": RIP} == plan.results
    (make,) = plan.operations
    assert isinstance(make, MakeFilter)
    there = made(make)
    assert plan_arp_filter(there, wanted).operations == ()
    gone = plan_arp_filter(there, WantedArpFilter("rs"))
    assert gone.words == [f"remove table arp {TABLE}"]
    assert (gone.before, gone.after) == (plan.after, plan.before)


def test_without_purge_what_is_there_stays() -> None:
    there = made(MakeFilter(TABLE, ("192.0.2.31",), RIP))
    keeping = WantedArpFilter.from_options(options(purge=False))
    (make,) = plan_arp_filter(there, keeping).operations
    assert make == MakeFilter(TABLE, (VIP, "192.0.2.31"), RIP)
    assert not plan_arp_filter(made(make), keeping).changed
    assert not plan_arp_filter(made(make), WantedArpFilter.from_options(options(addresses=[], purge=False))).changed
    assert plan_arp_filter(made(make), WantedArpFilter.from_options(options())).operations[0].addresses == (VIP,)
    assert plan_arp_filter(made(make), WantedArpFilter.from_options(options(state="absent", purge=False))).changed


@given(
    before=st.sets(HOSTS, min_size=1),
    after=st.sets(HOSTS),
    sources=st.tuples(HOSTS, HOSTS),
    theirs=st.booleans(),
)
def test_one_step_at_most_and_then_none(
    before: set[str], after: set[str], sources: tuple[str, str], theirs: bool
) -> None:
    other = ChainKey(FAMILY, "theirs", "input")
    others = Ruleset({other: Chain(other, (), "input")}, {}, frozenset({(FAMILY, "theirs")})) if theirs else EMPTY
    now = made(MakeFilter(TABLE, tuple(before), sources[0]), others)
    wanted = WantedArpFilter("rs", frozenset(after), sources[1] if after else "")
    plan = plan_arp_filter(now, wanted)
    assert plan.changed == ((before, sources[0]) != (after, sources[1]))
    if after and plan.changed:
        (make,) = plan.operations
        assert isinstance(make, MakeFilter)
        assert not plan_arp_filter(made(make, now), wanted).changed


@pytest.mark.parametrize(
    "edit",
    [
        lambda chain: chain._replace(rules=()),
        lambda chain: chain._replace(rules=(Rule(({"accept": None},)), *chain.rules)),
        lambda chain: chain._replace(rules=(*chain.rules, Rule(("notrack",)))),
        lambda chain: chain._replace(policy="drop"),
        lambda chain: chain._replace(priority=10),
        lambda chain: chain._replace(hook=""),
    ],
)
@pytest.mark.parametrize("name", ["input", "output"])
def test_a_table_that_is_not_just_so_is_made_anew(name: str, edit: Any) -> None:
    make = MakeFilter(TABLE, (VIP,), RIP)
    there = made(make)
    key = ChainKey(FAMILY, TABLE, name)
    edited = there._replace(chains={**there.chains, key: edit(there.chains[key])})
    assert plan_arp_filter(edited, WantedArpFilter("rs", frozenset({VIP}), RIP)).operations == (make,)


@pytest.mark.parametrize(
    ("given", "addresses", "source"),
    [
        (options(), [VIP], RIP),
        (options(addresses=["192.0.2.31"]), ["192.0.2.31"], RIP),
        (options(addresses=["192.0.2.31"], purge=False), [VIP, "192.0.2.31"], RIP),
        (options(addresses=[], source_address=None, purge=False), [VIP], RIP),
        (options(addresses=[], source_address=None), [], ""),
        (options(state="absent"), [], ""),
    ],
)
def test_a_renamed_owner_has_one_filter(given: dict[str, Any], addresses: list[str], source: str) -> None:
    former = made(MakeFilter(TABLE, (VIP,), RIP))
    wanted = WantedArpFilter.from_options({**given, "owner": "web", "former_owner": "default"})
    plan = plan_arp_filter(former, wanted)
    assert plan.after == {"addresses": addresses, "source_address": source}
    make = [MakeFilter("lvs-cluster-web.rs", tuple(addresses), source)] if addresses else []
    assert list(plan.operations) == [*make, RemoveFilter(TABLE)]
    later = made(make[0]) if make else EMPTY
    assert plan_arp_filter(later, wanted).operations == ()
    # Another cluster's filter is none of its business.
    other = WantedArpFilter.from_options({**given, "owner": "web"})
    assert RemoveFilter(TABLE) not in plan_arp_filter(former, other).operations
