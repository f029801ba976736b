# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: all problems of a cluster, found before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts

from .._topology.finding import Finding
from .._topology.model import Topology
from .context import Case
from .judgement import Judgement
from .owner_rules import shared_hosts
from .rules import RULES


def findings(
    topology: Topology,
    facts: Mapping[str, HostFacts],
    variables: Mapping[str, Mapping[str, Any]] | None = None,
    unreachable: Collection[str] = (),
) -> list[Judgement]:
    """Return all problems, each once: hosts in the order of the rules.

    `variables` has, by host, those of context.VARIABLES that are set.
    """
    case = Case(topology, facts, variables or {}, unreachable)
    return list(dict.fromkeys(judgement for rule in RULES for judgement in rule(case)))


def notes(
    topology: Topology, facts: Mapping[str, HostFacts], variables: Mapping[str, Mapping[str, str]] | None = None
) -> list[str]:
    """Return sentences about what other clusters declare on the hosts, which a run leaves as it is."""
    return list(shared_hosts(Case(topology, facts, variables or {})))


class Report(NamedTuple):
    """What was found in one cluster: mistakes of its description, judgements, and which hosts were read and which not.

    `name` is empty if there is no other cluster; `identified` are sentences about addresses that are hosts, `notes`
    about what clusters of other inventories declare on these hosts. The hosts in `unreachable` were asked, and did not
    answer.
    """

    name: str
    mistakes: Sequence[Finding]
    judgements: Sequence[Judgement]
    read: Sequence[str]
    missed: Sequence[str]
    identified: Sequence[str]
    notes: Sequence[str] = ()
    unreachable: Sequence[str] = ()

    @property
    def errors(self) -> list[str]:
        """The sentences about what has to be corrected."""
        found = [*self.mistakes, *(one.finding for one in self.judgements if not one.warning)]
        return list(dict.fromkeys(map(self._sentence, found)))

    @property
    def warnings(self) -> list[str]:
        """The sentences about what may have to be corrected."""
        return [self._sentence(one.finding) for one in self.judgements if one.warning]

    def _sentence(self, finding: Finding) -> str:
        # Services of two clusters can have the same name.
        return (finding if finding.host or not self.name else finding._replace(host=self.name)).sentence

    @property
    def summary(self) -> list[str]:
        """What was read, and what not."""
        where = f"{self.name}: " if self.name else ""
        lines = [f"{where}{sentence}" for sentence in self.identified]
        if not self.read:
            return [*lines, f"{where}No host was read, so only lvs_services was checked."]
        problem = f"{len(self.errors)} errors" if len(self.errors) > 1 else "1 error" if self.errors else "No error"
        hosts = f"{len(self.read)} host{'' if len(self.read) == 1 else 's'}"
        lines.append(f"{where}{problem} found. Read {hosts}: {', '.join(self.read)}.")
        if self.missed:
            lines.append(f"{where}Not read, so not checked: {', '.join(self.missed)}.")
        return lines


def report(reports: Sequence[Report]) -> dict[str, Any]:
    """Return `errors`, `warnings` and `notes`, a sentence each, `lines` for people, and the `unreachable` hosts.

    The lines are errors first, then what was read.
    """
    errors = [text for one in reports for text in one.errors]
    warnings = [text for one in reports for text in one.warnings]
    notes = list(dict.fromkeys(text for one in reports for text in one.notes))
    lines = [f"ERROR    {text}" for text in errors] + [f"warning  {text}" for text in warnings]
    lines += [f"note     {text}" for text in notes]
    return {
        "errors": errors,
        "warnings": warnings,
        "notes": notes,
        "lines": [*lines, *(line for one in reports for line in one.summary)],
        "unreachable": list(dict.fromkeys(host for one in reports for host in one.unreachable)),
    }
