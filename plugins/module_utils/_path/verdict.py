# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evidence of a path means, each verdict with the rule that is broken and what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.address import endpoint, is_ipv6
from .._core.errors import sentence
from .._core.protocols import DIRECT, MASQUERADE, TUNNEL
from .model import (
    DATAGRAM,
    OPEN,
    REFUSED,
    RESET,
    RETURNED,
    SYN_ACK,
    TCP,
    UDP,
    UNREACHABLE,
    UNWRAPPED,
    Answer,
    Evidence,
    Probe,
    Verdict,
)

_PORT_UNREACHABLE = {False: 3, True: 4}  # ICMP and ICMPv6 (RFC 792, 4443)


def judge(probe: Probe, evidence: Evidence) -> Verdict:
    """Return what was proved of one path."""
    if probe.protocol not in (TCP, UDP):
        return Verdict("unproven", None, f"is {probe.protocol}, which is not asked", "ask the service itself")
    if probe.protocol == UDP and probe.payload is None:
        return Verdict(
            "unproven", None, "is udp, and nothing is known that it would answer", "give a payload, and what to expect"
        )
    if evidence.way.here:
        return _here(probe, evidence)
    if probe.forwarding == MASQUERADE:
        return _masqueraded(probe, evidence)
    return _not_sent(probe, evidence) or _answered(probe, evidence) or _unanswered(probe, evidence)


def _here(probe: Probe, evidence: Evidence) -> Verdict:
    if evidence.listening:
        return Verdict("local", True, "is served by this host itself")
    rule = "is to be served by this host itself, and nothing listens there"
    return Verdict("refused", False, rule, f"start the service, listening on all addresses or on {probe.vip}")


def _not_sent(probe: Probe, evidence: Evidence) -> Verdict | None:
    way = evidence.way
    if probe.forwarding == DIRECT and way.gateway:
        where = f"is behind the gateway {way.gateway}" if way.gateway != "none" else "is on no network of this host"
        rule = f"can't be sent to this server, whose address {probe.rip} {where}: direct routing needs one segment"
        return Verdict(
            "off_segment", False, rule, "give it an address on the director's network, or use forwarding: tunnel"
        )
    if not way.source:
        rule = f"can't be asked for from here, since this host has no address of its own for that on {way.interface}"
        return Verdict("unproven", None, rule, "give the director an address of the VIP's family there")
    if probe.forwarding == DIRECT and not way.mac:
        how = "neighbour discovery" if is_ipv6(probe.rip) else "ARP"
        rule = (
            f"can't be sent to this server, since nobody answers {how} for its address {probe.rip} on {way.interface}"
        )
        remedy = "bring the server up, and put it on the director's segment (switch, VLAN, bridge)"
        return Verdict("no_mac", False, rule, remedy)
    return None


def _answered(probe: Probe, evidence: Evidence) -> Verdict | None:
    own, others = _by_owner(probe, evidence)
    for answer in (*own, *others):
        elsewhere = answer in others
        if answer.kind in (SYN_ACK, DATAGRAM):
            if elsewhere:
                rule = f"is answered by {answer.mac}, which is not this server's MAC {evidence.way.mac}"
                remedy = "let the server answer by the device that has its address, or find the host with that MAC"
                return Verdict("elsewhere", False, rule, remedy, answer)
            return _content(probe, answer)
        if answer.kind == RESET or (answer.kind == UNREACHABLE and _is_port(probe, answer)):
            return _refused(probe, evidence, answer)
        if answer.kind == UNWRAPPED:
            rule = f"gets an ICMP error (code {answer.code}): no {probe.tunnel_type} tunnel ends at {answer.sender}"
            remedy = f"make the {probe.tunnel_type} device there and put {probe.vip} on it"
            return Verdict("no_tunnel", False, rule, remedy, answer)
        if answer.kind == UNREACHABLE:
            rule = f"is rejected by {answer.sender} (ICMP code {answer.code})"
            remedy = f"let the packet filter there accept {probe.protocol} {endpoint(probe.vip, probe.port)}"
            return Verdict("rejected", False, rule, remedy, answer)
        if answer.kind == RETURNED:
            rule = "is sent on by this server, which does not have the VIP, and routes"
            return Verdict("returned", False, rule, _put_vip(probe), answer)
    return None


def _by_owner(probe: Probe, evidence: Evidence) -> tuple[list[Answer], list[Answer]]:
    """Return the answers that came by the server's MAC, and the others; through a tunnel any way back will do."""
    own = [one for one in evidence.answers if probe.forwarding == TUNNEL or one.mac == evidence.way.mac]
    return own, [one for one in evidence.answers if one not in own]


def _is_port(probe: Probe, answer: Answer) -> bool:
    return probe.protocol == UDP and answer.code == _PORT_UNREACHABLE[is_ipv6(answer.sender)]


