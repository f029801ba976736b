# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of a server as data: what is asked, what was seen, and what that means."""

from __future__ import annotations

from typing import NamedTuple

from .._core.protocols import DIRECT

TCP, UDP = "tcp", "udp"

# What came back
SYN_ACK, RESET, DATAGRAM, UNREACHABLE, RETURNED = "syn_ack", "reset", "datagram", "unreachable", "returned"
UNWRAPPED = "unwrapped"  # an ICMP error about the packet around: nobody takes it out of its tunnel
# How a plain connection to a server's own address went
OPEN, REFUSED, SILENT, UNKNOWN = "open", "refused", "silent", ""


class Probe(NamedTuple):
    """One path: a service by VIP and port, and one of its servers.

    `payload` is what a UDP service is asked (None: nothing), `expect` what its answer has to contain.
    """

    vip: str
    port: int
    protocol: str
    rip: str
    server_port: int
    forwarding: str = DIRECT
    tunnel_type: str = "ipip"
    tunnel_port: int = 0
    payload: bytes | None = None
    expect: bytes = b""


class Way(NamedTuple):
    """How a probe leaves this host: device and own address, and where it is known before that nothing can come of it.

    `here`: the server is this host; `gateway`: the RIP is behind it; `mac`: where the frame goes, empty while unknown.
    """

    interface: str = ""
    source: str = ""
    mac: str = ""
    here: bool = False
    gateway: str = ""


class Answer(NamedTuple):
    """What came back, from which MAC and how long after the question (ms).

    `sender` and `code` are those of an ICMP error, `payload` of a datagram.
    """

    kind: str
    mac: str
    latency_ms: float
    sender: str = ""
    code: int = 0
    payload: bytes = b""


class Evidence(NamedTuple):
    """All that was seen of one path; `pinged`: the VIP answered a ping; `rip`: how the RIP takes connections;
    `listening`: where the server is this host, whether something listens there."""

    way: Way
    answers: tuple[Answer, ...] = ()
    pinged: bool = False
    rip: str = UNKNOWN
    listening: bool = False


class Verdict(NamedTuple):
    """What the evidence means: a word, whether the path is good (None: it can't be told), the rule that is broken as
    the predicate of the service, and what to do."""

    word: str
    good: bool | None
    rule: str
    remedy: str = ""
    answer: Answer | None = None
