# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a topology: of one service, by those of the IPVS modules, and between services and hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import TUNNEL
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import TUNNEL_CHECKSUMS, TUNNEL_TYPES
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_server, parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.validate import resolve_server, resolve_service

from .finding import Finding, of_error
from .model import Server, Service, Topology, rip, service_options, tunnel_kind

Rips = Mapping[str, Sequence[str]]


def service_findings(where: str, service: Service, rips: Rips) -> Iterator[Finding]:
    """Tell what one service breaks, once for each family of its VIPs; `where` names it."""
    families = {version(vip): vip for vip in reversed(service.vips)}
    for vip in families.values():
        options = service_options(service, vip, service.ports[0] if service.ports else 1, rips)
        try:
            wanted = parse_service({**options, "real_servers": None})
            resolve_service(wanted.key, wanted.given, None)
        except InvalidValue as error:
            yield of_error("", error)._replace(subject=f"{where}.{_option(error)}")
            continue
        for server in options["real_servers"]:
            yield from _server_findings(where, service, wanted.key, server, rips)
    yield from _unserved(where, service, families, rips)
    yield from _untunneled(where, service, families, rips)


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


def _unserved(where: str, service: Service, families: Mapping[int, str], rips: Rips) -> Iterator[Finding]:
    """Tell which servers can't serve which VIPs; what is named by an address has to serve those of one family only."""
    for server in service.servers if families else ():
        missing = [family for family in families if not rip(service, server, family, rips)]
        by_address = server.written or not server.host
        if not server.address or (by_address and len(missing) < len(families)):
            continue
        for family in missing:
            needed = f"which forwarding {service.forwarding} needs"
            rule = f"has no IPv{family} address for VIP {families[family]}, {needed}"
            remedy = "give realserver_address one of each family" if server.host else "name one of the VIP's family"
            yield Finding(server.host, f"{where}.real_servers", server.host or server.address, rule, remedy)


def _untunneled(where: str, service: Service, families: Mapping[int, str], rips: Rips) -> Iterator[Finding]:
    """Tell which servers of the inventory have no device for a tunnel; what bare addresses have is not known."""
    for server in service.servers if service.forwarding == TUNNEL else ():
        for family, vip in families.items() if server.host else ():
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
    directors: dict[str, Service] = {}
    taken: dict[tuple[Any, ...], str] = {}
    for service in topology.services:
        where = f"lvs_services ({service.name})"
        if service.name and service.name in names:
            yield Finding("", "lvs_services.name", service.name, "is there twice", "name each service differently")
        names.add(service.name)
        if _is_emptied(service, topology.absent):
            rule = f"has no server that is present ({', '.join(map(_state, service.servers))})"
            remedy = "leave one present, or write may_be_empty: true"
            yield Finding("", f"{where}.real_servers", "", rule, remedy)
        for text, key in _keys(service):
            other = _taker(key, taken)
            if other is not None:
                yield Finding("", where, text, f"is that of service {other} too", "leave it to one of the two")
            taken.setdefault(key, service.name)
        for vip in service.vips:
            first = directors.setdefault(vip, service)
            if first.directors != service.directors:
                rule = f"has other directors in service {first.name}"
                remedy = "give each service of a VIP the same directors in the same order"
                yield Finding("", where, vip, rule, remedy)
    yield from _host_findings(topology)


def _is_emptied(service: Service, absent: Collection[str]) -> bool:
    """Tell whether clients would find nobody, though the service stays and nobody asked for that."""
    served = any(server.options["state"] == "present" for server in service.servers)
    leaves = all(director in absent for director in service.directors)
    return bool(service.servers) and not served and not leaves and not service.may_be_empty


def _state(server: Server) -> str:
    return f"{server.host or server.address} {server.options['state']}"


def _keys(service: Service) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Tell what packets a service takes, in words and as keys; port 0 means every port."""
    if service.fwmark:
        for family in sorted({version(vip) for vip in service.vips}):
            yield f"fwmark {service.fwmark} (IPv{family})", (service.fwmark, family)
    for vip in service.vips:
        for port in service.ports or ((0,) if service.fwmark else ()):
            yield f"{vip} {f'port {port}' if port else 'any port'}/{service.protocol}", (vip, service.protocol, port)


def _taker(key: tuple[Any, ...], taken: Mapping[tuple[Any, ...], str]) -> str | None:
    """Return the name of the service that takes these packets, or some of them, already."""
    if len(key) == 3 and key[2] == 0:
        return next((name for one, name in taken.items() if one[:2] == key[:2]), None)
    return taken.get(key, taken.get((*key[:2], 0)) if len(key) == 3 else None)


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
