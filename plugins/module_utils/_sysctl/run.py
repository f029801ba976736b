# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on the per-interface sysctls: read, decide, apply, and read what is in effect. Needs no Ansible."""

from __future__ import annotations

from dataclasses import replace

from .client import SysctlClient
from .model import Request
from .plan import make_plan


class SysctlRun:
    """A request for sysctls; applied, its plan returns the effective values as they were read afterwards."""

    def __init__(self, request: Request) -> None:
        self._client = SysctlClient()
        self.plan = make_plan(request, self._client.read(request))
        self._client.preflight(self.plan.operations)

    def apply(self) -> None:
        """Apply the plan; raise LvsError."""
        self._client.apply(self.plan.operations)
        effective = self._client.effective(self.plan.results["effective"])
        self.plan = replace(self.plan, results={**self.plan.results, "effective": effective})
