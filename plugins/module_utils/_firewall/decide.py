# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an opening is added to a base chain, where in it, and which rules of the administrator decide instead.

An opening only overrides what drops packets that no other rule has decided about: a policy, or a rule that drops
everything. It never comes before a rule that drops some of the packets for another reason. Where a rule names the
address or the port and accepts some clients, nothing is opened.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from .._core.ports import PortRange
from .._nftables.ruleset import Chain, ChainKey, Ruleset
from .atoms import atoms
from .evaluate import ACCEPT, DROP, ELSEWHERE, RETURN, Event, Place, Tracer
from .held import DEVICE, EXCEPT, STATE, TARGET, UNKNOWN
from .packets import Packet

# What a rule of the administrator means for an opening.
ADMITS, REFUSES, SOME, NOT_READ, NO_PLACE = "admits", "refuses", "some", "not read", "no place"


class Standing(NamedTuple):
    """A rule of the administrator that decides about packets of an opening, and what it means for that opening.

    `packet` has the ports that the rule decides about.
    """

    chain: ChainKey
    event: Event
    packet: Packet
    meaning: str


class Decision(NamedTuple):
    """What becomes of an opening in a base chain.

    `places` are, for each packet that one rule lets through, where its rules are to be. `conflict` says that there is
    no place for packets that connection tracking misjudges.
    """

    places: tuple[tuple[Packet, tuple[Place, ...]], ...] = ()
    standing: tuple[Standing, ...] = ()
    conflict: bool = False


class _Part(NamedTuple):
    """Tracers for packets whose ports the rules do not tell apart; `judge` is of the first packet of a client."""

    packet: Packet
    judge: Tracer
    tracers: tuple[Tracer, ...]


class Decider:
    """Decides about the openings in base chains; the ruleset has none of the rules that open VIPs."""

    def __init__(self, ruleset: Ruleset, bounds: Sequence[int], force: bool = False) -> None:
        self._ruleset, self._bounds, self._force = ruleset, bounds, force

    def decide(
        self,
        base: Chain,
        packets: Sequence[Packet],
        there: Collection[tuple[Packet, Place]] = (),
        untracked: Packet | None = None,
        marked: bool = False,
        within: bool = True,
    ) -> Decision:
        """Decide about packets that one rule lets through; `there` are the openings that exist for some of them.

        With `untracked` this is what they are, once connection tracking leaves them alone. Unless `within`, packets
        that it misjudges are opened in base chains only: programs rewrite the other chains.
        """
        standing: list[Standing] = []
        groups: list[tuple[bool, list[_Part]]] = []
        for part in self._parts(packets, untracked, marked):
            found, left = self._standing(base, part)
            standing += found
            unread = any(one.meaning == NOT_READ for one in found)
            if groups and groups[-1][0] == unread and not (left and not unread):
                groups[-1][1].append(part)
            elif not left or unread:
                groups.append((unread, [part]))
            else:
                groups.append((False, []))
        places: list[tuple[Packet, tuple[Place, ...]]] = []
        for unread, group in groups:
            if untracked and not _as_tracked(base, group):
                return Decision(conflict=True)
            for run in self._runs(base, group):
                packet = _joined(packets[0], run)
                existing = [place for one, place in there if one == packet]
                placement = _Placement(base, run)
                # What cannot be evaluated is left as it is: nothing is opened or closed.
                chosen = placement.allowed_of(existing) if unread else placement.choose(existing)
                below = not within and any(key != base.key for key, _handle in chosen or ())
                if (chosen is None or below) and not untracked and any(one.misjudged for one in packets):
                    return Decision(conflict=True)
                if chosen is None:
                    standing += _without_place(base, run)
                elif chosen:
                    places.append((packet, chosen))
        return Decision(tuple(places), _merged(standing))

    def _runs(self, base: Chain, group: Sequence[_Part]) -> list[list[_Part]]:
        """Return the parts together, or, where no place serves all of them, as many together as one place serves."""
        if len(group) < 2 or _Placement(base, group).choose(()) is not None:
            return [list(group)] if group else []
        runs: list[list[_Part]] = []
        for part in group:
            if runs and _Placement(base, [*runs[-1], part]).choose(()) is not None:
                runs[-1].append(part)
            else:
                runs.append([part])
        return runs

    def tolerates(self, base: Chain, packet: Packet, place: Place) -> bool:
        """Whether an opening that nobody declares any more overrides no rule of the administrator."""
        parts = self._parts([packet], None, False)
        decided = (one.meaning for part in parts for one in self._standing(base, part)[0])
        return _Placement(base, parts).allowed([place]) and not {ADMITS, REFUSES} & set(decided)

    def _parts(self, packets: Sequence[Packet], untracked: Packet | None, marked: bool) -> list[_Part]:
        parts = []
        for ports in atoms(packets[0].ports, self._bounds):
            alike = [packet.with_ports(ports) for packet in (*packets, *([untracked] if untracked else ()))]
            tracers = [Tracer(self._ruleset, packet, marked) for packet in alike]
            parts.append(_Part(alike[0], tracers[0], tuple(tracers[-1:] if untracked else tracers)))
        return parts

    def _standing(self, base: Chain, part: _Part) -> tuple[list[Standing], bool]:
        """Return the rules that decide about the first packet of a client, and whether nothing is to be opened."""
        events = part.judge.events(base)

        def those(chosen: Iterable[Event], meaning: str) -> list[Standing]:
            return [Standing(base.key, event, part.packet, meaning) for event in chosen]

        defaults = [event for event in events if event.default]
        if not defaults:
            drops = [event for event in events if event.verdict == DROP]
            if drops and not any(event.verdict == ACCEPT for event in events):
                return those(drops, REFUSES), True
            refusing = [event for event in drops if _refuses(event)]
            some = [event for event in drops if event not in refusing and _worth_telling(event)]
            return those(refusing, REFUSES) + those(some, SOME), False
        # What drops packets for a state that is not theirs says nothing about those that come after it.
        late = [event for event in defaults if not (part.packet.misjudged and STATE in event.about)]
        passes = [event for event in events if event.verdict in (ACCEPT, ELSEWHERE) or _passes_by(event, late)]
        unknown = [event for event in passes if UNKNOWN in event.about]
        if late and unknown and not self._force:
            return those(unknown, NOT_READ), True
        admitting = [event for event in passes if TARGET in event.about and UNKNOWN not in event.about]
        if late and admitting:
            return those(admitting, ADMITS), True
        drops = [event for event in events if event.verdict == DROP and not event.default]
        return those(filter(_worth_telling, drops), SOME), False


