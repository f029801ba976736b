# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of an administrator that decide about a VIP and its port stand, whatever else is opened."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import parse_ports
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.plan import plan_nftables
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.operations import InsertRule, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import (
    COMMENT_PREFIX,
    Chain,
    ChainKey,
    Rule,
    Ruleset,
)
from firewall_oracle import Wire, outcome
from firewall_rulesets import (
    ACCEPT,
    DPORT,
    DROP,
    GOTO,
    INPUT,
    JUMP,
    LO,
    REJECT,
    RETURN,
    SUB,
    VIP,
    VIP6,
    WEB,
    match,
    ruleset,
)
from hypothesis import given
from hypothesis import strategies as st

SADDR, DADDR, STATE, DEVICE = ("ip", "saddr"), ("ip", "daddr"), ("ct", "state"), ("meta", "iifname")
LIMIT: dict[str, Any] = {"limit": {"rate": 10, "per": "second"}}
INSIDE: dict[str, Any] = {"prefix": {"addr": "198.51.100.0", "len": 28}}
ESTABLISHED = [match(STATE, ["established", "related"], "in"), ACCEPT]
INVALID = [match(STATE, ["invalid"], "in"), DROP]
BANNED, WEB_FROM_INSIDE = [match(SADDR, "@banned"), DROP], [match(SADDR, INSIDE), match(DPORT, 80), ACCEPT]
COMMON = [ESTABLISHED, [LO, ACCEPT], [match(("meta", "l4proto"), "icmp"), ACCEPT], [match(DPORT, 22), LIMIT, ACCEPT]]
# Which packets a rule that is about the VIP and its port names, in words of its own
BOTH: dict[str, Any] = {"concat": [match(SADDR, 0)["match"]["left"], match(DPORT, 0)["match"]["left"]]}


def made(there: Ruleset, *openings: Opening, **others: Any) -> Any:
    return plan_nftables(there, WantedFirewall("d", openings or (WEB,), **others))


def standing(plan: Any) -> list[str]:
    return [one["rule"] for one in plan.results["left_to_administrator"] if not one["opened"]]


@pytest.mark.parametrize(
    ("rules", "policy", "named"),
    [
        pytest.param([*COMMON, WEB_FROM_INSIDE], "drop", "ip saddr 198.51.100.0/28 tcp dport 80 accept", id="C4"),
        pytest.param([[match(DPORT, 80), DROP]], "drop", "tcp dport 80 drop", id="drop"),
        pytest.param([[match(DPORT, 80), DROP]], "accept", "tcp dport 80 drop", id="drop where others pass"),
        pytest.param([[match(DADDR, VIP), REJECT]], "drop", f"ip daddr {VIP} reject with icmpx port-unreachable", id="reject"),
        pytest.param([[match(DPORT, 80), LIMIT, ACCEPT]], "drop", "tcp dport 80 limit rate 10/second accept", id="limit"),
        pytest.param([[match(SADDR, "@inside"), match(DPORT, 80), ACCEPT]], "drop", "ip saddr @inside tcp dport 80 accept", id="set"),
        pytest.param([[match(SADDR, INSIDE, "!="), match(DPORT, 80), DROP], [match(DPORT, 80), match(DEVICE, "eth1"), ACCEPT]],
                     "drop", "tcp dport 80 iifname eth1 accept", id="device"),
        pytest.param([[match(DPORT, {"set": [80, 443]}), JUMP]], "drop", "ip saddr 198.51.100.7 accept", id="jump"),
        pytest.param([[match(DPORT, {"set": [80, 443]}), GOTO]], "drop", "ip saddr 198.51.100.7 accept", id="goto"),
        pytest.param([[match(SADDR, INSIDE), match(DPORT, 80), RETURN], [DROP]], "accept", "ip saddr 198.51.100.0/28 tcp dport 80 return", id="return"),
        pytest.param([[{"vmap": {"key": BOTH, "data": {"set": [[{"concat": [INSIDE, 80]}, ACCEPT]]}}}]],
                     "drop", "ip saddr . tcp dport vmap { 198.51.100.0/28 . 80 : accept }", id="vmap of both"),
        pytest.param([[{"match": {"op": "==", "left": BOTH, "right": "@pairs"}}, ACCEPT]],
                     "drop", "ip saddr . tcp dport @pairs accept", id="named set of both"),
        pytest.param([[match(DPORT, 80), match(("meta", "mark"), 7), ACCEPT]], "drop", "tcp dport 80 meta mark 7 accept", id="mark"),
        pytest.param([[match(DPORT, 80), {"queue": {"num": 1}}]], "drop", None, id="a program decides about all"),
    ],
)  # fmt: skip
def test_what_the_administrator_decides_about_the_port_stands(
    rules: list[list[Any]], policy: str, named: str | None
) -> None:
    there = ruleset(*rules, policy=policy, sub=([match(SADDR, "198.51.100.7"), ACCEPT],))
    pairs = [{"concat": ["198.51.100.7", 80]}]
    there = there._replace(sets={**there.sets, INPUT._replace(name="pairs"): pairs})
    for untracked in (False, True):
        plan = made(there, untracked=untracked)
        assert [words for words in plan.words if "tcp" in words] == []
        assert standing(plan)[:1] == ([named] if named else [])
        assert any(named in text for text in plan.warnings) if named else plan.warnings == ()


