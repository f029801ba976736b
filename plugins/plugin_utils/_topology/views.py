# SPDX-License-Identifier: GPL-3.0-or-later
"""What the topology means for one host: pure functions of a Topology and an inventory host name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import same_family, version
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT, MASQUERADE, TUNNEL

from .model import Server, Service, Topology, rip, service_keys, service_options, tunnel_kind
from .owners import vip_owners
from .proofs import all_proof_ports
from .traffic import TCP


def director_services(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return the services of ipvs_table of a director: one for each VIP, port and protocol, or for a mark's family.

    While it stands by it has none of those that it serves itself; see standby_servers.
    """
    idle = [service for service, director in standby_servers(topology) if director == host]
    return _table(topology, [service for service in _directed(topology, host) if service not in idle])


def director_withheld_services(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return the services that a director must not have while it stands by, with state absent."""
    idle = [service for service, director in standby_servers(topology) if director == host]
    return [{**service, "real_servers": [], "state": "absent"} for service in _table(topology, idle)]


def standby_servers(topology: Topology) -> list[tuple[Service, str]]:
    """Return each service with each of its directors that stands by and is a real server of it too.

    The active director sends packets to the VIP to such a host. With the service in its own table the host would
    balance them once more, also back to the active director, and they would go back and forth until their TTL ends.

    With a failover engine nobody knows in advance which director stands by: there the kernel ends the loop (the sysctl
    backup_only), and each director has the whole table.
    """
    owners = vip_owners(topology)
    found = []
    for service in topology.services:
        if service.forwarding == MASQUERADE:
            continue  # its packets have the server's own address
        if not all(owners[vip].is_fixed for vip in service.vips):
            continue
        active = {owners[vip].director for vip in service.vips}
        pool = [server.host for server in service.servers if server.options.get("state") != "absent"]
        found += [
            (service, host)
            for host in service.directors
            if host in pool and host not in active and host not in topology.absent
        ]
    return found


def _table(topology: Topology, services: Iterable[Service]) -> list[dict[str, Any]]:
    """Return the services of ipvs_table.

    Items of lvs_services that share a mark are one service; the rules of the topology check that they are equal.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for service in services:
        for key in service_keys(service):
            if tuple(key.values()) not in found:
                found[tuple(key.values())] = service_options(service, key, topology.rips)
    return list(found.values())


def director_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that a director always answers for: it is the first of their directors that is not absent.

    Those that a failover engine assigns are none of them (see failover.failover_vips).
    """
    return [vip for vip, owner in vip_owners(topology).items() if owner.is_fixed and owner.director == host]


def director_standby_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that a director knows and does not answer for."""
    owners = vip_owners(topology).items()
    return [vip for vip, owner in owners if owner.is_fixed and host in owner.directors and owner.director != host]


def director_forwarding(topology: Topology, host: str) -> int:
    """Return whether a director has to forward packets: 1 if it masquerades, since answers come back through it."""
    return int(any(service.forwarding == MASQUERADE for service in _directed(topology, host)))


def realserver_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that come to a host as they are, in the pools that have it, also as drained or absent.

    One that comes through a tunnel as well is on the tunnel's device, where the host accepts it from anywhere.
    """
    tunneled = {vip for device in realserver_tunnels(topology, host) for vip in device["addresses"]}
    direct = _vips(service for service in _served(topology, host) if service.forwarding == DIRECT)
    return [vip for vip in direct if vip not in tunneled]


def realserver_tunnels(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return the tunnels' devices of a host with their VIPs, as `devices` of vip_iface."""
    found: dict[str, dict[str, None]] = {}
    for service in _served(topology, host):
        for server in service.servers if service.forwarding == TUNNEL else ():
            for vip in service.vips if server.host == host else ():
                found.setdefault(tunnel_kind(service, server, vip, topology.rips), {})[vip] = None
    return [{"interface": f"lvs-{kind}", "kind": kind, "addresses": list(vips)} for kind, vips in sorted(found.items())]


def served_vips(topology: Topology, host: str) -> list[str]:
    """Return the VIPs that a host has as a real server, on whichever device, also as drained or absent."""
    return _vips(service for service in _served(topology, host) if service.forwarding != MASQUERADE)


def realserver_arp_source(topology: Topology, host: str) -> str:
    """Return a server's own IPv4 address, which ARP may name in the place of a VIP; empty when it has none."""
    return next((rip for rip in topology.rips.get(host, ()) if version(rip) == 4), "")


def director_marks(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what packets need a director's marks; no ports mean every packet of the protocol to the VIP."""
    return [
        {"address": vip, "ports": [one.value for one in service.ports], "protocol": protocol, "mark": service.fwmark}
        for service in _directed(topology, host)
        if service.fwmark
        for vip in service.vips
        for protocol in service.protocols
    ]


def director_openings(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what a director's packet filter has to let through, as `open` of vip_firewall; port None means every port.

    Beside the VIPs these are the tunnels to the servers, and servers whose answers come back through the director.
    """
    directed = _directed(topology, host)
    found = [opening for service in directed for opening in _admitted(service, _openings([service]))]
    for service in directed:
        for server, vip, address in _reached(topology, service):
            if server.options.get("state") == "absent":
                continue
            if service.forwarding == TUNNEL:
                found.append({**_outer(server, vip, address), "direction": "out"})
            elif service.forwarding == MASQUERADE:
                own = server.options.get("port")
                ports = [own] if own else _port_options(service)
                behind = [_opening(address, port, protocol) for protocol in service.protocols for port in ports]
                found += [{**opening, "direction": "through"} for opening in _admitted(service, behind)]
    return _each_once(found)


def realserver_openings(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return what a server's packet filter has to let in, as `open` of vip_firewall; port None means every port.

    Tunnels are open to the service's directors alone, also to those that are absent, which send until they have left,
    and to everybody when a director has no address of the tunnel's family. What is masqueraded is for an ordinary
    address of the server's, whose filter is its own. Where a service admits some sources only, its directors' probes
    are admitted too.
    """
    served = [service for service in _served(topology, host) if service.forwarding != MASQUERADE]
    found = []
    for service in served:
        found += [*_admitted(service, _openings([service])), *_probes(topology, service)]
        for server, vip, address in _reached(topology, service) if service.forwarding == TUNNEL else ():
            if server.host == host:
                outer = _outer(server, vip, address)
                found += [{**outer, "source": dip} if dip else outer for dip in _senders(topology, service, address)]
    return _each_once(found)


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


def _vips(services: Iterable[Service]) -> list[str]:
    return list(dict.fromkeys(vip for service in services for vip in service.vips))


def _port_options(service: Service) -> list[Any]:
    return [ports.value for ports in service.ports] or [None]


def _openings(services: Iterable[Service]) -> list[dict[str, Any]]:
    found = [
        _opening(vip, port, protocol)
        for service in services
        for vip in service.vips
        for protocol in service.protocols
        for port in _port_options(service)
    ]
    return _each_once(found)


def _opening(address: str, port: int | str | None, protocol: str) -> dict[str, Any]:
    return {"address": address, "port": port, "protocol": protocol}


def _admitted(service: Service, openings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the openings, each for those sources of the service alone that are of its family."""
    if not service.sources:
        return [dict(opening) for opening in openings]
    return [
        {**opening, "source": source}
        for opening in openings
        for source in service.sources
        if same_family(source, opening["address"])
    ]


def _probes(topology: Topology, service: Service) -> Iterator[dict[str, Any]]:
    """Yield the openings for the probes of the service's directors that its sources do not admit."""
    for director in service.directors if service.sources else ():
        for dip in topology.dips.get(director, ()):
            if not admits(service, dip):
                for vip in (vip for vip in service.vips if same_family(vip, dip)):
                    for port in all_proof_ports(service):
                        yield {**_opening(vip, port, TCP), "source": dip}


def admits(service: Service, address: str) -> bool:
    """Return whether the service's sources admit a client's address; everybody where there are none."""
    client = ipaddress.ip_address(address)
    networks = (ipaddress.ip_network(source) for source in service.sources)
    return not service.sources or any(client in network for network in networks)


def _reached(topology: Topology, service: Service) -> Iterator[tuple[Server, str, str]]:
    """Yield each server with each VIP that it serves, and the address under which it does."""
    for server in service.servers:
        for vip in service.vips:
            address = rip(service, server, version(vip), topology.rips)
            if address:
                yield server, vip, address


def _outer(server: Server, vip: str, address: str) -> dict[str, Any]:
    """Return what the packets to a VIP are in the tunnel to a server (ip_vs_tunnel_xmit in net/netfilter/ipvs)."""
    kind = server.options.get("tunnel_type") or "ipip"
    if kind == "gue":
        return _opening(address, server.options.get("tunnel_port"), "udp")
    inner = "ipip" if version(vip) == 4 else "ipv6"
    return _opening(address, None, "gre" if kind == "gre" else inner)


def _senders(topology: Topology, service: Service, address: str) -> list[str]:
    """Return who sends what is in a tunnel to an address; empty stands for everybody.

    A director with several addresses sends from the one of the network that its route to the server leaves by.
    """
    dips = [
        [dip for dip in topology.dips.get(director, ()) if version(dip) == version(address)]
        for director in service.directors
    ]
    return [dip for own in dips for dip in own] if dips and all(dips) else [""]


def _each_once(openings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return them in order, IPv4 first."""

    def key(one: Mapping[str, Any]) -> tuple[Any, ...]:
        address, source, direction = one["address"], one.get("source", ""), one.get("direction", "")
        first, _dash, last = str(one["port"] or 0).partition("-")
        return direction, version(address), address, int(first), int(last or first), one["protocol"], source

    return [dict(one) for _key, one in sorted({key(one): one for one in openings}.items())]
