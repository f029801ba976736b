# SPDX-License-Identifier: GPL-3.0-or-later
"""From the packet filter that is to one that lets the VIPs' packets through and marks them, and opens nothing else.

A packet has to be accepted by every base chain of a hook: accepting it in a table of one's own does not save it from
the next chain (nf_hook_slow in net/netfilter/core.c). So an opening is a rule in each chain that would drop the packet
by default; see `decide` for where it is, and for which rules of the administrator stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Callable, NamedTuple

from .._core.plan import Plan
from .._nftables.names import owner_table
from .._nftables.operations import OWN_FAMILY, DeleteRule, InsertRule, NftOperation, simulate
from .._nftables.ruleset import COMMENT_PREFIX, Chain, ChainKey, Rule, Ruleset, canonical, describe
from .atoms import port_bounds
from .decide import Decider, Decision, Standing
from .evaluate import Place, Tracer
from .held import TARGET, Held
from .options import FAIL, OPEN, WantedFirewall
from .packets import Packet, packets_at, untracked_packets
from .rules import accept_rule, packet_of
from .standing import Told, entries, undecided_error, warnings
from .table import plan_table

# Chains of firewalld in each of its versions and backends, and the name of the table that is its alone.
_FIREWALLD_TABLE, _FIREWALLD_CHAINS = "firewalld", {"INPUT_ZONES", "INPUT_direct"}
_MARKS = ({"meta": {"key": "mark"}}, {"ct": {"key": "mark"}})


class _Opened(NamedTuple):
    """Where rules for openings are to be, what decides instead of them, and what connection tracking leaves alone."""

    places: dict[Place, dict[str, Rule]]
    standing: list[Standing]
    untracked: list[Packet]
    former: set[tuple[ChainKey, int]]


def plan_nftables(ruleset: Ruleset, wanted: WantedFirewall, carrier: str = "nftables") -> Plan[NftOperation]:
    """Return the way to the owner's openings and marks, and to nothing else.

    `carrier` is what holds the openings. Beside `firewalld` nftables opens whatever other filter there is; beside
    `none` it only marks. Raises an LvsError when a rule cannot be evaluated and `wanted` says that this is an error.
    """
    if carrier == "none":
        wanted = wanted._replace(openings=(), purge=True)
    with_firewalld = carrier == "firewalld"
    # Chains that drop what is invalid can be opened, but for those of firewalld: there nothing may be invalid.
    untracked = untracked_packets(wanted.openings) if wanted.untracked and with_firewalld else []
    left_alone = firewalld_tables(ruleset) if with_firewalld else set()
    opened = _Openings(ruleset, wanted, left_alone, bool(untracked)).find()
    told = [Told.of(one) for one in opened.standing]
    error = undecided_error(told) if wanted.undecided == FAIL else None
    if error:
        raise error
    untracked = list(dict.fromkeys([*untracked, *opened.untracked]))
    operations: list[NftOperation] = []
    former: set[str] = set()
    for chain in ruleset.chains.values():
        steps, kept = _plan_chain(chain, wanted, opened)
        operations += steps
        former.update(map(describe, kept))
    operations += plan_table(ruleset, wanted.name, wanted.marks, untracked)
    later = ruleset
    for operation in operations:
        later = simulate(later, operation)
    results = {"former": sorted(former), "left_to_administrator": entries(told)}
    return Plan(_shown(ruleset, wanted), _shown(later, wanted), tuple(operations), results, tuple(warnings(told)))


def firewalld_tables(ruleset: Ruleset) -> set[tuple[str, str]]:
    """Return family and name of the tables that a running firewalld has made."""
    return {key[:2] for key in ruleset.chains if key.table == _FIREWALLD_TABLE or key.name in _FIREWALLD_CHAINS}


class _Openings:
    """Finds the places of all openings in a ruleset."""

    def __init__(
        self, ruleset: Ruleset, wanted: WantedFirewall, left_alone: set[tuple[str, str]], untracked: bool
    ) -> None:
        self._ruleset, self._wanted = ruleset, wanted
        self._comment, self._left_alone = COMMENT_PREFIX + wanted.name, left_alone
        # What other owners have opened they may close at any time.
        self._others = _without_openings(ruleset, self._comment)
        self._notracks, self._marks = _rules_with(self._others, _leaves_alone), _rules_with(self._others, _marks)
        self._decider = Decider(self._others, port_bounds(self._others), wanted.undecided == OPEN)
        self._states = ("untracked",) if untracked else ("new", "invalid") if wanted.untracked else ("new",)
        self._there = _existing(ruleset, self._comment)

    def find(self) -> _Opened:
        """Return the places, beginning again when connection tracking is to leave other packets alone."""
        # None stands for packets that have to be tracked, since rules that drop some of them need that.
        alone: dict[str, Packet | None] = {}
        while True:
            untracked = [packet for packet in alone.values() if packet]
            found = _Opened({}, [], untracked, set(self._former()))
            conflicts = self._find(found, alone)
            if not conflicts:
                return found
            alone.update(conflicts)

    def _find(self, found: _Opened, alone: Mapping[str, Packet | None]) -> dict[str, Packet | None]:
        """Add all places to `found`; return what has to change before that about packets that are left alone."""
        conflicts: dict[str, Packet | None] = {}
        for chain in self._others.chains.values():
            if not chain.hook or chain.key[:2] in self._left_alone | {(OWN_FAMILY, owner_table(self._wanted.name))}:
                continue
            for meaning, packets in self._met(chain).items():
                decision = self._decide(chain, packets, alone.get(meaning), meaning in alone)
                if decision.conflict and chain.hook in ("input", "forward") and alone.get(meaning, packets[0]):
                    known = meaning in alone
                    conflicts[meaning] = None if known else packets[0]._replace(state="untracked", flag="")
                    continue
                if decision.conflict:
                    # What connection tracking misjudges stays dropped.
                    tracked = [packet for packet in packets if not packet.misjudged]
                    decision = self._decide(chain, tracked, None, True) if tracked else Decision()
                found.standing.extend(decision.standing)
                for packet, places in decision.places:
                    rule = accept_rule(packet, self._comment)
                    for place in places:
                        found.places.setdefault(place, {})[meaning_of(rule)] = rule
        return conflicts

    def _former(self) -> Iterator[tuple[ChainKey, int]]:
        """Yield chain and handle of the openings of an earlier declaration that override no rule."""
        for chain in self._ruleset.chains.values():
            base = self._others.chains.get(chain.key)
            if not base or self._wanted.purge:
                continue
            for rule, place in _placed(chain, self._comment):
                packet = packet_of(rule)
                met = packet and [one for one in self._met(chain).values() if _covers(one[0], packet)]
                if not met and (not packet or self._decider.tolerates(base, self._met_as(packet, chain.hook), place)):
                    yield chain.key, rule.handle

    def _met_as(self, packet: Packet, hook: str) -> Packet:
        """Return the packet of an opening that there is in the state in which it comes to a hook; see packets_at."""
        if packet.error:
            return packet._replace(state=self._states[-1])
        if packet.sport:
            known = hook == "output" or self._states == ("new",)
            return packet._replace(state="established" if known else self._states[-1])
        return packet._replace(state="untracked", flag="") if hook == "output" else packet

    def _met(self, chain: Chain) -> dict[str, list[Packet]]:
        """Return the packets that meet a base chain, by the meaning of the rule that lets them through."""
        met: dict[str, list[Packet]] = {}
        for packets in packets_at(chain.hook, chain.priority, self._wanted.openings, self._states):
            if chain.key.sees(packets[0].ipv6):
                met.setdefault(meaning_of(accept_rule(packets[0], self._comment)), []).extend(packets)
        return met

    def _decide(self, chain: Chain, packets: Sequence[Packet], untracked: Packet | None, within: bool) -> Decision:
        first = packets[0]
        # Where a rule of the administrator has connection tracking leave the packets alone, they are not tracked.
        if first.arrives and any(
            not held.never and held.sure and not held.where for held in self._held(first, self._notracks)
        ):
            packets = [first._replace(state="untracked", flag="")]
        marked = any(TARGET in held.about and not held.never for held in self._held(first, self._marks))
        there = [
            (packets[0]._replace(sport=one.sport, dport=one.dport), place)
            for one, place in self._there
            if _alike(one, first)
        ]
        return self._decider.decide(chain, packets, there, untracked, marked, within or chain.hook == "output")

    def _held(self, packet: Packet, rules: Mapping[ChainKey, Collection[Rule]]) -> Iterator[Held]:
        """Yield for which packets the matches of these rules hold."""
        for key, some in rules.items():
            yield from (step.held for step in Tracer(self._others, packet).steps(key) if step.rule in some)


def _alike(one: Packet, other: Packet) -> bool:
    """Whether both are known by the same things, but for their ports."""
    return one[:3] == other[:3] and one.error == other.error and (one.sport is None) == (other.sport is None)


def _covers(one: Packet, other: Packet) -> bool:
    """Whether one has all that the other is known by, and all of its ports."""
    ports = [(getattr(one, field), getattr(other, field)) for field in ("sport", "dport")]
    return _alike(one, other) and all(
        not more or not less or (more.first <= less.first and less.last <= more.last) for more, less in ports
    )


def _rules_with(ruleset: Ruleset, wanted: Callable[[Any], bool]) -> dict[ChainKey, list[Rule]]:
    """Return the rules of each chain with such a part."""
    found = {
        key: [rule for rule in chain.rules if any(wanted(part) for part in rule.expr)]
        for key, chain in ruleset.chains.items()
    }
    return {key: rules for key, rules in found.items() if rules}


def _leaves_alone(part: Any) -> bool:
    return bool(part == {"notrack": None})


def _marks(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    mangle, xt = part.get("mangle"), part.get("xt")
    named = isinstance(xt, dict) and xt.get("name") in ("MARK", "CONNMARK")
    return named or (isinstance(mangle, dict) and mangle.get("key") in _MARKS)


def _without_openings(ruleset: Ruleset, comment: str) -> Ruleset:
    """Return the rules of the administrator, and of programs."""
    chains = {
        key: chain._replace(
            rules=tuple(rule for rule in chain.rules if rule.comment != comment and not is_opening(rule))
        )
        for key, chain in ruleset.chains.items()
        if not key.table.startswith(owner_table(""))
    }
    return ruleset._replace(chains=chains)


def is_opening(rule: Rule) -> bool:
    """Whether an owner has added a rule as an opening."""
    return rule.comment.startswith(COMMENT_PREFIX) and rule.expr[-1:] == ({"accept": None},)


def meaning_of(rule: Rule) -> str:
    """Return what is the same for all rules that do the same, also when the tools of iptables have written one anew."""
    packet = packet_of(rule)
    return repr(canonical((accept_rule(packet, "") if packet else rule).expr))


def _existing(ruleset: Ruleset, comment: str) -> list[tuple[Packet, Place]]:
    """Return the owner's openings that there are, with their places."""
    found = []
    for chain in ruleset.chains.values():
        for rule, place in _placed(chain, comment):
            packet = packet_of(rule)
            if packet:
                found.append((packet, place))
    return found