def _content(probe: Probe, answer: Answer) -> Verdict:
    if probe.expect not in answer.payload:
        got = answer.payload[:40].decode("ascii", "backslashreplace")
        rule = f"answers with {got!r} ({len(answer.payload)} bytes), where {probe.expect[:40]!r} is expected"
        return Verdict("wrong_answer", False, rule, "look at the service there, or correct expect", answer)
    return Verdict("ok", True, "is served", "", answer)


def _refused(probe: Probe, evidence: Evidence, answer: Answer | None) -> Verdict:
    own = endpoint(probe.rip, probe.port)
    remedy = f"let it listen on all addresses, or on {probe.vip} too"
    if evidence.rip == OPEN:
        rule = f"is refused by this server: the service there listens only on the server's own address {own}"
        return Verdict("rip_only", False, rule, remedy, answer)
    where = f"neither on {probe.vip} nor on {probe.rip}" if evidence.rip == REFUSED else f"on {probe.vip}"
    rule = f"is refused by this server: nothing listens there on port {probe.port}, {where}"
    return Verdict("refused", False, rule, "start the service; " + remedy, answer)


def _unanswered(probe: Probe, evidence: Evidence) -> Verdict:
    if evidence.pinged:
        rule = (
            "gets no answer from this server, which has the VIP (it answers a ping), so that a packet filter drops it"
        )
        if probe.protocol == UDP:
            rule = "gets no answer from this server, which has the VIP (it answers a ping)"
        remedy = f"let the packet filter there accept {probe.protocol} {endpoint(probe.vip, probe.port)}"
        return Verdict("filtered", False, rule, remedy)
    alive = f", though {endpoint(probe.rip, probe.port)} there answers" if evidence.rip == OPEN else ""
    rule = f"gets no answer from this server{alive}: the VIP is missing there, or a packet filter or rp_filter drops it"
    return Verdict("silent", False, rule, _put_vip(probe))


def _put_vip(probe: Probe) -> str:
    if probe.forwarding == TUNNEL:
        return f"put {probe.vip} on its tunnel device ({probe.tunnel_type}), then look at rp_filter and packet filter"
    return f"put {probe.vip} on its lo (role lvs.cluster.realserver), then look at its packet filter and rp_filter"


def _masqueraded(probe: Probe, evidence: Evidence) -> Verdict:
    own = endpoint(probe.rip, probe.server_port)
    for answer in evidence.answers:
        if answer.kind == DATAGRAM:
            return _content(probe, answer)
    if evidence.rip == OPEN and probe.protocol == TCP:
        return Verdict("ok", True, "is served", "", next(iter(evidence.answers), None))
    if evidence.rip == REFUSED:
        return Verdict("refused", False, f"is refused by this server: nothing listens on {own}", "start the service")
    rule = f"gets no answer from this server's {own}"
    return Verdict("silent", False, rule, "bring the server up, and look at its packet filter")


def describe(probe: Probe, verdict: Verdict) -> str:
    """Return a verdict as one sentence that names server, service, rule and remedy."""
    about = f"{endpoint(probe.rip, probe.server_port)}: {probe.protocol} {endpoint(probe.vip, probe.port)}"
    return f"{about} {verdict.rule}." if verdict.good else sentence(about, None, verdict.rule, verdict.remedy)


def report(probes: Sequence[Probe], evidence: Sequence[Evidence]) -> dict[str, Any]:
    """Return the paths as values, and a line for each for people."""
    verdicts = [judge(probe, seen) for probe, seen in zip(probes, evidence)]
    return {
        "paths": [_values(*one) for one in zip(probes, evidence, verdicts)],
        "ok": all(verdict.good is not False for verdict in verdicts),
        "summary": _lines(probes, verdicts),
        "operations": [],
    }


def _values(probe: Probe, evidence: Evidence, verdict: Verdict) -> dict[str, Any]:
    answer = verdict.answer
    return {
        "service": {"address": probe.vip, "port": probe.port, "protocol": probe.protocol},
        "address": probe.rip,
        "port": probe.server_port,
        "forwarding": probe.forwarding,
        "verdict": verdict.word,
        "ok": verdict.good,
        "mac": evidence.way.mac,
        "answered_by": answer.mac if answer else "",
        "latency_ms": answer.latency_ms if answer else None,
        "rule": verdict.rule,
        "remedy": verdict.remedy,
        "sentence": describe(probe, verdict),
    }


def _lines(probes: Sequence[Probe], verdicts: Sequence[Verdict]) -> list[str]:
    names = [(f"{one.protocol} {endpoint(one.vip, one.port)}", endpoint(one.rip, one.server_port)) for one in probes]
    widths = [max((len(name[column]) for name in names), default=0) for column in (0, 1)]
    lines = []
    for (service, server), verdict in zip(names, verdicts):
        told = verdict.rule if not verdict.good else verdict.word
        if verdict.answer and verdict.good:
            told += f"  {verdict.answer.mac or 'by its address'}  {verdict.answer.latency_ms} ms"
        lines.append(f"{service:<{widths[0]}}  {server:<{widths[1]}}  {told}")
    return lines
