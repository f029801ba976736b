# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that a run could not reach or read, and whether the inventory declares that they leave. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .finding import Finding
from .inventory import DIRECTORS, GATEWAYS, REALSERVERS
from .model import Topology

DIRECTOR_STATE, REALSERVER_STATE, GATEWAY_STATE = "director_state", "realserver_state", "gateway_state"
PRESENT, DRAINED, ABSENT = "present", "drained", "absent"
# ansible-core 2.17 marks a task that timed out by these words only.
_TIMED_OUT = "in the expected time frame"
# What Ansible says before the words of ssh, such as "Failed to connect to the host via ssh: ".
_PREAMBLE = re.compile("^.*?(?:over|via) ssh: ")
_LONGEST = 300  # characters of a reason; a traceback is longer


class Lost(NamedTuple):
    """Why a task returned nothing of a host; `answered` says that the host ran it, and that it failed there."""

    reason: str
    answered: bool = False

    @property
    def rule(self) -> str:
        """Return the predicate of a sentence about the host."""
        return f"could not be {'read' if self.answered else 'reached'} ({self.reason})"


class Report(NamedTuple):
    """Findings about lost hosts: `errors` block a run, `warnings` do not; `unreachable` are the hosts to leave out."""

    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    unreachable: tuple[str, ...]


def lost(result: Any) -> Lost | None:
    """Return why a registered result has nothing of its host; None if it has, and if the task did not run."""
    result = result or {}
    reason = " ".join(str(result.get("msg") or "no reason is known").split())
    reason = _PREAMBLE.sub("", reason.removeprefix("Task failed: ")).rstrip(".")[:_LONGEST]
    if result.get("unreachable") or result.get("timedout"):
        return Lost(reason)
    if result.get("failed"):
        return Lost(reason, _TIMED_OUT not in reason)
    return None


def states(
    topology: Topology, members: Mapping[str, Sequence[str]], own: Mapping[str, Any], host: str
) -> dict[str, set[str]]:
    """Return the declared states of a host, by the variable that declares each; none for a client.

    `members` are the hosts of each role.
    """
    pooled = {
        str(server.options.get("state") or PRESENT)
        for service in topology.services
        for server in service.servers
        if server.host == host
    }
    found: dict[str, set[str]] = {}
    if host in topology.dips or host in members.get(DIRECTORS, ()):
        found[DIRECTOR_STATE] = {ABSENT if host in topology.absent else str(own.get(DIRECTOR_STATE) or PRESENT)}
    if pooled or host in members.get(REALSERVERS, ()):
        found[REALSERVER_STATE] = pooled or {str(own.get(REALSERVER_STATE) or PRESENT)}
    if host in members.get(GATEWAYS, ()):
        found[GATEWAY_STATE] = {str(own.get(GATEWAY_STATE) or PRESENT)}
    return found


def leaving(declared: Mapping[str, Iterable[str]]) -> str:
    """Return how a host leaves the cluster, DRAINED or ABSENT; empty if it stays or if no state is declared of it."""
    every = {state for some in declared.values() for state in some}
    if not every or PRESENT in every:
        return ""
    return DRAINED if DRAINED in every else ABSENT


def is_excused(why: Lost, declared: Mapping[str, Iterable[str]]) -> bool:
    """Return whether a lost host blocks nothing, since it could not be reached and is declared to leave."""
    return not why.answered and bool(leaving(declared))


def finding(host: str, why: Lost, declared: Mapping[str, Iterable[str]], playbook: str) -> Finding:
    """Return what is to be said of a lost host; `playbook` is the one to run again."""
    if is_excused(why, declared):
        rule = f"{why.rule}; it is declared {leaving(declared)}, so the run continues without it"
        return Finding(host, "host", "", rule, f"run {playbook} again when it is reachable")
    ways = ["correct that" if why.answered else "make it reachable"]
    if not why.answered:
        ways += [f"declare {_remedy(name)}" for name, some in declared.items() if PRESENT in some]
    ways.append(f"exclude it with --limit 'all:!{host}'")
    return Finding(host, "host", "", why.rule, f"{', '.join(ways[:-1])}, or {ways[-1]}")


def report(found: Mapping[str, Lost], declared: Mapping[str, Mapping[str, Iterable[str]]], playbook: str) -> Report:
    """Return the findings of all lost hosts; `declared` has the states of each."""
    excused = {host for host, why in found.items() if is_excused(why, declared[host])}
    findings = {host: finding(host, why, declared[host], playbook) for host, why in found.items()}
    return Report(
        tuple(one for host, one in findings.items() if host not in excused),
        tuple(one for host, one in findings.items() if host in excused),
        tuple(host for host, why in found.items() if not why.answered),
    )


def lost_hosts(results: Mapping[str, Sequence[Any]]) -> dict[str, Lost]:
    """Return the hosts that were lost, from the registered results of each; the first reason counts."""
    found = {host: next(filter(None, map(lost, several)), None) for host, several in results.items()}
    return {host: why for host, why in found.items() if why}


def _remedy(variable: str) -> str:
    states_of = f"{DRAINED} or {ABSENT}" if variable == REALSERVER_STATE else ABSENT
    return f"{variable}: {states_of}"
