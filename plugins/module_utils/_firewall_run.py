# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on the packet filter: read, decide, apply, and again when another program came between; without Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ._errors import KernelRefusal, NotPermitted
from ._files import read_bytes
from ._firewall_nft_client import NftClient
from ._firewall_plan import plan_nftables
from ._firewall_wanted import WantedFirewall
from ._plan import Plan

_ATTEMPTS = 3
# Which tables the old iptables has (net/netfilter/x_tables.c); those of iptables-nft are not in it.
_LEGACY = {"iptables-legacy": "/proc/net/ip_tables_names", "ip6tables-legacy": "/proc/net/ip6_tables_names"}


class FirewallRun:
    """One wish and the way to it; `first` is the plan before anything was done."""

    def __init__(self, wanted: WantedFirewall) -> None:
        self._wanted = wanted
        self._nft = NftClient()
        self.first = self._plan()

    def apply(self) -> Plan[Any]:
        """Carry the plan out, and return the one that was."""
        plan = self.first
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._nft.apply(plan.operations)
                return plan
            except NotPermitted:
                raise
            except KernelRefusal:
                # Handles are of the moment: when another program has loaded its rules anew they mean nothing any more.
                again = self._plan()
                if attempt == _ATTEMPTS or again.operations == plan.operations:
                    raise
                plan = again
        raise AssertionError("not reached")

    def _plan(self) -> Plan[Any]:
        wanted = self._wanted
        plan = plan_nftables(self._nft.read(), wanted, () if wanted.backend == "none" else None)
        warnings = _legacy_warnings() if wanted.openings and wanted.backend != "none" else []
        return replace(plan, results={"backend": "nftables", **plan.after}, warnings=tuple(warnings))


def restore_firewall(items: Sequence[Mapping[str, Any]]) -> list[Plan[Any]]:
    """Make the packet filter what each item, in the options of `vip_firewall`, declares; return what was done."""
    plans = []
    for item in items:
        run = FirewallRun(WantedFirewall.from_options(item))
        plans.append(run.apply() if run.first.changed else run.first)
    return plans


def _legacy_warnings() -> list[str]:
    return [
        f"{command} has a filter on this host, which nftables does not show: if it drops packets to the VIPs, "
        f"move it to iptables-nft, or open them with {command} itself."
        for command, path in _LEGACY.items()
        if b"filter" in (read_bytes(path) or b"").split()
    ]
