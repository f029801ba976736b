# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: what hosts are to be asked, and what is in the way of a cluster, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts
from ansible_collections.lvs.cluster.plugins.module_utils._path.model import TUNNEL

from .._topology.finding import Finding
from .._topology.model import Topology
from .context import Case, rips_of
from .rules import RULES, Judgement


def addresses_to_ask(topology: Topology, host: str) -> list[str]:
    """Return what a host asks its segment for: VIPs and DIPs of its services, and on a director the RIPs too.

    Real servers do not ask for one another: that would grow with their square.
    """
    asked: dict[str, None] = {}
    for service in topology.services:
        directs = host in service.directors
        if not directs and host not in (server.host for server in service.servers):
            continue
        asked.update(dict.fromkeys(service.vips))
        for director in service.directors:
            asked.update(dict.fromkeys(topology.dips.get(director, ()) if director != host else ()))
        if directs and service.forwarding != TUNNEL:
            for server in service.servers:
                asked.update(dict.fromkeys(rips_of(topology, service, server) if server.host != host else ()))
    return list(asked)


def findings(
    topology: Topology, facts: Mapping[str, HostFacts], variables: Mapping[str, Mapping[str, str]] | None = None
) -> list[Judgement]:
    """Return all that is in the way, each once: hosts in the order of the rules.

    `variables` has, by host, those of _preflight_case.VARIABLES that are set.
    """
    case = Case(topology, facts, variables or {})
    return list(dict.fromkeys(judgement for rule in RULES for judgement in rule(case)))


def report(inventory: Iterable[Finding], judgements: Sequence[Judgement], checked: Sequence[str]) -> dict[str, object]:
    """Return `errors` and `warnings`, a sentence each, and `lines` for people: errors first, or what was checked."""
    errors = [finding.sentence for finding in inventory]
    errors += [one.finding.sentence for one in judgements if not one.warning]
    warnings = [one.finding.sentence for one in judgements if one.warning]
    lines = [f"ERROR    {text}" for text in errors] + [f"warning  {text}" for text in warnings]
    if not errors:
        hosts = f"{len(checked)} host{'' if len(checked) == 1 else 's'}"
        lines.append(f"Nothing is in the way on {hosts} ({', '.join(checked)}).")
    return {"errors": errors, "warnings": warnings, "lines": lines}
