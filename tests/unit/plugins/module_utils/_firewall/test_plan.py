# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of vip_firewall: what is opened where, and the way from any ruleset to any wish."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, MalformedAnswer
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Mark, Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.packets import request
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.plan import firewalld_tables, plan_nftables
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.rules import accept_rule, mark_rule
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.names import owner_table
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.operations import AddRule, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import (
    COMMENT_PREFIX,
    Chain,
    ChainKey,
    Rule,
    Ruleset,
    parse_ruleset,
)
from firewall_rulesets import (
    ACCEPT,
    ALL,
    DIP,
    DPORT,
    DROP,
    INPUT,
    LO,
    REJECT,
    RETURN,
    RIP,
    RIP6,
    VIP,
    VIP6,
    WEB,
    WEB6,
    match,
    ruleset,
)
from hypothesis import given
from hypothesis import strategies as st
from plans import simulated

WITH_ERRORS = ["tcp 192.0.2.30:80", "icmp destination-unreachable to 192.0.2.30"]
TUNNELS = (Opening(RIP, "ipip", 0, DIP), Opening(RIP6, "gre"))
SENT = (Opening(RIP, "ipip", 0, "", "out"), Opening(RIP, "udp", 6080, "", "out"))
MASQUERADED = (Opening(RIP, "tcp", 8080, "", "through"), Opening(RIP6, "udp", 0, "", "through"))


@pytest.mark.parametrize(
    ("hook", "openings", "untracked", "expected"),
    [
        ("input", TUNNELS, False, ["ipip 192.0.2.4 from 192.0.2.3", "gre 2001:db8::4"]),
        ("output", TUNNELS, False, []),
        ("forward", TUNNELS, False, []),
        ("input", TUNNELS, True, ["ipip 192.0.2.4 from 192.0.2.3", "gre 2001:db8::4"]),
        ("input", SENT, False, []),
        ("output", SENT, True, ["ipip 192.0.2.4", "udp 192.0.2.4:6080"]),
        ("forward", SENT, True, []),
        ("input", MASQUERADED, True, []),
        ("output", MASQUERADED, True, ["tcp 192.0.2.4:8080", "udp [2001:db8::4]:*"]),
        ("forward", MASQUERADED, True, ["replies of tcp 192.0.2.4:8080", "replies of udp [2001:db8::4]:*"]),
        ("forward", (MASQUERADED[0]._replace(source=DIP),), True, ["replies of tcp 192.0.2.4:8080 to 192.0.2.3"]),
        ("output", (WEB,), False, ["tcp 192.0.2.30:80", "replies of tcp 192.0.2.30:80"]),
        ("output", (WEB,), True, ["tcp 192.0.2.30:80", "replies of tcp 192.0.2.30:80", "icmp destination-unreachable from 192.0.2.30"]),
        ("input", (WEB, WEB6, ALL), True, ["tcp 192.0.2.30:80", "tcp [2001:db8::30]:80", "tcp 192.0.2.30:*",
            "icmp destination-unreachable to 192.0.2.30", "icmpv6 packet-too-big to 2001:db8::30"]),
        ("prerouting", (WEB, *SENT, *MASQUERADED), True, []),
    ],
)  # fmt: skip
def test_what_is_opened_where(hook: str, openings: tuple[Opening, ...], untracked: bool, expected: list[str]) -> None:
    chain = Chain(INPUT, (), hook, "drop")
    made = plan_nftables(Ruleset({INPUT: chain}, {}), WantedFirewall("d", openings, untracked=untracked))
    assert made.words == [f"open {words} in inet filter input" for words in expected]


def test_established_answers_need_no_opening_where_they_are_known() -> None:
    """With net.ipv4.vs.conntrack they are; otherwise the first of them is invalid to connection tracking."""
    rule = Rule((match(("ct", "state"), ["established"], "in"), ACCEPT), "", 1)
    there = Ruleset({INPUT: Chain(INPUT, (rule,), "forward", "drop")}, {})
    wanted = WantedFirewall("d", MASQUERADED[:1])
    assert plan_nftables(there, wanted).words == []
    words = ["open replies of tcp 192.0.2.4:8080 in inet filter input"]
    assert plan_nftables(there, wanted._replace(untracked=True)).words == words


