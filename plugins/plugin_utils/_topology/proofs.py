# SPDX-License-Identifier: GPL-3.0-or-later
"""At which ports a server must answer before it receives traffic: the one place that says so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version

from .model import Service, Topology, service_keys
from .traffic import TCP


def proof_ports(service: Service, port: int = 0) -> tuple[int, ...]:
    """Return the TCP ports that prove the servers of a service: of its mark, or of one of its ports.

    By default these are the first port of a mark, and the port itself where there is none. Nothing is proved by UDP or
    SCTP, whose services are proved by their TCP port of the same number.
    """
    if TCP not in service.protocols:
        return ()
    if service.prove_ports is not None:
        return service.prove_ports
    if service.fwmark:
        return tuple(ports.first for ports in service.ports[:1])
    return (port,) if port else ()


def all_proof_ports(service: Service) -> list[int]:
    """Return the TCP ports that prove anything of a service, each once."""
    ports = [0] if service.fwmark else service.single_ports
    return list(dict.fromkeys(number for port in ports for number in proof_ports(service, port)))


def director_prove_ports(topology: Topology, host: str) -> list[dict[str, Any]]:
    """Return which ports prove a director's services, as `prove_ports` of ipvs_table.

    A service that is not listed is proved by its own port. One that is listed without ports is proved by nothing.
    """
    found = []
    for service in topology.services:
        if host in service.directors and TCP in service.protocols:
            found += list(_marked(service) if service.fwmark else _unmarked(service))
    return found


def _marked(service: Service) -> Iterator[dict[str, Any]]:
    keys = {int(key["address_family"][-1]): key for key in service_keys(service)}
    for vip in service.vips:
        yield _item(keys[version(vip)], vip, proof_ports(service))


def _unmarked(service: Service) -> Iterator[dict[str, Any]]:
    for key in service_keys(service):
        ports = proof_ports(service, key["port"])
        if key["protocol"] != TCP or ports != (key["port"],):
            yield _item(key, key["address"], ports)


def _item(key: Mapping[str, Any], vip: str, ports: Sequence[int]) -> dict[str, Any]:
    return {"service": dict(key), "address": vip, "ports": list(ports)}


def without_proof(topology: Topology) -> list[Service]:
    """Return the services whose servers no port proves; what shares a mark is proved together."""
    proved = {service.fwmark for service in topology.services if service.fwmark and all_proof_ports(service)}
    return [service for service in topology.services if not all_proof_ports(service) and service.fwmark not in proved]


def client_services(topology: Topology) -> list[dict[str, Any]]:
    """Return the VIPs and TCP ports at which a client finds somebody listening, as `services` of vip_client_info."""
    found = {
        (version(vip), vip, port)
        for service in topology.services
        for vip in service.vips
        for port in all_proof_ports(service)
    }
    return [{"address": vip, "port": port} for _family, vip, port in sorted(found)]