@pytest.mark.parametrize(
    ("rules", "policy", "at"),
    [
        pytest.param(COMMON, "drop", 4, id="policy"),
        pytest.param([*COMMON, [REJECT]], "accept", 4, id="the rule that drops all"),
        pytest.param([*COMMON, [match(("meta", "l4proto"), "tcp"), REJECT], [DROP]], "accept", 4, id="by protocol"),
        pytest.param([BANNED, [match(DPORT, 443), DROP], [match(DPORT, 22, "!="), DROP]], "accept", 2, id="all but one port"),
        pytest.param([*COMMON, BANNED, *COMMON], "drop", 9, id="behind those that are banned"),
        pytest.param([[match(SADDR, INSIDE), match(DPORT, 80), DROP]], "drop", 1, id="behind a drop for some"),
        pytest.param([[match(SADDR, INSIDE), ACCEPT], [match(DEVICE, "eth1"), ACCEPT]], "drop", 2, id="trusted networks and devices"),
        pytest.param([[match(STATE, ["new"], "in"), JUMP], [match(DPORT, 443), ACCEPT]], "drop", 0, id="before a chain that ends in a drop"),
    ],
)  # fmt: skip
def test_an_opening_only_overrides_what_drops_everything(rules: list[list[Any]], policy: str, at: int) -> None:
    there = ruleset(*rules, policy=policy, sub=([match(DPORT, 23), ACCEPT], [DROP]))
    plan = made(there)
    assert plan.words == ["open tcp 192.0.2.30:80 in inet filter input"]
    for operation in plan.operations:
        there = simulate(there, operation)
    assert [rule.comment for rule in there.chains[INPUT].rules].index(f"{COMMENT_PREFIX}d") == at
    assert (standing(plan), plan.warnings) == ([], ())


def test_the_declared_clients_are_opened_to_beside_those_of_the_administrator() -> None:
    there = ruleset(WEB_FROM_INSIDE, policy="drop")
    inside, outside = (WEB._replace(source=source) for source in ("198.51.100.0/29", "203.0.113.0/24"))
    plan = made(there, inside, outside, inside._replace(source="198.51.100.0/24"))
    assert plan.words == ["open tcp 192.0.2.30:80 from 203.0.113.0/24 in inet filter input"]
    assert [one["opening"] for one in plan.results["left_to_administrator"]] == [
        "tcp 192.0.2.30:80 from 198.51.100.0/24"
    ]


