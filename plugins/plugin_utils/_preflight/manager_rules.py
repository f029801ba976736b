# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about other programs: none writes a director's table, and none assigns a VIP that a role assigns."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import DEFAULT_OWNER
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Manager
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import VrrpUnit

from .._topology.failover import failover_vips
from .._topology.finding import Finding
from .context import CLUSTER_FORMERLY, CLUSTER_NAME, Case
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


def _own_files(case: Case, host: str) -> list[str]:
    """Return the paths of the configuration that the role writes for keepalived, by both names of the cluster."""
    names = (case.variable(host, CLUSTER_NAME) or DEFAULT_OWNER, case.variable(host, CLUSTER_FORMERLY))
    return [VrrpUnit(name).config for name in names if name]


def _own(case: Case, host: str, manager: Manager) -> Iterator[Judgement]:
    """Tell that VIPs are VRRP's from an earlier run, and are not to be any more."""
    moving = failover_vips(case.topology, host)
    for vip in (vip for vip in case.assigned(host) if vip in manager.addresses and vip not in moving):
        rule = "was assigned by VRRP, and is without failover now: clients may wait for a few seconds during this run"
        yield Judgement(Finding(host, "VIP", vip, rule, "run it when that is acceptable"), warning=True)


def _vips(case: Case, host: str, manager: Manager) -> Iterator[Judgement]:
    assigned = case.assigned(host)
    if any(path in manager.evidence for path in _own_files(case, host)):
        yield from _own(case, host, manager)
        return
    for vip in assigned:
        if vip in manager.addresses:
            rule = f"is assigned by {manager.name} too ({manager.evidence})"
            remedy = f"take the VIP out of the configuration of {manager.name}, or stop and disable it"
            yield Judgement(Finding(host, "VIP", vip, rule, remedy), warning=not manager.sure)
    if assigned and not manager.sure and not manager.table and not manager.addresses:
        rule = f"may assign VIPs on this host too ({manager.evidence})"
        remedy = f"see that {', '.join(assigned)} is not among its addresses"
        yield Judgement(Finding(host, "program", manager.name, rule, remedy), warning=True)
