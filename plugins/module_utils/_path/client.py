# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves paths from this host: asks all servers at once, waits once, and leaves nothing half-open behind."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from .._arp.client import PROBE_INTERVAL, PROBES, find_owners
from .._arp.senders import choose_senders
from .._core.address import same_family
from .._core.protocols import DIRECT, MASQUERADE, TUNNEL
from .._rtnetlink.state import own_addresses, own_neighbors
from .connect import Connection, Target, connect, is_listening
from .model import (
    DATAGRAM,
    RESET,
    RETURNED,
    SYN_ACK,
    TCP,
    UDP,
    UNKNOWN,
    UNREACHABLE,
    UNWRAPPED,
    Answer,
    Evidence,
    Probe,
    Way,
)
from .packets import ACK, RST, SYN, Datagram, Echo, Flow, Tcp, Unreachable, pack_ping, pack_tcp, pack_udp, unpack
from .sockets import Received, Wire

_SEQUENCES = 1 << 32
_LONGEST_PING = 0.5  # seconds; who is on the segment answers within milliseconds


class _Try:
    """One probe on its way: from which port, when it was sent, and what came back."""

    def __init__(self, probe: Probe, way: Way, wire: Wire) -> None:
        self.probe, self.way = probe, way
        port = wire.reserve(way.source, probe.protocol == UDP)
        self.flow = Flow(way.source, port, probe.vip, probe.port)
        self.sequence = random.randrange(_SEQUENCES)
        self.sent = 0.0
        self.answers: list[Answer] = []
        self.pinged = False

    @property
    def question(self) -> bytes:
        if self.probe.protocol == UDP:
            return pack_udp(self.flow, self.probe.payload or b"")
        return pack_tcp(self.flow, SYN, self.sequence)

    @property
    def farewell(self) -> bytes:
        """What makes the server forget the connection, in whatever state it has it."""
        return pack_tcp(self.flow, RST, (self.sequence + 1) % _SEQUENCES)

    @property
    def answered(self) -> bool:
        return bool(self.answers)

    def receive(self, heard: Tcp | Datagram | Echo | Unreachable, received: Received) -> None:
        """Take in what is about this probe."""
        if isinstance(heard, Echo):
            self.pinged = True
            return
        kind, code, sender, payload = _kind(heard, self.sequence), 0, "", b""
        if isinstance(heard, Unreachable):
            code, sender = heard.code, heard.source
            kind = UNREACHABLE if heard.flow == self.flow else UNWRAPPED
        if isinstance(heard, Datagram):
            payload = heard.payload
        # What this host's own kernel says of the probe comes by lo.
        if kind and not (kind in (RETURNED, UNREACHABLE) and received.interface == "lo"):
            latency = round((received.when - self.sent) * 1000, 1)
            self.answers.append(Answer(kind, received.mac, latency, sender, code, payload))


def _kind(heard: Tcp | Datagram | Unreachable, sequence: int) -> str:
    if isinstance(heard, Datagram):
        return DATAGRAM
    if isinstance(heard, Unreachable):
        return UNREACHABLE
    if heard.flags & SYN and not heard.flags & ACK:
        return RETURNED if heard.sequence == sequence else ""
    if heard.flags & ACK and heard.acknowledged == (sequence + 1) % _SEQUENCES:
        return RESET if heard.flags & RST else SYN_ACK if heard.flags & SYN else ""
    return ""


class _Wave:
    """All probes that go over the wire, found again by what comes back."""

    def __init__(self, wire: Wire, tries: Sequence[_Try]) -> None:
        self.wire, self.tries = wire, tries
        self.flows = {one.flow: one for one in tries}
        self.echoes = {(one.flow.target, one.flow.source_port): one for one in tries}
        self.tunnels = {one.probe.rip: one for one in tries if not one.way.mac}

    def ask(self, timeout: float, attempts: int) -> None:
        """Send each question up to `attempts` times, and wait until all are answered or the time is over."""
        for _attempt in range(attempts):
            waiting = [one for one in self.tries if not one.answered]
            for one in waiting:
                one.sent = time.monotonic()
                self.wire.send(one.probe, one.way, one.question)
            self._listen(timeout / attempts, lambda one: one.answered)
        # At once for those that answered, and the others may have heard a question whose answer was lost.
        for one in self.tries:
            if one.probe.protocol == TCP:
                self.wire.send(one.probe, one.way, one.farewell)

    def ping(self, silent: Sequence[_Try], timeout: float) -> None:
        """Ask those that were silent whether they have the VIP at all."""
        for one in silent:
            self.wire.send(one.probe, one.way, pack_ping(one.flow))
        if silent:
            self._listen(timeout, lambda one: one.pinged or one not in silent)

    def _listen(self, wait: float, done: Callable[[_Try], bool]) -> None:
        if all(done(one) for one in self.tries):
            return
        for received in self.wire.receive(wait):
            heard = unpack(received.packet)
            one = self._whose(heard)
            if one and heard:
                one.receive(heard, received)
                if all(done(one) for one in self.tries):
                    return

    def _whose(self, heard: Tcp | Datagram | Echo | Unreachable | None) -> _Try | None:
        if heard is None:
            return None
        flow = heard.flow
        if isinstance(heard, Echo):
            return self.echoes.get((flow.source, flow.target_port))
        back = Flow(flow.target, flow.target_port, flow.source, flow.source_port)
        if isinstance(heard, Unreachable):
            return self.flows.get(flow) or self.tunnels.get(flow.target)
        # A question that comes back as it was sent is found by its own direction.
        return self.flows.get(back) or (self.flows.get(flow) if isinstance(heard, Tcp) else None)