def test_ports_that_the_administrator_decides_about_are_left_out() -> None:
    """All ports of a VIP are not a reason to open ssh to everybody."""
    ssh = [match(SADDR, INSIDE), match(DPORT, 22), ACCEPT]
    there = ruleset(*COMMON[:3], ssh, [match(DPORT, {"range": [100, 200]}), DROP], policy="drop")
    plan = made(there, Opening(VIP, "tcp"))
    assert plan.words == [f"open tcp {VIP}:{ports} in inet filter input" for ports in ("1-21", "23-99", "201-65535")]
    left = [(one["opening"], one["rule"]) for one in plan.results["left_to_administrator"]]
    assert left == [
        (f"tcp {VIP}:22", "ip saddr 198.51.100.0/28 tcp dport 22 accept"),
        (f"tcp {VIP}:100-200", "tcp dport 100-200 drop"),
    ]


def test_a_rule_that_came_later_takes_its_place() -> None:
    there = ruleset(*COMMON, policy="drop")
    for operation in made(there).operations:
        there = simulate(there, operation)
    assert made(there).words == []
    for rule, words, left in (
        (Rule((*[match(DPORT, 80)], DROP), "", 90), ["close tcp 192.0.2.30:80 in inet filter input"], ["tcp dport 80 drop"]),
        (Rule(tuple(BANNED), "", 91), [f"{verb} tcp 192.0.2.30:80 in inet filter input" for verb in ("close", "open")], []),
        (Rule((match(DPORT, 443), DROP), "", 92), [], []),
    ):  # fmt: skip
        chain = there.chains[INPUT]
        later = there._replace(chains={**there.chains, INPUT: chain._replace(rules=(*chain.rules, rule))})
        for purge in (True, False):
            plan = made(later, purge=purge)
            assert (plan.words, standing(plan)) == (words, left)
        # What is no longer declared does not override it either.
        stays = made(later, Opening(VIP, "tcp", 81), purge=False)
        assert bool(stays.results["former"]) is not bool(words)


UNREAD: list[Any] = [{"xt": {"type": "match", "name": "bpf"}}, ACCEPT]


def test_what_cannot_be_evaluated_is_said_and_nothing_is_opened() -> None:
    there = ruleset(UNREAD, policy="drop")
    with pytest.raises(LvsError) as caught:
        made(there)
    assert caught.value.value == "xt match bpf accept"
    left = made(there, undecided="leave")
    assert (left.words, standing(left)) == ([], ["xt match bpf accept"])
    assert left.warnings
    forced = made(there, undecided="open")
    assert forced.words == ["open tcp 192.0.2.30:80 in inet filter input"]
    for operation in forced.operations:
        there = simulate(there, operation)
    assert made(there, undecided="leave").words == [], "what is open stays open"
    assert made(there, undecided="open").words == []


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param([{"xt": {"type": "match", "name": "bpf"}}, DROP], id="drop"),
        pytest.param([match(DPORT, 22), *UNREAD], id="another port"),
        pytest.param([{"xt": {"type": "match", "name": "recent"}}, ACCEPT], id="no match for ports"),
        pytest.param([{"xt": {"type": "target", "name": "LOG"}}], id="no verdict"),
        pytest.param([{"set": {"op": "add", "elem": {"payload": {"protocol": "ip", "field": "saddr"}}, "set": "@seen"}}], id="set"),
        pytest.param([match(SADDR, "@seen"), DROP], id="dynamic set"),
        pytest.param([match(("ct", "status"), "dnat"), ACCEPT], id="ct status"),
    ],
)  # fmt: skip
def test_what_cannot_open_the_port_needs_no_evaluation(rule: list[Any]) -> None:
    there = ruleset(rule, policy="drop")._replace(dynamic=frozenset([INPUT._replace(name="seen")]))
    plan = made(there)
    assert plan.words == ["open tcp 192.0.2.30:80 in inet filter input"]
    assert isinstance(plan.operations[0], InsertRule)
    assert plan.operations[0].before == 0


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(UNREAD, id="extension"),
        pytest.param([{"xt": None}], id="extension without a name"),
        pytest.param([{"xt": None}, ACCEPT], id="match without a name"),
        pytest.param([match(SADDR, INSIDE), {"verdict of a later version": {}}], id="verdict"),
        pytest.param([{"match": {"op": "==", "left": {"payload": {"base": "th", "offset": 16, "len": 16}}, "right": 80}}, ACCEPT], id="raw"),
        pytest.param([{"match": {"op": "==", "left": {"a later expression": {}}, "right": 80}}, JUMP], id="jump"),
    ],
)  # fmt: skip
def test_what_may_decide_about_the_port_is_not_guessed(rule: list[Any]) -> None:
    there = ruleset(rule, policy="drop", sub=([ACCEPT],))
    plan = made(there, undecided="leave")
    assert (plan.words, len(standing(plan))) == ([], 1)