def test_forward_chains_behind_ipvs_see_another_sender() -> None:
    there = Ruleset({INPUT: Chain(INPUT, (), "forward", "drop", 101)}, {})
    assert plan_nftables(there, WantedFirewall("d", MASQUERADED)).words == []


def test_answers_to_the_director_itself_stay_tracked() -> None:
    made = plan_nftables(Ruleset({}, {}), WantedFirewall("d", MASQUERADED[:1], untracked=True), "firewalld")
    (rule,) = (step.rule for step in made.operations if isinstance(step, AddRule))
    assert made.words[1:] == ["do not track replies of tcp 192.0.2.4:8080"]
    assert rule.expr[-2]["match"] == {
        "op": "!=",
        "left": {"fib": {"result": "type", "flags": ["daddr"]}},
        "right": "local",
    }


def test_without_purge_what_was_opened_stays() -> None:
    there = ruleset(policy="drop")
    for operation in plan_nftables(there, WantedFirewall("d", (WEB, *TUNNELS))).operations:
        there = simulate(there, operation)
    fewer = WantedFirewall("d", (WEB,), purge=False)
    assert plan_nftables(there, fewer).words == []
    assert len(plan_nftables(there, fewer._replace(purge=True)).words) == 2
    # What carries nothing keeps nothing open, and absent leaves nothing.
    assert len(plan_nftables(there, fewer, "none").words) == 3
    assert (
        len(plan_nftables(there, WantedFirewall.from_options({"name": "d", "state": "absent", "purge": False})).words)
        == 3
    )


def test_every_port_is_not_accepted_by_one() -> None:
    there = ruleset([match(DPORT, 80), ACCEPT], policy="drop")
    assert plan_nftables(there, WantedFirewall("d", (ALL,))).words == ["open tcp 192.0.2.30:* in inet filter input"]


@pytest.mark.parametrize(("family", "opened"), [("ip", [WEB]), ("ip6", [WEB6]), ("inet", [WEB, WEB6]), ("bridge", [])])
def test_families(family: str, opened: list[Opening]) -> None:
    made = plan_nftables(ruleset(policy="drop", family=family), WantedFirewall("d", (WEB, WEB6)))
    assert made.words == [f"open {one.words} in {family} filter input" for one in opened]


