# SPDX-License-Identifier: GPL-3.0-or-later
"""What the topology means for one host: pure functions of a Topology and an inventory host name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._topology_model import Service, Topology, service_options, tunnel_kind, version


def director_services(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return the services of ipvs_table of a director: one for each VIP and port, or for each family of a mark."""
    found = []
    for service in _directed(topology, host):
        if service.fwmark:
            vips = {version(vip): vip for vip in reversed(service.vips)}
            found += [service_options(service, vips[family], 0, topology.rips) for family in sorted(vips)]
        else:
            found += [
                service_options(service, vip, port, topology.rips) for vip in service.vips for port in service.ports
            ]
    return found


def director_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that a director answers for: it is the first of their directors that is not absent."""
    return _vips(service for service in _directed(topology, host) if active_director(topology, service) == host)


def director_standby_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that a director knows and does not answer for."""
    return _vips(service for service in _directed(topology, host) if active_director(topology, service) != host)


def director_forwarding(topology: Topology, host: str) -> int:
    """Return the sysctl forwarding of a director: 1 when it masquerades, since answers come back through it."""
    return int(any(service.forwarding == "masquerade" for service in _directed(topology, host)))


def realserver_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that come to a host as they are, in the pools that have it, also as drained or absent.

    One that comes through a tunnel as well is on the tunnel's device, where the host accepts it from anywhere.
    """
    tunneled = {vip for device in realserver_tunnels(topology, host) for vip in device["addresses"]}
    direct = _vips(service for service in _served(topology, host) if service.forwarding == "direct")
    return [vip for vip in direct if vip not in tunneled]


def realserver_tunnels(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return the tunnels' devices of a host with their VIPs, as `devices` of vip_iface."""
    found: dict[str, dict[str, None]] = {}
    for service in _served(topology, host):
        for server in service.servers if service.forwarding == "tunnel" else ():
            for vip in service.vips if server.host == host else ():
                found.setdefault(tunnel_kind(service, server, vip, topology.rips), {})[vip] = None
    return [{"interface": f"lvs-{kind}", "kind": kind, "addresses": list(vips)} for kind, vips in sorted(found.items())]


def realserver_arp_source(topology: Topology, host: str) -> str:
    """Return a server's own IPv4 address, which ARP may name in the place of a VIP; empty when it has none."""
    return next((rip for rip in topology.rips.get(host, ()) if version(rip) == 4), "")


def director_marks(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what packets need a director's marks; no ports mean every packet of the protocol to the VIP."""
    return [
        {"address": vip, "ports": list(service.ports), "protocol": service.protocol, "mark": service.fwmark}
        for service in _directed(topology, host)
        if service.fwmark
        for vip in service.vips
    ]


def director_openings(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what a director's packet filter has to let in; port None means every port."""
    return _openings(_directed(topology, host))


def realserver_openings(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what a server's packet filter has to let in; port None means every port."""
    return _openings(_served(topology, host))


def cluster_vips(topology: Topology) -> list[str]:
    """Return every VIP once, in the order of first mention."""
    return _vips(topology.services)


def cluster_dips(topology: Topology) -> list[str]:
    """Return the DIPs of all directors that are not absent."""
    return [dip for host, dips in topology.dips.items() if host not in topology.absent for dip in dips]


def cluster_openings(topology: Topology) -> list[dict[str, Any]]:
    """Return what clients can ask for; port None means every port."""
    return _openings(topology.services)


def _directed(topology: Topology, host: str) -> list[Service]:
    return [service for service in topology.services if host in service.directors]


def _served(topology: Topology, host: str) -> list[Service]:
    return [service for service in topology.services if any(server.host == host for server in service.servers)]


def active_director(topology: Topology, service: Service) -> str:
    """Return the director that answers for a service's VIPs: the first that is not absent; empty when all are."""
    return next((host for host in service.directors if host not in topology.absent), "")


def _vips(services: Iterable[Service]) -> list[str]:
    return list(dict.fromkeys(vip for service in services for vip in service.vips))


def _openings(services: Iterable[Service]) -> list[dict[str, Any]]:
    found = {
        (vip, port, service.protocol)
        for service in services
        for vip in service.vips
        for port in service.ports or (None,)
    }
    order = sorted(found, key=lambda key: (version(key[0]), key[0], key[1] or 0, key[2]))
    return [{"address": vip, "port": port, "protocol": protocol} for vip, port, protocol in order]