def test_a_port_in_a_dynamic_set_is_the_administrators() -> None:
    there = ruleset([match(DPORT, "@knocked"), ACCEPT], policy="drop")
    key = INPUT._replace(name="knocked")
    there = there._replace(dynamic=frozenset([key]), sets={key: []})
    assert standing(made(there)) == ["tcp dport @knocked accept"]


def test_a_mark_that_stands_for_the_port_is_the_administrators() -> None:
    raw = ChainKey("inet", "filter", "raw")
    marking = Rule(
        (match(SADDR, INSIDE), match(DPORT, 80), {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}}), "", 50
    )
    there = ruleset([match(("meta", "mark"), 7), ACCEPT], policy="drop")
    assert standing(made(there)) == [], "a mark of anything else"
    there = there._replace(chains={**there.chains, raw: Chain(raw, (marking,), "prerouting")})
    assert standing(made(there)) == ["meta mark 7 accept"]


def test_packets_that_the_administrator_does_not_track_are_judged_as_such() -> None:
    raw = ChainKey("inet", "filter", "raw")
    untrack = Rule((match(DPORT, 80), {"notrack": None}), "", 50)
    there = ruleset([match(STATE, ["new"], "in"), match(DPORT, 80), ACCEPT], policy="drop")
    assert made(there).words == []
    there = there._replace(chains={**there.chains, raw: Chain(raw, (untrack,), "prerouting")})
    assert made(there).words == ["open tcp 192.0.2.30:80 in inet filter input"]


def test_what_is_invalid_passes_where_nothing_else_is_overridden_and_is_not_tracked_where_it_would_be() -> None:
    before = ruleset(BANNED, INVALID, policy="drop")
    errors = "icmp destination-unreachable to 192.0.2.30"
    both = ["tcp 192.0.2.30:80", errors]
    plan = made(before, untracked=True)
    assert plan.words == [f"open {one} in inet filter input" for one in both]
    assert {one.before for one in plan.operations} == {2}
    # A ban that comes after it would be overridden for packets that are invalid.
    plan = made(ruleset(INVALID, BANNED, policy="drop"), untracked=True)
    table = ["make table inet lvs-cluster-d", *(f"do not track {one}" for one in both)]
    assert plan.words == [*(f"open {one} in inet filter input" for one in both), *table]
    assert {one.before for one in plan.operations[:2]} == {0}
    # Neither is possible where the ban needs connection tracking: then they stay dropped.
    tracked = [match(STATE, ["new"], "in"), *BANNED]
    plan = made(ruleset(INVALID, tracked, policy="drop"), untracked=True)
    assert plan.words[0] == "open tcp 192.0.2.30:80 in inet filter input"
    assert "do not track tcp 192.0.2.30:80" not in plan.words


def test_a_rule_about_new_connections_without_syn_does_not_cut_a_directors() -> None:
    """Without its connection confirmed each packet of it is new to connection tracking."""
    flags: dict[str, Any] = {
        "&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["fin", "syn", "rst", "ack"]}]
    }
    rule = [match(STATE, ["new"], "in"), {"match": {"op": "!=", "left": flags, "right": "syn"}}, DROP]
    plan = made(ruleset(rule, [match(DPORT, 80), ACCEPT]), untracked=True)
    assert plan.words == ["open tcp 192.0.2.30:80 in inet filter input"]
    assert plan.operations[0].before == 1
    assert made(ruleset(rule, [match(DPORT, 80), ACCEPT])).words == []


