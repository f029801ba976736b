# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: all problems of a cluster, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts

from .._topology.finding import Finding
from .._topology.model import Topology
from .context import Case
from .judgement import Judgement
from .rules import RULES


def findings(
    topology: Topology, facts: Mapping[str, HostFacts], variables: Mapping[str, Mapping[str, str]] | None = None
) -> list[Judgement]:
    """Return all that is in the way, each once: hosts in the order of the rules.

    `variables` has, by host, those of context.VARIABLES that are set.
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
