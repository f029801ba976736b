# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a topology: of one service, by those of the IPVS modules, and between services and hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import EVERY_PORT, PortRange
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE, TUNNEL
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import TUNNEL_CHECKSUMS, TUNNEL_TYPES
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_server, parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.validate import resolve_server, resolve_service

from .failover import failover_findings
from .finding import Finding, of_error
from .model import Server, Service, Topology, rip, service_key, service_keys, service_options, tunnel_kind
from .proofs import all_proof_ports

Rips = Mapping[str, Sequence[str]]


def service_findings(where: str, service: Service, rips: Rips) -> Iterator[Finding]:
    """Tell what one service breaks, once for each family of its VIPs; `where` names it."""
    port = service.ports[0].first if service.ports else 1
    protocols = service.protocols[:1] if service.fwmark else service.protocols
    for vip, protocol in ((vip, protocol) for vip in service.families.values() for protocol in protocols):
        options = service_options(service, service_key(service, vip, port, protocol), rips)
        try:
            wanted = parse_service({**options, "real_servers": None})
            resolve_service(wanted.key, wanted.given, None)
        except InvalidValue as error:
            yield of_error("", error)._replace(subject=f"{where}.{_option(error)}")
            continue
        for server in options["real_servers"]:
            yield from _server_findings(where, service, wanted.key, server, rips)
    yield from _unserved(where, service, rips)
    yield from _untunneled(where, service, rips)


def _option(error: InvalidValue) -> str:
    return error.subject.split(" of ")[0]


def _server_findings(
    where: str, service: Service, key: Any, options: Mapping[str, Any], rips: Rips
) -> Iterator[Finding]:
    hosts = (one.host for one in service.servers if options["address"] in (one.address, *rips.get(one.host, ())))
    try:
        for option, choices in (("tunnel_type", TUNNEL_TYPES), ("tunnel_checksum", TUNNEL_CHECKSUMS)):
            if option in options and options[option] not in choices:
                raise InvalidValue(option, options[option], "is not known", f"choose from {', '.join(choices)}")
        wanted = parse_server(options, key)
        resolve_server(key, wanted.key, wanted.given, None)
    except InvalidValue as error:
        subject = f"{where}.{_option(error)} of server {options['address']}"
        yield of_error(next(hosts, ""), error)._replace(subject=subject)


def _lacking(service: Service, server: Server, rips: Rips) -> list[int]:
    """Return the families of which a server has to have an address and has none.

    What is named by an address has to serve those of one family only; of a host without an address another rule tells.
    """
    missing = [family for family in service.families if not rip(service, server, family, rips)]
    by_address = server.written or not server.host
    if not server.address or (by_address and len(missing) < len(service.families)):
        return []
    return missing


def _unserved(where: str, service: Service, rips: Rips) -> Iterator[Finding]:
    """Tell which servers can't serve which VIPs."""
    for server in service.servers:
        for family in _lacking(service, server, rips):
            needed = f"which forwarding {service.forwarding} needs"
            rule = f"has no IPv{family} address for VIP {service.families[family]}, {needed}"
            remedy = "give realserver_address one of each family" if server.host else "name one of the VIP's family"
            yield Finding(server.host, f"{where}.real_servers", server.host or server.address, rule, remedy)


def _untunneled(where: str, service: Service, rips: Rips) -> Iterator[Finding]:
    """Tell which servers of the inventory have no device for a tunnel; what bare addresses have is not known."""
    for server in service.servers if service.forwarding == TUNNEL else ():
        for family, vip in service.families.items() if server.host else ():
            address = rip(service, server, family, rips)
            if address and not tunnel_kind(service, server, vip, rips):
                kind = server.options.get("tunnel_type", "ipip")
                rule = f"gets VIP {vip} by {kind} over IPv{version(address)}, for which the role makes no device"
                other = "give realserver_address an IPv6 address too, or use tunnel_type gre"
                remedy = other if kind != "gre" else "use tunnel_type ipip, or give it an IPv4 address alone"
                yield Finding(server.host, f"{where}.real_servers", address, rule, remedy)


def topology_findings(topology: Topology) -> Iterator[Finding]:
    """Tell what contradicts between services, or between hosts."""
    names: set[str] = set()
    taken: dict[tuple[str, str], list[tuple[PortRange, str]]] = {}
    directors: dict[str, Service] = {}
    for service in topology.services:
        where = f"lvs_services ({service.name})"
        if service.name and service.name in names:
            yield Finding("", "lvs_services.name", service.name, "is there twice", "name each service differently")
        names.add(service.name)
        yield from _inactive(f"{where}.real_servers", service, topology)
        yield from _unproved_sources(where, service, topology)
        yield from _taken(where, service, taken)
        for vip in service.vips:
            first = directors.setdefault(vip, service)
            if first.directors != service.directors:
                rule = f"has other directors in service {first.name}"
                remedy = "give each service of a VIP the same directors in the same order"
                yield Finding("", where, vip, rule, remedy)
    yield from _mark_findings(topology)
    yield from _host_findings(topology)
    yield from failover_findings(topology)