def test_a_chain_of_one_device_is_opened_where_nothing_else_is() -> None:
    """The drop of `sub` is for eth1; what eth0 lets in later is explicit."""
    there = ruleset([match(DEVICE, "eth1"), JUMP], BANNED, policy="drop", sub=([match(DPORT, 22), ACCEPT], [DROP]))
    plan = made(there)
    assert plan.words == [f"open tcp 192.0.2.30:80 in inet filter {chain}" for chain in ("input", "sub")]
    assert {(one.chain, one.before) for one in plan.operations} == {(INPUT, 0), (SUB, 4)}


def test_a_chain_that_bans_jump_to_is_not_opened() -> None:
    """It drops everything, and is where rules about other clients lead, too."""
    there = ruleset([match(SADDR, INSIDE), JUMP], [JUMP], policy="accept", sub=([DROP],))
    plan = made(there)
    assert [(one.chain, one.before) for one in plan.operations] == [(INPUT, 2)]


def test_broad_rules_that_stand_are_told() -> None:
    plan = made(ruleset([match(DEVICE, "eth1"), DROP], [match(SADDR, INSIDE, "!="), DROP], BANNED))
    assert plan.words == []
    assert len(plan.warnings) == 2
    assert [one["rule"] for one in plan.results["left_to_administrator"]] == [
        "iifname eth1 drop",
        "ip saddr != 198.51.100.0/28 drop",
    ]


_SOURCES = ["198.51.100.7", "198.51.100.200", "203.0.113.9"]
_matches = st.sampled_from([
    match(DPORT, 80), match(DPORT, 81), match(DPORT, {"set": [22, {"range": [80, 90]}]}), match(DPORT, 80, "!="),
    match(DPORT, "@ports"), match(SADDR, INSIDE), match(SADDR, INSIDE, "!="), match(SADDR, "203.0.113.9"), match(SADDR, "@banned"),
    match(SADDR, {"set": ["203.0.113.9", INSIDE]}), match(DADDR, VIP), match(DADDR, VIP, "!="), match(DEVICE, "eth0"),
    match(DEVICE, "eth1", "!="), match(STATE, ["established"], "in"), match(STATE, ["new"], "in"), match(STATE, ["invalid"], "in"),
    match(("meta", "l4proto"), "tcp"), LIMIT, match(("ip6", "saddr"), VIP6), match(("meta", "mark"), 0),
    {"match": {"op": "==", "left": BOTH, "right": {"set": [{"concat": [INSIDE, 80]}]}}},
])  # fmt: skip
_vmaps = st.sampled_from([
    {"vmap": {"key": match(DPORT, 0)["match"]["left"], "data": {"set": [[80, JUMP], [81, DROP]]}}},
    {"vmap": {"key": match(SADDR, 0)["match"]["left"], "data": {"set": [[INSIDE, ACCEPT], ["203.0.113.9", DROP]]}}},
    {"vmap": {"key": match(DEVICE, 0)["match"]["left"], "data": {"set": [["eth0", JUMP], ["lo", ACCEPT]]}}},
])  # fmt: skip
_verdicts = st.one_of(st.sampled_from([ACCEPT, DROP, REJECT, RETURN, {"counter": None}]), _vmaps)
_few = st.lists(_matches, max_size=3)
_flat = st.builds(lambda parts, last: [*parts, last], _few, st.sampled_from([ACCEPT, DROP, REJECT, RETURN]))
_top = st.builds(lambda parts, last: [*parts, last], _few, st.one_of(_verdicts, st.sampled_from([JUMP, GOTO])))


@st.composite
def administrators(draw: st.DrawFn) -> Ruleset:
    """Draw rules of an administrator."""
    rules, sub = draw(st.lists(_top, max_size=5)), draw(st.lists(_flat, max_size=4))
    made = ruleset(*rules, policy=draw(st.sampled_from(["accept", "drop"])), sub=tuple(sub))
    return made._replace(sets={**made.sets, INPUT._replace(name="banned"): ["203.0.113.9"]})


