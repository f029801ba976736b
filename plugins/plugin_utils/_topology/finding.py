# SPDX-License-Identifier: GPL-3.0-or-later
"""A mistake that was found on the way, told with all others instead of ending the search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import ErrorGroup, InvalidValue


class Finding(NamedTuple):
    """One broken rule: whose, of what, the value (empty: there is none), the rule that it breaks, what to do."""

    host: str
    subject: str
    value: str
    rule: str
    remedy: str

    @property
    def error(self) -> InvalidValue:
        """Return it as an error, with the host, if there is one, in its subject."""
        where = f"{self.host}: {self.subject}" if self.host else self.subject
        return InvalidValue(where, self.value or None, self.rule, self.remedy)

    @property
    def sentence(self) -> str:
        """Return it as one sentence, which is that of an error."""
        return str(self.error)


def of_error(host: str, error: InvalidValue) -> Finding:
    """Return what an error tells as a finding."""
    value = "" if error.value is None else str(error.value)
    return Finding(host, error.subject, value, error.rule, error.remedy)


class Findings(ErrorGroup):
    """All findings at once, each on a line of its own; `findings` are the same as values."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__([finding.error for finding in self.findings])
        self.results = {"findings": [finding._asdict() for finding in self.findings]}
