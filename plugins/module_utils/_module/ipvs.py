# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IPVS modules share: options become a run, and the run is carried through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

from .._core.plan import Plan
from .._ipvs.client import IpvsClient
from .._ipvs.plan import only_changes
from .._ipvs.run import IpvsRun, Request
from .runner import run

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def run_ipvs(module: AnsibleModule, parse: Callable[[Mapping[str, Any]], Request]) -> None:
    """Carry one IPVS module through, and exit; what can be refused without the kernel is refused before it is asked."""
    this: IpvsRun

    def make_plan() -> Plan[Any]:
        nonlocal this
        request = parse(module.params)
        this = IpvsRun(IpvsClient(), request)
        return only_changes(this.first)

    def apply(_operations: Sequence[Any]) -> Plan[Any] | None:
        settled = this.apply()
        return settled and only_changes(settled)

    run(module, make_plan, apply, lambda _plan: this.report)
