# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect what preflight judges: each description of the inventory, and what was read on the hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import LOADED, from_values

from .._roles.argument_specs import role_defaults
from .._topology.descriptions import Description, descriptions
from .._topology.finding import Finding, Findings
from .._topology.identity import addresses_of
from .._topology.inventory import DIRECTORS, GATEWAYS, REALSERVERS, Inventory
from .._topology.model import Topology
from .._topology.reach import lost_hosts, states
from .._topology.reach import report as reach_report
from .._topology.reader import Reader
from .._verify.collect import host_variables
from .._verify.desired import declare
from .cluster_rules import (
    Cluster,
    Everything,
    check_addresses,
    check_gateways,
    check_members,
    check_releases,
    check_shared_vips,
)
from .context import DIRECTOR_VIPS, INVENTORY_VARIABLES, VARIABLES
from .judgement import Judgement
from .releases import Sender, released_vips, senders, table_of
from .report import Report, findings, notes, report

# The result of preflight_info on each host, as the playbook registers it, and as it did before 1.1.0.
RESULTS = ("lvs_host_report", "__preflight")
TABLE = "__site_table"  # what the playbook site registers on each director before real servers leave
Validate = Callable[[str, Any], Any]
_EMPTY = Topology((), {}, {})


def judge(services: Any, groups: Any, hostvars: Any, validate: Validate) -> dict[str, Any]:
    """Return errors, warnings and lines for people: of each description, and of every host that was read."""
    inventory = Inventory(groups, hostvars)
    described = descriptions(services, inventory)
    if not described:
        remedy = "write it as a variable of all hosts of the cluster"
        return report([Report("", [Finding("", "lvs_services", "", "is set for no host", remedy)], [], [], [], ())])
    defaults = role_defaults("director", "realserver", "gateway")
    read = [_read(one, inventory) for one in described]
    clusters = [
        _cluster(one, topology, inventory, validate, defaults) for one, (topology, _mistakes) in zip(described, read)
    ]
    looked = {host: result for host in inventory.hosts if (result := _looked(inventory, host))}
    everything = Everything(clusters, looked, {host: from_values(one["facts"]) for host, one in looked.items()})
    reports = []
    for cluster, (_topology, mistakes) in zip(clusters, read):
        reports.append(_report(cluster, mistakes, everything, inventory, defaults))
    shared = [Judgement(finding, warning=True) for finding in check_shared_vips(everything)]
    return report([*reports[:-1], reports[-1]._replace(judgements=[*reports[-1].judgements, *shared])])


def _looked(inventory: Inventory, host: str) -> Mapping[str, Any]:
    found = _result(inventory, host)
    return found if "facts" in found else {}


def _result(inventory: Inventory, host: str) -> Mapping[str, Any]:
    """Return what preflight_info returned on a host, or why it returned nothing."""
    own = inventory.own(host)
    return next((own[name] for name in RESULTS if own.get(name)), {})


def _read(one: Description, inventory: Inventory) -> tuple[Topology, list[Finding]]:
    """Return the topology, or an empty one and all mistakes of the description."""
    reader = Reader(one.services, inventory)
    topology = reader.read()
    return (_EMPTY if reader.notes.found else topology), list(reader.notes.found)


def _cluster(
    one: Description, topology: Topology, inventory: Inventory, validate: Validate, defaults: Mapping[str, Any]
) -> Cluster:
    members = one.members(inventory)
    pooled = (server.host for service in topology.services for server in service.servers if server.host)
    hosts = dict.fromkeys([*(host for some in members.values() for host in some), *topology.dips, *pooled])
    variables = {host: host_variables(inventory, host, validate) for host in hosts}
    return Cluster(one.name, topology, members, one.others, declare(topology, members, variables, defaults))


def _report(
    cluster: Cluster,
    mistakes: list[Finding],
    everything: Everything,
    inventory: Inventory,
    defaults: Mapping[str, Any],
) -> Report:
    topology, members = cluster.topology, cluster.members
    hosts = list(dict.fromkeys([*members[DIRECTORS], *members[REALSERVERS], *topology.dips, *topology.rips]))
    facts = {host: everything.facts[host] for host in hosts if host in everything.facts}
    variables: dict[str, dict[str, Any]] = {}
    for host in facts:
        own = inventory.own(host)
        names = (*VARIABLES, *INVENTORY_VARIABLES)
        values = {name: defaults.get(name) if own.get(name) is None else own[name] for name in names}
        variables[host] = {
            name: value if isinstance(value, Mapping) else str(value)
            for name, value in values.items()
            if value not in (None, "", {})
        }
        if own.get(DIRECTOR_VIPS) is not None:
            variables[host][DIRECTOR_VIPS] = " ".join(map(str, own[DIRECTOR_VIPS]))
    lost = lost_hosts({host: [_result(inventory, host)] for host in dict.fromkeys([*hosts, *members[GATEWAYS]])})
    declared = {host: states(topology, members, inventory.own(host), host) for host in lost}
    reached = reach_report(lost, declared, "lvs.cluster.site")
    judgements = [Judgement(finding) for finding in reached.errors]
    judgements += [Judgement(finding, warning=True) for finding in reached.warnings]
    if not mistakes:
        judgements += [*check_members(cluster), *check_gateways(cluster), *check_addresses(cluster, everything)]
        judgements += findings(topology, facts, variables, reached.unreachable)
        judgements += check_releases(cluster, everything)
    missed = [host for host in hosts if host not in facts and host not in lost]
    return Report(
        cluster.name,
        mistakes,
        judgements,
        list(facts),
        missed,
        topology.identified,
        [] if mistakes else notes(topology, facts, variables),
        reached.unreachable,
    )


def release_refusals(
    services: Any, groups: Any, hostvars: Any, validate: Validate, host: str, rehearsal: bool
) -> list[str]:
    """Return why `site` must not remove VIPs from a host now, from the tables that the directors have now.

    In a rehearsal the directors have not changed: what preflight found is all that can be said.
    """
    inventory = Inventory(groups, hostvars)
    looked = _looked(inventory, host)
    one = next((one for one in descriptions(services, inventory) if host not in one.others), None)
    if rehearsal or not one:
        return []
    topology, mistakes = _read(one, inventory)
    if mistakes:
        raise Findings(mistakes)
    cluster = _cluster(one, topology, inventory, validate, role_defaults("director", "realserver", "gateway"))
    facts = from_values(looked["facts"]) if looked else None
    addresses = addresses_of(inventory, host) | (facts.addresses if facts else set())
    tables = {}
    for name in dict.fromkeys([*topology.dips, *(each for each in inventory.members(DIRECTORS))]):
        result = inventory.own(name).get(TABLE) or {}
        if "services" in result:
            tables[name] = table_of({"facts": {"ip_vs": LOADED}, "table": result})
        elif name not in topology.absent and name not in one.others:
            tables[name] = None
    found: list[str] = []
    for vip in released_vips(topology, cluster.declared, host, looked, facts):
        found += [_refusal(vip, each) for each in senders(tables, host, vip, addresses)]
    return found


def _refusal(vip: str, sender: Sender) -> str:
    if not sender.words:
        return f"The table of director {sender.director} could not be read, so the VIP {vip} stays on this host."
    return (
        f"Director {sender.director} still sends clients to this host ({sender.words}), so the VIP {vip} stays on it."
    )
