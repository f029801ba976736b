# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients' requests got, and whether a director passed them on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint_address
from ansible_collections.lvs.cluster.plugins.module_utils._facts.requests import UNNAMED

from .._topology.finding import Finding
from .._topology.model import Service
from .._topology.traffic import TCP
from .._topology.views import admits
from .distribution import connections_to
from .model import REQUESTS, Check, Seen, bad, count, good


def request_checks(seen: Seen) -> Iterator[Check]:
    """Yield how each service answered the requests of each client."""
    for client, visits in seen.visits.items():
        for visited in visits:
            total, vip = len(visited["visits"]), endpoint_address(visited["service"])
            if not _is_admitted(seen, visited):
                yield _not_admitted(client, visited)
            elif visited["failed"]:
                reasons = ", ".join(dict.fromkeys(one["error"] for one in visited["visits"] if one["error"]))
                rule = f"failed in {visited['failed']} of {count(total, 'request')} ({reasons})"
                remedy = "look at the paths of its servers, and at the client's own way to the VIP"
                failed = bad(REQUESTS, Finding(client, "service", visited["service"], rule, remedy), vip=vip)
                yield failed._replace(finding=_astray(seen, client, vip) or failed.finding)
            else:
                yield _answered(seen, client, visited)


def _answered(seen: Seen, client: str, visited: Mapping[str, Any]) -> Check:
    """Return the check of a client whose requests were all answered: by the cluster, if its directors counted them."""
    name, vip, total = visited["service"], endpoint_address(visited["service"]), len(visited["visits"])
    counted = _counted(seen, visited)
    astray = _astray(seen, client, vip)
    if astray and counted is not None and counted < _answers(seen, name):
        return Check(
            REQUESTS, client, f"{count(total, 'request')} to {name} did not reach a director", False, astray, vip
        )
    if counted == 0:
        rule = f"answered {count(total, 'request')}, and no director counted a connection"
        remedy = "find out which host answers this client; if it is the director, set net.ipv4.vs.run_estimation to 1"
        return bad(REQUESTS, Finding(client, "service", name, rule, remedy), warning=True, vip=vip)
    # The servers have names only with HTTP.
    named = {server: number for server, number in visited["servers"].items() if server != UNNAMED}
    shares = ", ".join(f"{server} {number}" for server, number in named.items()) or "all answered"
    return good(REQUESTS, client, f"{count(total, 'request')} to {name}: {shares}", vip)


def _answers(seen: Seen, name: str) -> int:
    """Return how many requests to a service were answered, over all clients."""
    same = (one for visits in seen.visits.values() for one in visits if one["service"] == name)
    return sum(len(one["visits"]) - one["failed"] for one in same)


def _counted(seen: Seen, visited: Mapping[str, Any]) -> int | None:
    """Return how many connections the directors of a service counted, None where one of them was not read twice."""
    directors = {host for service in _taking(seen, visited) for host in service.directors} - {*seen.topology.absent}
    if not directors or not directors <= seen.after.keys() & seen.tables.keys():
        return None
    wanted = _endpoint(visited)
    return sum(connections_to(seen.tables[one], seen.after[one], *wanted) for one in directors)


def _astray(seen: Seen, client: str, vip: str) -> Finding | None:
    """Return what is wrong with the route of a client that is on a segment of the cluster and does not send there.

    Of a client that is on none nothing can be said: it reaches the cluster through routers.
    """
    facts = seen.facts.get(client)
    hop = facts.routes.get(vip) if facts else None
    if not facts or not hop:
        return None
    dips = (dip for own in seen.topology.dips.values() for dip in own)
    near = list(dict.fromkeys(one.interface.name for dip in dips for one in facts.sharing(dip)))
    if not near or hop.interface in near:
        return None
    rule = f"leaves through {hop.interface}, not through a segment of the cluster ({', '.join(near)})"
    if not hop.interface:
        rule = f"is missing on this host, which is on a segment of the cluster ({', '.join(near)})"
    remedy = f"add a route to {vip} through {near[0]}, or remove the host from the group of the clients"
    return Finding(client, "route to", vip, rule, remedy)


def _endpoint(visited: Mapping[str, Any]) -> tuple[str, int]:
    return endpoint_address(visited["service"]), int(visited["service"].rpartition(":")[2])


def _taking(seen: Seen, visited: Mapping[str, Any]) -> list[Service]:
    """Return the declared services that take TCP to the endpoint of a request."""
    address, port = _endpoint(visited)
    return [
        service
        for service in seen.topology.services
        if address in service.vips and TCP in service.protocols
        if not service.ports or port in service.single_ports
    ]


def _is_admitted(seen: Seen, visited: Mapping[str, Any]) -> bool:
    """Return whether the sources of the service that was visited admit the client, if its address is known."""
    source = visited.get("source")
    return not source or all(admits(service, source) for service in _taking(seen, visited))


def _not_admitted(client: str, visited: Mapping[str, Any]) -> Check:
    """Return what became of requests that the packet filter has to drop."""
    name, source, vip = visited["service"], visited["source"], endpoint_address(visited["service"])
    total = len(visited["visits"])
    if visited["failed"] == total:
        text = f"{name} is not for {source}, which sources do not admit, and answered none of {count(total, 'request')}"
        return good(REQUESTS, client, text, vip)
    rule = f"answered {source}, which sources do not admit ({total - visited['failed']} of {count(total, 'request')})"
    remedy = "enable a packet filter that drops other packets on the directors, since sources only limit what is opened"
    return bad(REQUESTS, Finding(client, "service", name, rule, remedy), warning=True, vip=vip)
