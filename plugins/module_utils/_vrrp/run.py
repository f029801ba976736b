# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of vrrp_instances: read, decide, have keepalived test the configuration, write. Needs no Ansible."""

from __future__ import annotations

import os.path
from dataclasses import replace

from .._core.owner import Owner
from .._owner.declarations import read_others
from .client import apply, check_config, find_program, missing_program, read_state
from .model import WantedVrrp
from .plan import plan_vrrp, trial_config, writes_config


class VrrpRun:
    """The files of an owner's VRRP instances.

    Raises InvalidValue for what this host cannot run, and ServiceRefusal for a configuration that keepalived refuses,
    in check mode too. A host without keepalived is predicted with a warning, and `apply` raises PrerequisiteMissing.
    """

    def __init__(self, wanted: WantedVrrp) -> None:
        _refuse_claimed(wanted)
        state = read_state(wanted)
        self.plan = plan_vrrp(state, wanted)
        self.lacking = None if find_program() or not wanted.instances else missing_program()
        if self.lacking:
            warning = f"This cannot be done before {self.lacking.until}."
            self.plan = replace(self.plan, warnings=(*self.plan.warnings, warning))
        elif writes_config(self.plan.operations, wanted.unit):
            check_config(state.program, wanted.unit.config, trial_config(wanted, os.path.isdir))

    def apply(self) -> None:
        """Apply the plan; raise LvsError, and PrerequisiteMissing before anything is changed."""
        if self.lacking:
            raise self.lacking
        apply(self.plan.operations)


def _refuse_claimed(wanted: WantedVrrp) -> None:
    """Raise InvalidValue for a VIP that boot_restore assigns for another cluster."""
    owner = Owner(wanted.owner, wanted.formerly)
    others = read_others(owner)
    if others:  # nearly no host is in several clusters
        from .._owner.vips import refuse_vips

        vips = [vip.address for instance in wanted.instances for vip in instance.vips]
        refuse_vips(vips, owner, others, "vips")
