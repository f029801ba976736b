# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about other programs: none writes a director's table, and none assigns a VIP that a role assigns."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Manager

from .._topology.finding import Finding
from .context import Case
from .judgement import Judgement

_KUBE_PROXY = "let kube-proxy use the mode iptables, or leave this host out of the directors"
# For each program that writes the table too
_TABLE_REMEDIES = {
    "keepalived": "take virtual_server out of its configuration, or stop and disable it",
    "kube-proxy": _KUBE_PROXY,
    "k3s": _KUBE_PROXY,
    "kube-router": "run it with --run-service-proxy=false, or leave this host out of the directors",
    "kube-vip": "set lb_enable to false for it, or leave this host out of the directors",
    "ipvsadm": "have its service not restore a table at boot: disable it",
}


def check_others(case: Case) -> Iterator[Judgement]:
    """Nothing else writes a director's table, or assigns a VIP of this host."""
    for host in dict.fromkeys([*case.directors, *case.servers]):
        for manager in case.facts[host].managers if host in case.facts else ():
            yield from _table(case, host, manager)
            yield from _vips(case, host, manager)


def _table(case: Case, host: str, manager: Manager) -> Iterator[Judgement]:
    if manager.table and host in case.directors:
        rule = f"{'manages' if manager.sure else 'may manage'} IPVS on this host too ({manager.evidence})"
        remedy = _TABLE_REMEDIES.get(manager.name, f"stop {manager.name}, or leave this host out of the directors")
        yield Judgement(Finding(host, "program", manager.name, rule, remedy), warning=not manager.sure)


def _vips(case: Case, host: str, manager: Manager) -> Iterator[Judgement]:
    assigned = case.assigned(host)
    for vip in assigned:
        if vip in manager.addresses:
            rule = f"is assigned by {manager.name} too ({manager.evidence})"
            remedy = f"take the VIP out of the configuration of {manager.name}, or stop and disable it"
            yield Judgement(Finding(host, "VIP", vip, rule, remedy), warning=not manager.sure)
    if assigned and not manager.sure and not manager.table and not manager.addresses:
        rule = f"may assign VIPs on this host too ({manager.evidence})"
        remedy = f"see that {', '.join(assigned)} is not among its addresses"
        yield Judgement(Finding(host, "program", manager.name, rule, remedy), warning=True)
