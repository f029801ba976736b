# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook rolling does with each server of a batch, and on which directors. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from .._topology.hosts import Groups
from .._topology.model import Topology
from .._topology.reach import lost
from .outcome import by_director, step_outcome
from .servers import directors_of, left_alone, paths_of, servers_of


def rolling_batch(
    topology: Topology,
    groups: Groups,
    hosts: Sequence[str],
    checks: Sequence[Mapping[str, Any]],
    failed: Collection[str],
    changes: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the steps of a batch: `check`, `drain`, `probe` and `restore`, each by director; and `lines` for people.

    `checks` are the results of ipvs_drain in check mode, from which it is known who was drained before: such a server
    stays drained. `failed` are the hosts whose update failed, which stay drained too. `errors` say why the checks
    block the batch, and `problems` what went wrong in `changes`, which are the results of a drain or restore. A
    director that did not answer a check is left out of the later steps.
    """
    drained_before = left_alone(topology, hosts, checks)
    updated = [host for host in hosts if host not in drained_before]
    succeeded = [host for host in updated if host not in failed]
    answers = by_director(checks) if hosts else {}
    outcome = step_outcome(topology, groups, hosts, answers, "lvs.cluster.drain")
    return {
        "check": drain_targets(topology, groups, hosts),
        "drain": drain_targets(topology, groups, updated, outcome.unreachable),
        "probe": probe_targets(topology, groups, succeeded, outcome.unreachable),
        "restore": drain_targets(topology, groups, succeeded, outcome.unreachable),
        "lines": [*outcome.notes, *_lines(updated, drained_before)],
        "errors": list(outcome.errors),
        "problems": _problems(by_director(changes)),
    }


def drain_targets(
    topology: Topology, groups: Groups, hosts: Sequence[str], without: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the directors that have some of the hosts as servers, each with their addresses there."""
    found = [
        {"director": director, "servers": servers_of(topology, groups, hosts, director), "hosts": list(hosts)}
        for director in (directors_of(topology) if hosts else ())
        if director not in without
    ]
    return [one for one in found if one["servers"]]


def probe_targets(
    topology: Topology, groups: Groups, hosts: Sequence[str], without: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the directors that have some of the hosts as servers, each with the paths to prove from there."""
    return [
        {**one, "services": paths_of(topology, one["director"], one["servers"])}
        for one in drain_targets(topology, groups, hosts, without)
    ]


def _problems(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = {host: (result, why) for host, result in results.items() if (why := lost(result))}
    return [
        f"{host}: {result['msg']}" if why.answered and "msg" in result else f"{host}: director {why.rule}"
        for host, (result, why) in found.items()
    ]


def _lines(updated: Sequence[str], drained_before: Sequence[str]) -> list[str]:
    lines = []
    if updated:
        then = "restored after the tasks; if they fail, a server stays drained until you run lvs.cluster.restore"
        lines.append(f"{', '.join(updated)}: drained, and {then}.")
    if drained_before:
        lines.append(f"{', '.join(drained_before)}: drained before this run; gets the tasks, and stays drained.")
    return lines
