# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors that decide among themselves who has the VIPs: their failover engine and their VRRP instances. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE, TUNNEL
from ansible_collections.lvs.cluster.plugins.module_utils._sync.model import GROUP, PORT
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import anchor_of

from .finding import Finding
from .model import LAST_VRID, NONE, VRRP, Failover, Service, Topology, rip

# RFC 5798, section 5.2.4: 255 is the owner of the address, which no director is, and 0 ends a master's reign.
HIGHEST_PRIORITY = 254


class Group(NamedTuple):
    """The VIPs of the services that have the same directors in the same order: they move together."""

    directors: tuple[str, ...]
    vips: tuple[str, ...]


def engine_of(topology: Topology, host: str) -> str:
    """Return the failover engine of a director."""
    return topology.failover.get(host, Failover()).engine


def groups(topology: Topology) -> list[Group]:
    """Return the groups of VIPs that VRRP moves, in the order of first mention."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for service in topology.services:
        if any(engine_of(topology, host) == VRRP for host in service.directors):
            found.setdefault(service.directors, {}).update(dict.fromkeys(service.vips))
    return [Group(directors, tuple(vips)) for directors, vips in found.items()]


def failover_instances(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return the VRRP instances of a director: name, vrid, priority, its own address, those of the others, and VIPs.

    The first of the directors has the highest priority. One that is absent keeps its place, so that the priorities of
    the others do not change when it leaves. VRIDs count up from director_vrid; each group has the same one everywhere.
    """
    if host in topology.absent:
        return []
    found = []
    for number, group in enumerate(groups(topology)):
        if host not in group.directors:
            continue
        others = (one for one in group.directors if one != host and one not in topology.absent)
        found.append(
            {
                "name": f"group{number + 1}",
                "vrid": topology.failover[host].vrid + number,
                "priority": HIGHEST_PRIORITY - group.directors.index(host),
                "source_address": _source(topology, host),
                "peers": [_source(topology, one) for one in others],
                "vips": list(group.vips),
            }
        )
    return found


def failover_gate(topology: Topology, host: str) -> dict[str, Any]:
    """Return the anchors of a director's instances, and the number of a standby that does not preempt (see _gate).

    By the number of the directors, also of those that are absent: a standby of any place is below a master of any.
    """
    mine = [group for group in groups(topology) if host in group.directors and host not in topology.absent]
    return {
        "anchors": [anchor_of(one["vrid"]) for one in failover_instances(topology, host)],
        "standby": -max((len(group.directors) for group in mine), default=0),
    }


def failover_openings(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what a director's packet filter has to let in from the other directors, as `open` of vip_firewall."""
    found = {}
    for one in failover_instances(topology, host):
        for peer in one["peers"]:
            found[peer] = {"address": one["source_address"], "port": None, "protocol": "vrrp", "source": peer}
    return list(found.values())


def failover_sync_openings(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what it has to let in of the connections that they send, likewise."""
    sync = {"address": GROUP, "protocol": "udp", "port": PORT}
    return [{**opening, **sync} for opening in failover_openings(topology, host)]


def failover_sync(topology: Topology, host: str) -> bool:
    """Return whether a director synchronises its connections with others.

    The kernel refuses sync daemons beside tunnels of another family than their service (EINVAL, seen on Linux 6.1).
    """
    others = any(one["peers"] for one in failover_instances(topology, host))
    return others and not any(
        _is_mixed(topology, service) for service in topology.services if host in service.directors
    )


def _is_mixed(topology: Topology, service: Service) -> bool:
    """Return whether a tunnel of a service is of another address family than its VIPs."""
    return service.forwarding == TUNNEL and any(
        version(address) != family
        for family in service.families
        for server in service.servers
        if (address := rip(service, server, family, topology.rips))
    )


def failover_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs of a director that its failover engine assigns and releases: no task and no boot does."""
    directed = (service for service in topology.services if host in service.directors)
    vips = (vip for service in directed if engine_of(topology, host) != NONE for vip in service.vips)
    return list(dict.fromkeys(vips))


def _source(topology: Topology, host: str) -> str:
    """Return the address from which a director sends its advertisements; failover_findings refuses one without."""
    return next((dip for dip in topology.dips.get(host, ()) if version(dip) == 4), "")


def failover_findings(topology: Topology) -> Iterator[Finding]:
    """Tell which directors could not agree about who has a VIP."""
    for directors, names in _by_directors(topology).items():
        engines = {host: engine_of(topology, host) for host in directors}
        if len(set(engines.values())) > 1 and all(engines.values()):  # empty: not known, which is told already
            told = ", ".join(f"{host} {engine}" for host, engine in engines.items())
            rule = f"is not the same for the directors of {_services(names)}"
            yield Finding("", "director_failover", told, rule, "set it for all directors alike")
    moved = groups(topology)
    hosts = list(dict.fromkeys(host for group in moved for host in group.directors))
    vrids = {host: topology.failover[host].vrid for host in hosts if engine_of(topology, host) == VRRP}
    if len(set(vrids.values())) > 1:
        told = ", ".join(f"{host} {vrid}" for host, vrid in vrids.items())
        rule = "is not the same for all directors, so that they would not hear each other"
        yield Finding("", "director_vrid", told, rule, "set it for all directors alike")
    for host, vrid in vrids.items():
        if vrid + len(moved) - 1 > LAST_VRID:
            rule = f"is too high for {len(moved)} groups of directors, which count up from it to {LAST_VRID} at most"
            yield Finding(host, "director_vrid", str(vrid), rule, f"choose {LAST_VRID - len(moved) + 1} or less")
        if host not in topology.absent and not _source(topology, host):
            rule = "has no IPv4 address, from which VRRP advertises"
            yield Finding(host, "director_address", "", rule, "add the director's IPv4 address")
    yield from _both_findings(topology)
    for group in moved:
        if len(group.directors) > HIGHEST_PRIORITY:
            rule = f"are {len(group.directors)} directors, and VRRP has {HIGHEST_PRIORITY} priorities"
            yield Finding("", "directors", group.directors[0], rule, f"name {HIGHEST_PRIORITY} at most")


def _both_findings(topology: Topology) -> Iterator[Finding]:
    """Tell which directors are real servers too: on standby they would balance once more what the master sends."""
    for service in topology.services:
        pool = {server.host for server in service.servers if server.options.get("state") != "absent"}
        both = [host for host in service.directors if host in pool and host not in topology.absent]
        if service.forwarding == MASQUERADE or len(service.directors) < 2:
            continue
        for host in (host for host in both if engine_of(topology, host) == VRRP):
            rule = f"cannot be vrrp yet, since the director is a real server of service {service.name} too"
            yield Finding(host, "director_failover", "", rule, "use other hosts as real servers, or none")


def _by_directors(topology: Topology) -> Mapping[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for service in topology.services:
        found.setdefault(service.directors, []).append(service.name)
    return found


def _services(names: list[str]) -> str:
    return f"service {names[0]}" if len(names) == 1 else f"services {', '.join(names)}"
