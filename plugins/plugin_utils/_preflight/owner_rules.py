# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about hosts that are in several clusters, which are kept from several inventories."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import DEFAULT_OWNER, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import service_name
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service_key
from ansible_collections.lvs.cluster.plugins.module_utils._owner.claims import Claim, declared_twice
from ansible_collections.lvs.cluster.plugins.module_utils._owner.summary import Summary

from .._topology import views
from .._topology.finding import Finding, of_error
from .context import CLUSTER_FORMERLY, CLUSTER_NAME, Case
from .judgement import Judgement


def check_clusters(case: Case) -> Iterator[Judgement]:
    """No other cluster declares a VIP or a service of this one on a host of both."""
    for host in case.facts:
        try:
            owner = _owner(case, host)
        except InvalidValue as error:
            variable = CLUSTER_NAME if error.subject == "owner" else CLUSTER_FORMERLY
            yield Judgement(of_error(host, error)._replace(subject=variable))
            continue
        for one in _others(case, host, owner):
            claim = Claim(one.owner, one.name)
            if one.problem:
                remedy = f"run lvs.cluster.site of the cluster {one.owner}, or remove the file if that cluster is gone"
                yield Judgement(
                    Finding(host, "declaration", one.name, f"cannot be judged: {one.problem.rstrip('.')}", remedy)
                )
            for what, mine, theirs in (
                ("VIP", case.assigned(host), one.vips),
                ("service", _services(case, host), one.services),
            ):
                for value in (value for value in mine if value in theirs):
                    yield Judgement(of_error(host, declared_twice(what, value, owner, claim)))


def check_one_name(case: Case) -> Iterator[Judgement]:
    """All hosts of one description are in the cluster of one name, or each name would be a cluster for itself."""
    named: dict[str, list[str]] = {}
    for host in case.facts:
        named.setdefault(case.variable(host, CLUSTER_NAME) or DEFAULT_OWNER, []).append(host)
    if len(named) > 1:
        values = "; ".join(f"{name} on {', '.join(hosts)}" for name, hosts in named.items())
        rule = "is not the same on all hosts of one lvs_services"
        yield Judgement(Finding("", CLUSTER_NAME, values, rule, "set it for all hosts of the cluster"))


def shared_hosts(case: Case) -> Iterator[str]:
    """Yield a sentence for each declaration of another cluster, which a run leaves as it is."""
    for host in case.facts:
        try:
            owner = _owner(case, host)
        except InvalidValue:
            continue
        for one in _others(case, host, owner):
            if not one.problem:
                yield f"{host}: {Claim(one.owner, one.name).words} has {one.words} here; this run leaves it as it is."


def _owner(case: Case, host: str) -> Owner:
    name, former = case.variable(host, CLUSTER_NAME), case.variable(host, CLUSTER_FORMERLY)
    return Owner.from_options({"owner": name or DEFAULT_OWNER, "former_owner": former})


def _others(case: Case, host: str, owner: Owner) -> list[Summary]:
    return [one for one in case.facts[host].declarations if not owner.owns(one.owner)]


def _services(case: Case, host: str) -> list[str]:
    return [service_name(parse_service_key(one)) for one in views.director_services(case.topology, host)]