def prove(probes: Sequence[Probe], ways: Sequence[Way], timeout: float, attempts: int) -> list[Evidence]:
    """Return what was seen of each path; `ways` are those of plan_ways.

    It takes PROBES times PROBE_INTERVAL seconds for the MACs, at most `timeout` for the answers, and at most as long
    again for the reasons of those that are not good.
    """
    _allow_sockets()
    asked = [probe.protocol == TCP or (probe.protocol == UDP and probe.payload is not None) for probe in probes]
    ways = _with_macs(probes, ways)
    tries = {}
    with Wire({way.source for way in ways if way.source}) as wire:
        for number, (probe, way) in enumerate(zip(probes, ways)):
            reachable = way.mac if probe.forwarding == DIRECT else probe.forwarding == TUNNEL
            if asked[number] and way.source and reachable and not way.here:
                tries[number] = _Try(probe, way, wire)
        wave = _Wave(wire, list(tries.values()))
        wave.ask(timeout, attempts)
        wave.ping([one for one in tries.values() if not one.answered], min(timeout, _LONGEST_PING))
    connections = _connections(probes, ways, asked, tries, timeout)
    found = []
    for number, (probe, way) in enumerate(zip(probes, ways)):
        one, connection = tries.get(number), connections.get(number)
        answers = tuple(one.answers) if one else ()
        if connection and probe.forwarding == MASQUERADE:
            answers = (connection.answer,) if connection.answer else ()
        listening = way.here and asked[number] and is_listening(probe.vip, probe.port, probe.protocol)
        rip = connection.state if connection else UNKNOWN
        found.append(Evidence(way, answers, bool(one and one.pinged), rip, listening))
    return found


def _connections(
    probes: Sequence[Probe], ways: Sequence[Way], asked: Sequence[bool], tries: Mapping[int, _Try], timeout: float
) -> dict[int, Connection]:
    """Connect to servers' own addresses: with masquerade that is the path, else it tells why the VIP is not served."""
    wanted = {}
    for number, probe in enumerate(probes):
        one = tries.get(number)
        unclear = one and probe.protocol == TCP and not any(answer.kind == SYN_ACK for answer in one.answers)
        if asked[number] and not ways[number].here and (probe.forwarding == MASQUERADE or unclear):
            payload = probe.payload if probe.protocol == UDP else None
            source = ways[number].source if same_family(ways[number].source, probe.rip) else ""
            wanted[number] = Target(probe.rip, probe.server_port, payload, source)
    return connect(wanted, timeout)


def _with_macs(probes: Sequence[Probe], ways: Sequence[Way]) -> list[Way]:
    """Return the ways of direct routing with the MACs that IPVS would use: a static entry, or who answers first."""
    own, segments = own_addresses(), dict[str, dict[str, None]]()
    for probe, way in zip(probes, ways):
        if probe.forwarding == DIRECT and way.source and not way.gateway:
            segments.setdefault(way.interface, {})[probe.rip] = None
    macs = {}
    for interface, rips in segments.items():
        senders = choose_senders(list(rips), interface, own)
        for rip, answers in find_owners(interface, senders, PROBES * PROBE_INTERVAL, PROBES).items():
            if answers:
                macs[interface, rip] = answers[0].mac
    static = {(one.interface, one.address): one.mac for one in own_neighbors() if one.permanent}
    macs.update({key: mac for key, mac in static.items() if mac})
    return [
        way._replace(mac=macs.get((way.interface, probe.rip), "")) if probe.forwarding == DIRECT else way
        for probe, way in zip(probes, ways)
    ]


def _allow_sockets() -> None:
    """Each path that is proved holds a port, and so a file; a service manager allows few at first."""
    _now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
