# SPDX-License-Identifier: GPL-3.0-or-later
"""What vip_firewall does with Ansible: options become a run, and the run is carried through."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._firewall_nft_client import LIBRARY, PACKAGE, NftablesMissing
from ._firewall_run import FirewallRun
from ._firewall_wanted import WantedFirewall
from ._plan import Plan
from ._runner import run


def run_firewall(module: AnsibleModule) -> None:
    """Carry the module through, and exit; options are checked before the library is looked for."""
    this: FirewallRun

    def make_plan() -> Plan[Any]:
        nonlocal this
        wanted = WantedFirewall.from_options(module.params)
        try:
            this = FirewallRun(wanted)
        except NftablesMissing:
            reason = f"for the packet filter; it is in the distribution's package {PACKAGE}"
            module.fail_json(msg=missing_required_lib(LIBRARY, reason=reason))
        return this.first

    run(module, make_plan, lambda _operations: this.apply())
