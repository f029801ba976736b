# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of packets in the rules of a base chain, and which rules decide that.

The packets of an opening are followed all at once: each rule takes a part of their clients, or perhaps all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from .._nftables.ruleset import CONNECTION_STATUS, OTHER_ADDRESS_TYPE, SET_OF_SOURCES, Chain, ChainKey, Rule, Ruleset
from .held import CLIENTS, DEVICE, FLAGS, OTHER, STATE, UNKNOWN, Held, all_of, perhaps
from .matches import Matcher, clients
from .packets import Packet
from .spans import NONE, Spans, intersect, merge, subtract

ACCEPT, DROP, RETURN, ELSEWHERE = "accept", "drop", "return", "elsewhere"
_DEEPEST = 16  # NFT_JUMP_STACK_SIZE
_VERDICTS = {
    "accept": ACCEPT,
    "drop": DROP,
    "reject": DROP,
    "return": RETURN,
    "jump": "jump",
    "goto": "goto",
    # Statements that end the way through the chain: to a program, to another socket, or changed.
    "queue": ELSEWHERE,
    "tproxy": ELSEWHERE,
    "synproxy": ELSEWHERE,
    "redirect": ACCEPT,
    "dnat": ACCEPT,
    "snat": ACCEPT,
    "masquerade": ACCEPT,
    "fwd": ELSEWHERE,
}
_RATES = ("limit", "quota", "ct count")
# Statements that decide nothing.
_SILENT = (
    *("counter", "log", "mangle", "notrack", "set", "map", "meter", "flow", "dup", "secmark", "tunnel"),
    *("ct helper", "ct timeout", "ct expectation", "last", "continue"),
)
# Targets of iptables, by name
_XT_TARGETS = {"REJECT": DROP, "DROP": DROP, "TARPIT": DROP, "NFQUEUE": ELSEWHERE, "TPROXY": ELSEWHERE}
_XT_SILENT = (
    *("LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TCPMSS", "TOS", "DSCP", "TTL", "HL", "CLASSIFY", "TRACE", "SET"),
    *("AUDIT", "CT", "NOTRACK", "SECMARK", "CONNSECMARK", "RATEEST", "IDLETIMER", "TCPOPTSTRIP", "CHECKSUM", "LED"),
)
# Matches of iptables that can tell no address and no port of the packet itself.
_XT_FREE = (
    *("recent", "hashlimit", "connlimit", "limit", "time", "statistic", "quota", "owner", "mac", "physdev", "policy"),
    *("ttl", "hl", "length", "dscp", "tos", "ecn", "rpfilter", "socket", "helper", "connbytes", "connlabel", "cgroup"),
    *("pkttype", "realm", "tcpmss", "cpu", "devgroup", "osf", "nfacct", "rateest", "mark", "connmark", "frag", "eui64"),
    *("icmp", "icmp6", "tcp", "udp", "sctp", "dccp", "esp", "ah", CONNECTION_STATUS, OTHER_ADDRESS_TYPE),
)

# A place in a chain: before the rule with this handle, or at the end of the chain (0).
Place = tuple[ChainKey, int]


class Event(NamedTuple):
    """A rule, or a chain's policy (`rule` is None), that decides about packets of `where`.

    `places` lead there from the base chain, `sure` says that it does so for all of them, and `about` what the matches
    on the way are about. `default` says that it drops what nothing else has decided about.
    """

    places: tuple[Place, ...]
    verdict: str
    where: Spans
    sure: bool
    about: frozenset[str]
    default: bool
    rule: Rule | None


class _Way(NamedTuple):
    """How packets come to a chain, and whether what is left of them at its end is for the policy.

    `jump` is what the rule that leads there is about.
    """

    places: tuple[Place, ...] = ()
    sure: bool = True
    about: frozenset[str] = frozenset()
    last: bool = True
    jump: frozenset[str] = frozenset()


class _Step(NamedTuple):
    """What one rule may do to the packets; `verdict` with the name of a chain for a jump."""

    place: Place
    rule: Rule
    held: Held
    verdict: str
    target: str = ""


