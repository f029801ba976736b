# SPDX-License-Identifier: GPL-3.0-or-later
"""How long clients wait while the VIP moves: our VRRP instances against keepalived's defaults, by turns.

Two directors and a client in network namespaces, with the real keepalived. The client sends an ICMP echo request to the
VIP every few milliseconds, and finds the director by its neighbour table, as any client does.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.checksum import internet_checksum
from ansible_collections.lvs.cluster.plugins.module_utils._gate.model import YIELDING
from netns_hosts import Namespace, build_segment, fresh_namespaces
from netns_vrrp import GATE, VIP, Director, directors, until

from bench.figures import Figure
from bench.hosts import Failed

ROUNDS = int(os.environ.get("LVS_BENCH_ROUNDS", "3"))
CLIENT = 3
EACH = 0.004  # seconds between two requests
FROZEN = 5.0  # seconds that a master is frozen
OURS, DEFAULTS = "ours", "keepalived's defaults"
_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_ECHO = struct.Struct("!BBHHH")
# Multicast, VRRP version 2, an advertisement a second, and the VIP in it: what most guides have. keepalived takes no IPv6
# address there.
_DEFAULT_CONFIG = """\
vrrp_instance web {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    virtual_ipaddress {{
        169.254.51.51/32
        192.0.2.30/32
    }}
    virtual_ipaddress_excluded {{
        2001:db8::30/128
    }}
}}
"""


class Event(NamedTuple):
    """Something that happens to the master, the seconds for which the client is watched after it, and our goal.

    `theirs` is what is done with keepalived's defaults in its place, where these have nothing like it.
    """

    name: str
    happen: Callable[[Director], None]
    watch: float
    goal: float | None = None
    theirs: Callable[[Director], None] | None = None
    before: Callable[[Director], None] = lambda _master: None


class Reading(NamedTuple):
    """The longest time between two answers, and the requests that had no answer."""

    seconds: float
    lost: int


def reading_of(sent: Sequence[float], answered: Mapping[int, float], since: float) -> Reading:
    """Return what a client met since a time: when it sent each request, and when the request of a number was answered.

    The last answer before that time counts, and the last request, which may still be without one.
    """
    times = sorted(answered.values())
    last = max((when for when in times if when <= since), default=since)
    marks = [last, *(when for when in times if when > since)]
    marks.append(max(marks[-1], sent[-1]))
    longest = max(later - earlier for earlier, later in zip(marks, marks[1:], strict=False))
    lost = [number for number, when in enumerate(sent) if when >= since and number not in answered]
    return Reading(longest, len(lost))


class Client:
    """A host that asks the VIP all the time."""

    def __init__(self, host: Namespace) -> None:
        with host.entered():
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.sent: list[float] = []
        self.answered: dict[int, float] = {}

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._socket.close()

    def end(self) -> None:
        """Ask no more, and wait for what is on its way."""
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        following = time.monotonic()
        while not self._stop.is_set():
            number = len(self.sent)
            self.sent.append(time.monotonic())
            body = number.to_bytes(4, "big")
            head = _ECHO.pack(_ECHO_REQUEST, 0, 0, 1, number & 0xFFFF)
            request = _ECHO.pack(_ECHO_REQUEST, 0, internet_checksum(head + body), 1, number & 0xFFFF) + body
            with contextlib.suppress(OSError):  # nobody has the VIP
                self._socket.sendto(request, (VIP, 0))
            following += EACH
            while (left := following - time.monotonic()) > 0:
                if select.select([self._socket], [], [], left)[0]:
                    self._receive()
        time.sleep(0.05)
        self._receive()

    def _receive(self) -> None:
        while True:
            try:
                packet, (sender, _port) = self._socket.recvfrom(256)
            except BlockingIOError:
                return
            message = packet[(packet[0] & 15) * 4 :]
            if sender == VIP and message[0] == _ECHO_REPLY:
                self.answered.setdefault(int.from_bytes(message[8:12], "big"), time.monotonic())


def _crash(master: Director) -> None:
    """End the host: neither keepalived nor its kernel says anything more."""
    master.signal_all(signal.SIGSTOP)
    master.host.ip("link set eth0 down")
    master.signal_all(signal.SIGKILL)


def _freeze(master: Director) -> None:
    master.signal_all(signal.SIGSTOP)
    time.sleep(FROZEN)


EVENTS = (
    Event("the master crashes", _crash, 6, 0.85),
    Event("the link of the master goes down", lambda master: master.host.ip("link set eth0 down"), 6),
    Event("keepalived of the master is stopped", Director.stop, 4),
    Event("planned handover by the gate", lambda master: master.write_gate(YIELDING), 4, 0.0, theirs=Director.stop),
    Event("keepalived of the master is reloaded", Director.reload, 4, 0.0),
    Event(
        f"the master thaws after {FROZEN:g} s",
        lambda master: master.signal_all(signal.SIGCONT),
        10,
        before=_freeze,
    ),
)


def measure() -> list[Figure]:
    """Measure each event by turns."""
    if os.geteuid() or not shutil.which("keepalived", path="/usr/sbin:/usr/local/sbin"):
        raise Failed("network namespaces with keepalived need root and the package keepalived")
    readings: dict[tuple[str, str], list[Reading]] = {}
    for number in range(1, ROUNDS + 1):
        for event in EVENTS:
            for whose in (OURS, DEFAULTS):
                reading = _one(event, whose)
                readings.setdefault((event.name, whose), []).append(reading)
                words = f"{whose}: {reading.seconds:.3f} s, {reading.lost} lost"
                print(f"round {number}: {event.name}: {words}", file=sys.stderr, flush=True)
    return [figure for event in EVENTS for figure in _figures(event, readings)]


def _figures(event: Event, readings: dict[tuple[str, str], list[Reading]]) -> list[Figure]:
    ours, theirs = (readings[event.name, whose] for whose in (OURS, DEFAULTS))
    counted = event.goal == 0
    details = {whose: [one._asdict() for one in each] for whose, each in ((OURS, ours), (DEFAULTS, theirs))}

    def values(each: list[Reading]) -> list[float]:
        return [float(one.lost) if counted else round(one.seconds, 4) for one in each]

    unit = "lost" if counted else "s"
    other = "stopped" if event.theirs else "the same"
    return [
        Figure(event.name, "", values(ours), event.goal, unit, details),
        Figure(f"  {other}, {DEFAULTS}", "", values(theirs), None, unit),
    ]


def _one(event: Event, whose: str) -> Reading:
    """Return what a client meets when the event comes about on fresh hosts."""
    with tempfile.TemporaryDirectory() as directory, fresh_namespaces() as make:
        segment = build_segment(make, CLIENT)
        with directors(segment, Path(directory)) as pair:
            for one in pair:
                _begin(one, pair, whose)
            master, standby = pair
            until(lambda: master.is_master() and standby.has_nothing(), "a master", master.log.read_text)
            happen = event.theirs if whose == DEFAULTS and event.theirs else event.happen
            with Client(segment.host(CLIENT)) as client:
                until(lambda: len(client.answered) > 50, "answers")
                event.before(master)
                # A master that has just advertised is missed for longer than one that was about to.
                time.sleep(random.random())
                began = time.monotonic()
                happen(master)
                time.sleep(max(0.0, began + event.watch - time.monotonic()))
                client.end()
            return reading_of(client.sent, client.answered, began)


def _begin(one: Director, pair: list[Director], whose: str) -> None:
    one.declare(one.options(pair), gate={"path": GATE})
    if whose == DEFAULTS:
        config = one.etc / Path(one.unit.config).relative_to("/etc")
        config.write_text(_DEFAULT_CONFIG.format(priority=110 - 10 * one.number))
    else:
        one.write_gate(0)
    one.start()
