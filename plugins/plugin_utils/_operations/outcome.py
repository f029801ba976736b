# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step on the directors came to, where some of them may be down: a standby does not block, others do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._topology.finding import Finding
from .._topology.hosts import Groups
from .._topology.model import Topology
from .._topology.owners import AT_RUN_TIME, THIS_HOST, vip_owners
from .._topology.reach import Lost, lost
from .servers import directors_of, servers_of


class Outcome(NamedTuple):
    """`errors` block the run: an active director is unreachable, or a step failed; `notes` are about standby directors.

    `unreachable` are the directors to leave out.
    """

    errors: tuple[str, ...]
    notes: tuple[str, ...]
    unreachable: tuple[str, ...]


def step_outcome(
    topology: Topology, groups: Groups, names: Any, results: Mapping[str, Mapping[str, Any]], playbook: str
) -> Outcome:
    """Return the outcome of a step about servers; `results` has what each director returned, if it was asked."""
    found = {host: (result, why) for host, result in results.items() if (why := lost(result))}
    errors, notes, unreachable = [], [], []
    for host, (result, why) in found.items():
        if why.answered:
            errors.append(f"{host}: {result.get('msg', why.reason)}")
            continue
        unreachable.append(host)
        vips = active_vips(topology, groups, names, host)
        if vips:
            errors.append(_active(topology, host, why, vips).sentence)
        else:
            remedy = f"run {playbook} again when it is reachable"
            rule = f"{why.rule}, so nothing is changed there"
            notes.append(Finding(host, "standby director", "", rule, remedy).sentence)
    return Outcome(tuple(errors), tuple(notes), tuple(unreachable))


def active_vips(topology: Topology, groups: Groups, names: Any, director: str) -> list[str]:
    """Return the VIPs of these servers that a director answers for, or can answer for at any moment."""
    addresses = set(servers_of(topology, groups, names, director))
    owned = [
        vip for vip, owner in vip_owners(topology).items() if owner.seen_from(director) in (THIS_HOST, AT_RUN_TIME)
    ]
    return [vip for vip in owned if addresses & _pool(topology, vip)]


def by_director(results: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return the results of a loop over directors by the director; the first that went wrong counts."""
    found: dict[str, Mapping[str, Any]] = {}
    for result in results:
        director = str((result.get("item") or {}).get("director", ""))
        if director and (director not in found or not lost(found[director])):
            found[director] = result
    return found


def _pool(topology: Topology, vip: str) -> set[str]:
    return {
        address
        for service in topology.services
        if vip in service.vips
        for server in service.servers
        for address in (topology.rips.get(server.host, ()) if server.host else (server.address,))
    }


def _active(topology: Topology, host: str, why: Lost, vips: Sequence[str]) -> Finding:
    remedy = "make it reachable"
    if len(directors_of(topology)) > 1:
        remedy += ", or declare director_state: absent for it and run lvs.cluster.site, which moves its VIPs"
    return Finding(host, "director", "", f"{why.rule}, and answers for {', '.join(vips)}", remedy)