def _inactive(subject: str, service: Service, topology: Topology) -> Iterator[Finding]:
    """Tell of which VIPs clients would find nobody, though the service stays and nobody asked for that."""
    leaves = all(director in topology.absent for director in service.directors)
    if not service.servers or service.may_be_empty or leaves or not all(one.address for one in service.servers):
        return
    reached = {
        family: [one for one in service.servers if rip(service, one, family, topology.rips)]
        for family in service.families
    }
    lacking = {family for one in service.servers for family in _lacking(service, one, topology.rips)}
    idle = [family for family, servers in reached.items() if not any(map(_is_active, servers))]
    # What servers lack is told already.
    idle = [family for family in idle if reached[family] or family not in lacking]
    remedy = "leave one present with a weight above 0, or write may_be_empty: true"
    if idle and len(idle) == len(reached) and all(reached.values()):
        rule = f"has no server that receives traffic ({', '.join(map(_state, service.servers))})"
        yield Finding("", subject, "", rule, remedy)
        return
    for family in idle:
        vip, states = service.families[family], ", ".join(map(_state, reached[family]))
        rule = f"has no server that receives traffic of VIP {vip} ({states or f'none has an IPv{family} address'})"
        yield Finding("", subject, "", rule, remedy)


def _is_active(server: Server) -> bool:
    weight = server.options.get("weight", server.options.get("initial_weight"))
    return bool(server.options["state"] == "present" and weight != 0)


def _state(server: Server) -> str:
    state = server.options["state"]
    return f"{server.host or server.address} {'weight 0' if state == 'present' else state}"


def _unproved_sources(where: str, service: Service, topology: Topology) -> Iterator[Finding]:
    """Tell which directors' probes a server's packet filter would drop, since it admits known addresses alone."""
    probes = service.forwarding != MASQUERADE and all_proof_ports(service)
    for director in service.directors if service.sources and probes else ():
        own = {version(dip) for dip in topology.dips.get(director, ())}
        for family, vip in service.families.items() if own and director not in topology.absent else ():
            if family not in own:
                rule = f"has no IPv{family} address, from which its probes to VIP {vip} come, for {where}.sources"
                yield Finding(director, "director_address", "", rule, f"add the director's IPv{family} address")


def _taken(
    where: str, service: Service, taken: dict[tuple[str, str], list[tuple[PortRange, str]]]
) -> Iterator[Finding]:
    """Tell which packets another service takes already; no ports stand for every port."""
    every = () if service.ports or not service.fwmark else (EVERY_PORT,)
    for vip, protocol in ((vip, protocol) for vip in service.vips for protocol in service.protocols):
        others = taken.setdefault((vip, protocol), [])
        for ports in service.ports or every:
            other = next((name for one, name in others if one.overlaps(ports)), None)
            if other is not None:
                text = f"{vip} {'any port' if every else f'port {ports}'}/{protocol}"
                yield Finding("", where, text, f"is that of service {other} too", "leave it to one of the two")
        others += [(ports, service.name) for ports in service.ports or every]


def _mark_findings(topology: Topology) -> Iterator[Finding]:
    """Tell which services share a mark, and would make another IPVS service of it."""
    first: dict[tuple[int, str], tuple[Service, Mapping[str, Any]]] = {}
    for service in (one for one in topology.services if one.fwmark):
        for key in service_keys(service):
            options = service_options(service, key, topology.rips)
            other, known = first.setdefault((service.fwmark, key["address_family"]), (service, options))
            names = {**known, **options}
            different = [name for name in names if _comparable(known, name) != _comparable(options, name)]
            if different:
                mark = f"fwmark {service.fwmark} (IP{key['address_family'][2:]})"
                rule = f"is that of service {other.name} too, which has another value of {different[0]}"
                remedy = "give both the same servers and options, since a mark is one IPVS service, or another mark"
                yield Finding("", f"lvs_services ({service.name})", mark, rule, remedy)


def _comparable(options: Mapping[str, Any], name: str) -> Any:
    if name == "real_servers":
        return sorted(options[name], key=lambda server: str(server["address"]))
    return options.get(name)


def _host_findings(topology: Topology) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for variable, known in (("director_address", topology.dips), ("realserver_address", topology.rips)):
        for host, addresses in known.items():
            for address in addresses:
                owner = owners.setdefault(address, host)
                if owner != host:
                    rule = f"is the address of {owner} too"
                    yield Finding(host, variable, address, rule, "give each host an address of its own")
    for service in topology.services:
        for server in service.servers:
            if not server.host:
                owners.setdefault(server.address, "")
    for service in topology.services:
        for vip in service.vips:
            if vip in owners:
                rule = f"is the own address of {'host ' + owners[vip] if owners[vip] else 'a real server'}"
                remedy = "choose a VIP that no host has for itself"
                yield Finding("", f"lvs_services ({service.name}).address", vip, rule, remedy)