class Tracer:
    """Follows packets through the base chains of a ruleset that has none of the rules that open VIPs."""

    def __init__(self, ruleset: Ruleset, packet: Packet, marked: bool = False) -> None:
        self._ruleset, self._packet = ruleset, packet
        self._matcher = Matcher(ruleset, packet, marked)
        self._steps: dict[ChainKey, tuple[_Step, ...]] = {}
        self._whole = clients(packet)

    def events(self, base: Chain, openings: Collection[Place] = ()) -> list[Event]:
        """Return what decides about the packets, with openings for all of them in these places."""
        found: list[Event] = []
        policy = DROP if base.policy == "drop" else ACCEPT
        self._follow(base.key, self._whole, _Way(), (found, policy, frozenset(openings)), 0)
        return found

    def _follow(
        self, key: ChainKey, where: Spans, way: _Way, run: tuple[list[Event], str, frozenset[Place]], depth: int
    ) -> Spans:
        """Follow packets through a chain, and return which of them come back from there."""
        if depth > _DEEPEST or key not in self._ruleset.chains:
            return where
        found, policy, openings = run
        back: Spans = NONE
        for step in self.steps(key):
            if step.place in openings:
                where = NONE
            if not step.verdict:
                continue
            part = where if step.held.where is None else intersect(where, step.held.where)
            if step.held.listed is not None and step.verdict in (ACCEPT, RETURN, ELSEWHERE):
                part = intersect(part, step.held.listed)
            if not part:
                continue
            about = way.about | step.held.about
            sure = way.sure and step.held.sure
            places = (*way.places, step.place)
            if step.verdict in ("jump", "goto"):
                key_there = key._replace(name=step.target)
                last = way.last and step.verdict == "goto"
                below = self._follow(key_there, part, _Way(places, sure, about, last, step.held.about), run, depth + 1)
                rest = subtract(where, part) if step.held.sure else where
                if step.verdict == "jump":
                    where = merge((*rest, *below))
                else:
                    where, back = rest, merge((*back, *below))
                continue
            verdict = policy if step.verdict == RETURN and way.last else step.verdict
            default = verdict == DROP and self._is_default(way, step)
            found.append(Event(places, verdict, part, sure, about, default, step.rule))
            if step.verdict == RETURN and not way.last:
                back = merge((*back, *part))
            # Rules about a state that is not the packets' own are not the end of what there is to respect.
            if step.held.sure and not (default and self._packet.misjudged and STATE in about):
                where = subtract(where, part)
        if (key, 0) in openings:
            where = NONE
        if way.last and where:
            end = (*way.places, (key, 0))
            found.append(Event(end, policy, where, way.sure, way.about, policy == DROP, None))
            return NONE
        return merge((*back, *where))

    def _is_default(self, way: _Way, step: _Step) -> bool:
        """Whether a rule drops what no other has decided about: it is for everything, or for all of some devices.

        A rule for a device itself is not, nor is a chain for a device that does nothing but drop.
        """
        own = step.held.about
        if way.places and self._only_drops(step.place[0]):
            own |= way.jump
        about = way.about | own
        allowed = {STATE, DEVICE}
        if self._packet.misjudged and STATE in about:
            allowed.add(FLAGS)
        return DEVICE not in own and about <= allowed

    def _only_drops(self, key: ChainKey) -> bool:
        return all(step.verdict in ("", DROP) for step in self._steps_of_all(key))

    def _steps_of_all(self, key: ChainKey) -> Iterator[_Step]:
        """Yield a step for each rule of a chain, also for those that are not about the packets."""
        for rule in self._ruleset.chains[key].rules:
            for verdict, target, _held in self._verdicts(key, rule):
                yield _Step((key, rule.handle), rule, Held(), verdict, target)

    def steps(self, key: ChainKey) -> tuple[_Step, ...]:
        """Return what the rules of a chain may do to the packets."""
        if key not in self._steps:
            self._steps[key] = tuple(
                _Step((key, rule.handle), rule, held, verdict, target)
                for rule in self._ruleset.chains[key].rules
                for verdict, target, held in self._held(key, rule)
            )
        return self._steps[key]

    def _held(self, key: ChainKey, rule: Rule) -> Iterator[tuple[str, str, Held]]:
        matched = all_of(self._part(key, part) for part in rule.expr)
        verdicts = [] if matched.never else list(self._verdicts(key, rule))
        # One step at least for each rule: it is a place.
        yield from [(verdict, target, all_of([matched, held])) for verdict, target, held in verdicts] or [
            ("", "", matched)
        ]

    def _part(self, key: ChainKey, part: Any) -> Held:
        if not isinstance(part, dict):
            return Held()
        if "match" in part:
            return self._matcher.match(key, part["match"])
        if part.keys() & set(_RATES):
            return perhaps(OTHER)
        # A statement of a dynamic set ends the rule for what is in excess of a rate.
        if any(isinstance(value, dict) and value.get("stmt") for value in part.values()):
            return perhaps(OTHER)
        if "xt" not in part:
            return Held()
        xt = part["xt"]
        if xt is None:
            return perhaps(UNKNOWN)
        if xt.get("type") == "match" and xt.get("name") != "comment":
            return perhaps(
                CLIENTS if xt.get("name") == SET_OF_SOURCES else OTHER if xt.get("name") in _XT_FREE else UNKNOWN
            )
        return Held()

    def _verdicts(self, key: ChainKey, rule: Rule) -> Iterator[tuple[str, str, Held]]:
        """Yield what a rule does, with the chain that it jumps to, and for which of the packets that it matches."""
        for part in rule.expr:
            if not isinstance(part, dict):
                continue
            if "vmap" in part:
                yield from self._mapped(key, part["vmap"])
                return
            for name, value in part.items():
                verdict, unknown = _verdict(name, value)
                if verdict:
                    target = value["target"] if name in ("jump", "goto") else ""
                    yield verdict, target, perhaps(UNKNOWN) if unknown else Held()
                    return
        if {"xt": None} in rule.expr:  # which may be what ends the rule
            yield ELSEWHERE, "", perhaps(UNKNOWN)

    def _mapped(self, key: ChainKey, vmap: Any) -> Iterator[tuple[str, str, Held]]:
        data, steady = vmap["data"], True
        if isinstance(data, str):
            place = key._replace(name=data[1:])
            data, steady = self._ruleset.sets.get(place, ()), place not in self._ruleset.dynamic
        entries = data.get("set", ()) if isinstance(data, dict) else data
        for entry in entries:
            if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[1], dict):
                continue
            held = self._matcher.compare(key, vmap["key"], "==", {"set": [entry[0]]})
            ((name, value),) = entry[1].items()
            if not held.never and name in _VERDICTS:
                held = held if steady else held._replace(sure=False)
                yield _VERDICTS[name], value["target"] if name in ("jump", "goto") else "", held


def _verdict(name: str, value: Any) -> tuple[str, bool]:
    """Return what a statement does, nothing for one that decides nothing; and whether that is not known."""
    if name in _VERDICTS:
        return _VERDICTS[name], False
    if name in ("match", *_RATES, *_SILENT):
        return "", False
    if name != "xt":
        return ELSEWHERE, True
    if not isinstance(value, dict) or value.get("type") != "target" or value.get("name") in _XT_SILENT:
        return "", False
    known = _XT_TARGETS.get(str(value.get("name")))
    return known or ELSEWHERE, known is None
