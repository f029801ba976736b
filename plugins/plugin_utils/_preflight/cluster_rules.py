# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that need more than one cluster's hosts: who an address is, and who still sends clients to whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Table

from .._topology.failover import groups
from .._topology.finding import Finding
from .._topology.inventory import DIRECTORS, REALSERVERS
from .._topology.model import Topology
from .._topology.scope import known_strays, strays
from .._topology.views import director_services
from .._verify.desired import Declared
from .judgement import Judgement
from .releases import release_findings, released_vips, senders, table_after, table_of


class Cluster(NamedTuple):
    """One description: what it says, its hosts by role, those of other descriptions, and what the roles are to do."""

    name: str
    topology: Topology
    members: Mapping[str, Sequence[str]]
    others: frozenset[str]
    declared: Declared


class Everything(NamedTuple):
    """All clusters of the inventory, with what preflight_info returned on each host, and the facts in it."""

    clusters: Sequence[Cluster]
    looked: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, HostFacts]


def check_members(cluster: Cluster) -> Iterator[Judgement]:
    """The playbooks go through every host that lvs_services names."""
    for finding in strays(cluster.topology, cluster.members, cluster.others):
        yield Judgement(finding)
    for finding in known_strays(cluster.topology, cluster.members, cluster.others):
        yield Judgement(finding, warning=True)


def check_gateways(cluster: Cluster) -> Iterator[Judgement]:
    """A gateway binds a VIP to the MAC of one director, and with failover another one can have it at any moment."""
    moving = {vip for group in groups(cluster.topology) for vip in group.vips}
    for host, gateway in cluster.declared.gateways.items():
        for vip in (vip for vip in gateway.vips if vip in moving):
            rule = "would be bound to the MAC of one director, and moves between directors (director_failover)"
            remedy = "leave it out of gateway_vips, or remove the host from the group of the gateways"
            yield Judgement(Finding(host, "gateway_vips", vip, rule, remedy))


def check_addresses(cluster: Cluster, everything: Everything) -> Iterator[Judgement]:
    """An address in a pool that no host has in the inventory is on none of the hosts that were read."""
    for service in cluster.topology.services:
        for server in service.servers:
            if server.host or service.forwarding == MASQUERADE:
                continue
            host = next((host for host, facts in everything.facts.items() if facts.carrier(server.address)), "")
            if not host:
                continue
            served = cluster.declared.servers.get(host)
            rule = f"is an address of the host {host}, which the inventory does not say"
            remedy = f"name {host} instead, and set its realserver_address to {server.address}"
            subject = f"lvs_services ({service.name}).real_servers"
            has = bool(served) and all(vip in served.devices for vip in service.vips) if served else False
            yield Judgement(Finding("", subject, server.address, rule, remedy), warning=has)


def check_releases(cluster: Cluster, everything: Everything) -> Iterator[Judgement]:
    """A host keeps its VIPs as long as a director sends clients to them."""
    tables = tables_after(cluster, everything)
    for host in cluster.members[REALSERVERS]:
        if host in everything.facts:
            facts = everything.facts[host]
            vips = released_vips(cluster.topology, cluster.declared, host, everything.looked[host], facts)
            for vip in vips:
                possible = {**tables, **dict.fromkeys(_absent_senders(cluster, everything, vip))}
                for finding in release_findings(host, vip, senders(possible, host, vip, facts.addresses)):
                    yield Judgement(finding)


def _absent_senders(cluster: Cluster, everything: Everything, vip: str) -> list[str]:
    """Return the absent directors that were not read and can still have a VIP, since an unknown MAC answers for it."""
    facts = everything.facts
    heard = {mac for one in facts.values() for mac in one.owners.get(vip, ())}
    if not heard - {mac for one in facts.values() for mac in one.macs}:
        return []
    named = (host for one in cluster.topology.services if vip in one.vips for host in one.directors)
    return [host for host in dict.fromkeys(named) if host in cluster.topology.absent and host not in facts]


def tables_after(cluster: Cluster, everything: Everything) -> dict[str, Table | None]:
    """Return the table that each director of the inventory has after a run; None if it is not known.

    Of other clusters only the directors count that were read. One that is declared absent may be unreachable.
    """
    found: dict[str, Table | None] = {}
    for one in everything.clusters:
        for host in dict.fromkeys([*one.topology.dips, *one.members[DIRECTORS]]):
            looked = everything.looked.get(host)
            table = table_of(looked)
            if looked and table is not None:
                services = director_services(one.topology, host)
                found[host] = table_after(table, looked, one.declared.directors.get(host), services)
            elif one is cluster and host not in one.topology.absent:
                found.setdefault(host, None)
    return found


def check_shared_vips(everything: Everything) -> Iterator[Finding]:
    """Two clusters do not have one VIP, unless their directors are the same or their networks are apart."""
    first: dict[str, Cluster] = {}
    for cluster in everything.clusters:
        for vip in dict.fromkeys(vip for service in cluster.topology.services for vip in service.vips):
            other = first.setdefault(vip, cluster)
            if other is not cluster:
                rule = f"is a VIP of {other.name} too"
                yield Finding(
                    cluster.name, "VIP", vip, rule, "give each cluster its own VIPs, unless their networks are apart"
                )