_wires = st.tuples(
    st.sampled_from(_SOURCES), st.sampled_from([VIP, "192.0.2.31"]), st.sampled_from(["tcp", "udp"]),
    st.sampled_from([22, 80, 81, 85]), st.sampled_from(["eth0", "eth1"]), st.sampled_from(["new", "invalid", "established"]),
    st.just("syn"), st.booleans(),
).map(lambda given: Wire(*given))  # fmt: skip
_opening = st.tuples(st.sampled_from([80, 80, 0]), st.sampled_from(["", "", "198.51.100.0/24", "203.0.113.9"])).map(
    lambda given: Opening(VIP, "tcp", *given)
)


def explicit(there: Ruleset, found: Any) -> bool:
    """Whether a rule drops for a reason of its own: it, or one on the way to it, names clients, a port, or a rate.

    A chain for a device is no reason, unless all that it does is to drop.
    """
    if found.verdict != "drop" or found.rule is None:
        return False
    chain = there.chains[found.chain]
    only = all(rule.expr[-1].keys() & {"drop", "reject", "counter"} for rule in chain.rules)
    reasons = [part for part in found.rule.expr if _reason(part, ())]
    ways = (*found.way,)
    for number, rule in enumerate(ways):
        lets = () if only and number == len(ways) - 1 else ("iifname",)
        reasons += [part for part in rule.expr if _reason(part, lets)]
    return bool(reasons)


def _reason(part: Any, lets: tuple[str, ...]) -> bool:
    if part == LIMIT:
        return True
    if "vmap" in part:
        return part["vmap"]["key"] not in [{"meta": {"key": one}} for one in lets]
    if "match" not in part:
        return False
    left, op = part["match"]["left"], part["match"]["op"]
    field = left.get("payload", left.get("meta", left.get("ct", {})))
    name = field.get("field", field.get("key", "both"))
    return name not in (*lets, "l4proto", "state") and not (op == "!=" and name in ("dport", "daddr"))


@given(administrators(), _opening, st.lists(_wires, min_size=1, max_size=8), st.booleans())
def test_no_explicit_rule_is_overridden_and_the_declared_clients_get_in(
    there: Ruleset, opening: Opening, wires: list[Wire], untracked: bool
) -> None:
    plan = plan_nftables(there, WantedFirewall("d", (opening,), untracked=untracked))
    after = there
    for operation in plan.operations:
        after = simulate(after, operation)
    again = plan_nftables(after, WantedFirewall("d", (opening,), untracked=untracked))
    assert (again.words, again.results) == ([], plan.results)
    openings = [one["opening"] for one in plan.results["left_to_administrator"] if not one["opened"]]
    left = {port for one in openings if one.startswith("tcp") for port in _ports(one)}
    alone = plan.after["untracked"]
    for wire in wires:
        # What is not tracked any more is of another state when the rules see it.
        not_tracked = any(one.startswith("tcp") for one in alone) and wire.destination == VIP
        before = outcome(there, there.chains[INPUT], wire)
        now = outcome(after, after.chains[INPUT], wire._replace(state="untracked") if not_tracked else wire)
        if before.verdict == "accept":
            assert now.verdict == "accept" or not_tracked
            continue
        if explicit(there, before):
            assert now.verdict == "drop"
        declared = wire.destination == VIP and wire.protocol == "tcp" and (opening.port in (0, wire.dport))
        if not declared:
            assert now.verdict == before.verdict
        elif (
            wire.state == "new"
            and not explicit(there, before)
            and wire.dport not in left
            and _inside(wire.source, opening.source)
        ):
            assert now.verdict == "accept"


def _ports(opening: str) -> range:
    """Return the ports of an opening in words."""
    text = opening.split()[1].rpartition(":")[2]
    return parse_ports("port", text if text != "*" else "1-65535").numbers


def _inside(source: str, of: str) -> bool:
    return not of or ipaddress.ip_address(source) in ipaddress.ip_network(of)