def _as_tracked(base: Chain, parts: Iterable[_Part]) -> bool:
    """Whether every rule that drops tracked packets drops them too when they are not tracked."""
    return all(
        {event.places for event in part.judge.events(base) if event.verdict in (DROP, ELSEWHERE) and not event.default}
        <= {event.places for tracer in part.tracers for event in tracer.events(base)}
        for part in parts
    )


class _Placement:
    """Where openings for packets are to be, so that nothing drops them by default and no other rule is overridden."""

    def __init__(self, base: Chain, parts: Sequence[_Part]) -> None:
        self._base, self._tracers = base, [tracer for part in parts for tracer in part.tracers]
        events = self._events(())
        self._kept, self._open = _overridden(events), not _defaults(events)

    def choose(self, there: Sequence[Place]) -> tuple[Place, ...] | None:
        """Return the places, of those that are there as many as serve; None when there is none that is allowed."""
        if self._open:
            return ()
        chosen = list(self.allowed_of(there))
        while True:
            missing = _defaults(self._events(chosen))
            if not missing:
                break
            place = next((one for one in missing[0].places if self.allowed([*chosen, one])), None)
            if place is None:
                return None
            chosen.append(place)
        for place in tuple(chosen):
            fewer = [one for one in chosen if one != place]
            if not _defaults(self._events(fewer)):
                chosen = fewer
        return tuple(chosen)

    def allowed_of(self, there: Sequence[Place]) -> tuple[Place, ...]:
        """Return those of the places that are allowed."""
        chosen = tuple(place for place in dict.fromkeys(there) if self.allowed([place]))
        return chosen if self.allowed(chosen) else ()

    def _events(self, places: Collection[Place]) -> list[tuple[int, Event]]:
        return [
            (number, event)
            for number, tracer in enumerate(self._tracers)
            for event in tracer.events(self._base, places)
        ]

    def allowed(self, places: Collection[Place]) -> bool:
        """Whether openings in these places come before no rule that decides about some of the packets."""
        return _overridden(self._events(places)) == self._kept


def _overridden(events: Iterable[tuple[int, Event]]) -> list[tuple[int, Event]]:
    """Return the events that an opening must not come before."""
    return [(number, one) for number, one in events if one.verdict in (DROP, ELSEWHERE) and not one.default]


def _defaults(events: Iterable[tuple[int, Event]]) -> list[Event]:
    return [event for _number, event in events if event.default]


def _passes_by(event: Event, defaults: Iterable[Event]) -> bool:
    """Whether a rule returns packets from a chain that then drops all others."""
    chain = event.places[-1][0]
    return event.verdict == RETURN and any(chain == place[0] for one in defaults for place in one.places)


def _refuses(event: Event) -> bool:
    """Whether a rule drops what is for the target, from whomever it comes."""
    return TARGET in event.about and event.about <= {TARGET, STATE, DEVICE}


def _worth_telling(event: Event) -> bool:
    """Whether a rule that drops is about the target, or about more than listed clients or a rate."""
    return bool(event.about & {TARGET, DEVICE, EXCEPT})


def _without_place(base: Chain, parts: Sequence[_Part]) -> list[Standing]:
    return [
        Standing(base.key, event, part.packet, NO_PLACE)
        for part in parts
        for event in part.judge.events(base)
        if event.verdict in (DROP, ELSEWHERE) and not event.default
    ]


def _joined(whole: Packet, parts: Sequence[_Part]) -> Packet:
    """Return the packet with the ports of all parts, which follow each other."""
    first, last = parts[0].packet.ports, parts[-1].packet.ports
    return whole.with_ports(PortRange(first.first, last.last)) if first and last else whole


def _merged(standing: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return each rule once for ports that follow each other."""
    found: list[Standing] = []
    for one in standing:
        for number, other in enumerate(found):
            alike = (other.event.places, other.meaning) == (one.event.places, one.meaning)
            ports, before = one.packet.ports, other.packet.ports
            if alike and (other.packet == one.packet or (ports and before and before.last + 1 == ports.first)):
                whole = PortRange(before.first, ports.last) if ports and before else None
                found[number] = other._replace(packet=other.packet.with_ports(whole))
                break
        else:
            found.append(one)
    return tuple(found)
