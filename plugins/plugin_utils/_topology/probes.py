# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight and verify ask of a host and of its segment. Pure."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import same_family
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import TUNNEL
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceSettings

from .model import Server, Service, Topology


def preflight_addresses(topology: Topology, host: str) -> list[str]:
    """Return the addresses that a host probes: VIPs and DIPs of its services, and on a director the RIPs too.

    Real servers do not probe one another: the number of probes would grow with the square of the servers.
    """
    asked: dict[str, None] = {}
    for service in topology.services:
        directs = host in service.directors
        if not directs and host not in (server.host for server in service.servers):
            continue
        asked.update(dict.fromkeys(service.vips))
        for director in service.directors:
            asked.update(dict.fromkeys(topology.dips.get(director, ()) if director != host else ()))
        if directs and service.forwarding != TUNNEL:
            for server in service.servers:
                asked.update(dict.fromkeys(rips_of(topology, service, server) if server.host != host else ()))
    return list(asked)


def preflight_schedulers(topology: Topology, host: str) -> list[str]:
    """Return the schedulers that a director needs, each once."""
    mine = [service for service in topology.services if host in service.directors]
    return list(dict.fromkeys(str(service.options.get("scheduler") or ServiceSettings().scheduler) for service in mine))


def rips_of(topology: Topology, service: Service, server: Server) -> tuple[str, ...]:
    """Return the RIPs of a server that the service's VIPs need: with a tunnel any, else those of their families."""
    own = topology.rips.get(server.host, ()) if server.host else (server.address,)
    return tuple(
        rip for rip in own if service.forwarding == TUNNEL or any(same_family(rip, vip) for vip in service.vips)
    )