def test_parse() -> None:
    answer = {
        "nftables": [
            {"metainfo": {"version": "1.0.6"}},
            {"table": {"family": "inet", "name": "filter", "handle": 1}},
            {"chain": {"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter",
                       "hook": "input", "prio": 0, "policy": "drop"}},
            {"rule": {"family": "inet", "table": "filter", "chain": "input", "handle": 4, "comment": "x", "expr": [DROP]}},
            {"ct helper": {"family": "inet", "name": "ftp"}},
        ]
    }  # fmt: skip
    read = parse_ruleset(answer)
    assert read.chains == {INPUT: Chain(INPUT, (Rule((DROP,), "x", 4),), "input", "drop", 0)}
    assert read.tables == {("inet", "filter")}
    for broken in (None, {}, {"nftables": [{"rule": {}}]}, {"nftables": [{}]}):
        with pytest.raises(MalformedAnswer):
            parse_ruleset(broken)


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ({"name": "Web"}, ("name", "Web")),
        ({"open": [{"address": VIP, "port": 0}]}, ("port", 0)),
        ({"open": [{"address": VIP, "port": 80}] * 2}, ("open", "tcp 192.0.2.30:80")),
        ({"open": ["x"]}, ("open", "x")),
        ({"marks": [{"address": VIP, "mark": 0}]}, ("mark", 0)),
        ({"marks": [{"address": VIP, "mark": 1}, {"address": VIP, "ports": [80], "mark": 2}]},
         ("marks", "tcp 192.0.2.30:80 with 2")),
        ({"open": [{"address": VIP, "port": 80, "protocol": "gre"}]}, ("port", 80)),
        ({"open": [{"address": VIP, "protocol": "ipip", "source": VIP6}]},
         ("source", "2001:db8::30")),
        ({"open": [{"address": VIP, "protocol": "ipip", "source": "lb1"}]}, ("source", "lb1")),
        ({"open": [{"address": VIP, "direction": "up"}]}, ("direction", "up")),
        ({"marks": [{"address": VIP, "protocol": "gre", "mark": 1}]}, ("protocol", "gre")),
        ({"purge": "maybe"}, ("purge", "maybe")),
        ({"untracked": "maybe"}, ("untracked", "maybe")),
        ({"backend": "pf"}, ("backend", "pf")),
    ],
)  # fmt: skip
def test_refused(options: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        WantedFirewall.from_options({"name": "director", **options})
    assert error_words(caught.value) == about


def test_a_table_of_the_owners_name_that_is_something_else_is_made_anew() -> None:
    key = ChainKey("inet", owner_table("d"), "prerouting")
    there = Ruleset({key: Chain(key, (), "input")}, {}, frozenset([key[:2]]))
    made = plan_nftables(there, WantedFirewall("d", marks=(Mark(VIP, "tcp", (80,), 1),)))
    table = "table inet lvs-cluster-d"
    assert made.words == [f"remove {table}", f"make {table}", "mark tcp 192.0.2.30:80 with 1"]


_PORTS = st.sampled_from([0, 80, 81])
_openings = st.one_of(
    st.tuples(st.sampled_from([VIP, VIP6, "192.0.2.31"]), st.sampled_from(["tcp", "udp"]), _PORTS),
    st.tuples(st.just(VIP), st.just("udp"), _PORTS, st.just(DIP)),
    st.tuples(st.just(RIP), st.sampled_from(["ipip", "ipv6", "gre"]), st.just(0), st.sampled_from(["", DIP]), st.sampled_from(["in", "out"])),
    st.tuples(st.sampled_from([RIP, RIP6]), st.sampled_from(["tcp", "sctp"]), _PORTS, st.just(""), st.sampled_from(["out", "through"])),
).map(lambda given: Opening(*given))  # fmt: skip
_marks = st.builds(
    Mark, st.sampled_from([VIP, VIP6]), st.just("tcp"), st.sampled_from([(), (80,), (80, 443)]), st.integers(1, 2)
)
_comments = st.sampled_from(["", "of somebody", f"{COMMENT_PREFIX}d", f"{COMMENT_PREFIX}other"])
_foreign = st.lists(
    st.sampled_from(
        [LO, match(DPORT, 80), match(DPORT, 80, "!="), match(("ip", "saddr"), "@x"), match(("meta", "oif"), "eth0"),
         match(("ct", "state"), ["established"], "in")]
    ), max_size=2,
).flatmap(lambda parts: st.sampled_from([DROP, ACCEPT, RETURN, REJECT]).map(lambda last: (*parts, last)))  # fmt: skip
_rules = st.one_of(
    st.builds(Rule, _foreign, _comments),
    st.builds(lambda opening, comment: accept_rule(request(opening), comment), _openings, _comments),
)


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    """Draw base chains of several hooks and families, and perhaps the owner's table with some marks."""
    chains, handle = {}, 0
    for family, hook in draw(
        st.sets(st.tuples(st.sampled_from(["ip", "ip6", "inet"]), st.sampled_from(["input", "output", "forward", ""])))
    ):
        rules = []
        for rule in draw(st.lists(_rules, max_size=5)):
            handle += 1
            rules.append(rule._replace(handle=handle))
        key = ChainKey(family, "filter", hook or "sub")
        chains[key] = Chain(key, tuple(rules), hook, draw(st.sampled_from(["accept", "drop"])))
    tables = {key[:2] for key in chains}
    if draw(st.booleans()):
        key = ChainKey("inet", owner_table("d"), "prerouting")
        marks = [mark_rule(mark, f"{COMMENT_PREFIX}d") for mark in draw(st.lists(_marks, max_size=3))]
        numbered = tuple(rule._replace(handle=handle + number) for number, rule in enumerate(marks, 1))
        chains[key] = Chain(key, numbered, draw(st.sampled_from(["prerouting", "input"])), "accept", -150)
        tables.add(key[:2])
    return Ruleset(chains, {}, frozenset(tables))


@st.composite
def wishes(draw: st.DrawFn) -> WantedFirewall:
    """Draw options that hold for themselves."""
    marks = draw(st.lists(_marks, max_size=2, unique_by=lambda one: one.address))
    openings = draw(st.lists(_openings, max_size=3, unique=True))
    return WantedFirewall("d", tuple(openings), tuple(marks), untracked=draw(st.booleans()))


def of_others(there: Ruleset) -> dict[ChainKey, list[Rule]]:
    return {
        key: [rule for rule in chain.rules if rule.comment != f"{COMMENT_PREFIX}d"]
        for key, chain in there.chains.items()
        if key.table != owner_table("d")
    }


@given(there=rulesets(), wanted=wishes(), carrier=st.sampled_from(["nftables", "firewalld", "none"]))
def test_any_ruleset_any_wish(there: Ruleset, wanted: WantedFirewall, carrier: str) -> None:
    made = plan_nftables(there, wanted, carrier)
    after = simulated(there, wanted, partial(plan_nftables, carrier=carrier), simulate)
    assert of_others(after) == of_others(there)
    kept = plan_nftables(after, wanted._replace(openings=wanted.openings[1:], purge=False), carrier)
    # What is declared for all ports has the others in it.
    within = any(
        not one.port and one[:2] == other[:2] for one in wanted.openings for other in wanted.openings if one != other
    )
    assert carrier == "none" or within or kept.after["openings"] == made.after["openings"]
    assert made.after["marks"] == sorted(mark.words for mark in wanted.marks)
    assert carrier != "none" or made.after["openings"] == {}
    gone = plan_nftables(after, WantedFirewall("d", present=False))
    for operation in gone.operations:
        after = simulate(after, operation)
    assert of_others(after) == of_others(there)
    assert not any(rule.comment == f"{COMMENT_PREFIX}d" for chain in after.chains.values() for rule in chain.rules)
    assert ("inet", owner_table("d")) not in after.tables


@pytest.mark.parametrize(
    ("table", "name"),
    [("firewalld", "filter_INPUT"), ("firewalld_0", "filter_INPUT_ZONES"), ("filter", "INPUT_ZONES")],
    ids=["nftables", "another table of that kind", "its iptables backend"],
)
def test_what_firewalld_carries_is_not_opened_in_its_tables(table: str, name: str) -> None:
    base, other = ChainKey("inet", table, "INPUT"), ChainKey("inet", table, name)
    chains = {base: Chain(base, (), "input", "drop"), other: Chain(other)}
    there = Ruleset(chains, {}, frozenset([base[:2]]))
    wanted = WantedFirewall("d", (WEB,), untracked=True)
    its_own = table != "firewalld_0"
    made = plan_nftables(there, wanted, "firewalld").words
    assert made[-3:] == ["make table inet lvs-cluster-d", *(f"do not track {one}" for one in WITH_ERRORS)]
    assert made[:-3] == ([] if its_own else [f"open {one} in inet {table} INPUT" for one in WITH_ERRORS])
    assert firewalld_tables(there) == ({("inet", table)} if its_own else set())
    assert plan_nftables(there, wanted).words == [f"open {one} in inet {table} INPUT" for one in WITH_ERRORS]


def test_marks_and_what_is_not_tracked_share_a_table() -> None:
    marked = WantedFirewall("d", (WEB,), (Mark(VIP, "tcp", (80,), 1),), untracked=True)
    there = Ruleset({}, {}, frozenset())
    for operation in plan_nftables(there, marked._replace(untracked=False), "firewalld").operations:
        there = simulate(there, operation)
    table = "table inet lvs-cluster-d"
    both = [*(f"do not track {one}" for one in WITH_ERRORS), "mark tcp 192.0.2.30:80 with 1"]
    # One transaction: no packet meets the table without its rules.
    assert plan_nftables(there, marked, "firewalld").words == [f"remove {table}", f"make {table}", *both]


def test_what_is_invalid_passes_where_it_is_asked_for() -> None:
    invalid_first = ruleset(
        [match(("ct", "state"), ["invalid"], "in"), DROP], [match(DPORT, 80), ACCEPT], policy="drop"
    )
    assert plan_nftables(invalid_first, WantedFirewall("d", (WEB,))).words == []
    wanted = WantedFirewall("d", (WEB,), untracked=True)
    assert plan_nftables(invalid_first, wanted).words == [f"open {one} in inet filter input" for one in WITH_ERRORS]