def _placed(chain: Chain, comment: str) -> list[tuple[Rule, Place]]:
    """Return the owner's rules in a chain, with their places among the rules of others."""
    found: list[tuple[Rule, Place]] = []
    following = 0
    for rule in reversed(chain.rules):
        if rule.comment == comment:
            found.append((rule, (chain.key, following)))
        elif not is_opening(rule):
            following = rule.handle
    return found[::-1]


def _plan_chain(chain: Chain, wanted: WantedFirewall, opened: _Opened) -> tuple[list[NftOperation], list[Rule]]:
    """Return the way of one chain, and the rules of an earlier declaration that stay."""
    key = chain.key
    if key[:2] == (OWN_FAMILY, owner_table(wanted.name)):
        return [], []  # its rules open nothing
    missing = {place: dict(rules) for place, rules in opened.places.items() if place[0] == key}
    surplus: list[Rule] = []
    for rule, place in _placed(chain, COMMENT_PREFIX + wanted.name):
        if missing.get(place, {}).pop(meaning_of(rule), None) is None:
            surplus.append(rule)
    gone = [rule for rule in surplus if wanted.purge or (key, rule.handle) not in opened.former]
    closures = [DeleteRule(key, rule, f"close {describe(rule)} in {key}") for rule in gone]
    insertions = [
        InsertRule(key, rule, f"open {describe(rule)} in {key}", place[1])
        for place, rules in missing.items()
        for rule in rules.values()
    ]
    return [*closures, *insertions], [rule for rule in surplus if rule not in gone]


def _shown(ruleset: Ruleset, wanted: WantedFirewall) -> dict[str, Any]:
    comment, table = COMMENT_PREFIX + wanted.name, (OWN_FAMILY, owner_table(wanted.name))
    openings: dict[str, list[str]] = {}
    marks: list[str] = []
    untracked: list[str] = []
    for key, chain in ruleset.chains.items():
        if key[:2] == table:
            for rule in chain.rules:
                (untracked if {"notrack": None} in rule.expr else marks).append(describe(rule))
        elif ours := [describe(rule) for rule in chain.rules if rule.comment == comment]:
            openings[str(key)] = sorted(ours)
    return {"openings": openings, "marks": sorted(marks), "untracked": sorted(untracked)}
