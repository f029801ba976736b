# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a director would still send clients to a host from which `site` removes a VIP. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6, version
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import LOADED, HostFacts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import server_name, service_name
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    ServerKey,
    ServerSettings,
    ServiceKey,
    ServiceSettings,
    ServiceState,
    Table,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service_key, parse_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services

from .._topology.finding import Finding
from .._topology.model import Topology
from .._topology.views import cluster_vips, served_vips
from .._verify.desired import Declared, Director

Looked = Mapping[str, Any]  # what preflight_info returned on a host


class Sender(NamedTuple):
    """A director that sends clients of a VIP to a host; without `words` its table is not known."""

    director: str
    words: str = ""


def released_vips(
    topology: Topology, declared: Declared, host: str, looked: Looked, facts: HostFacts | None
) -> list[str]:
    """Return the VIPs that `site` removes from a real server: those that it has, and is to have no longer.

    A host that was not read can have each VIP of its cluster.
    """
    kept = declared.servers[host].devices if host in declared.servers else {}
    if facts is None:
        return [vip for vip in cluster_vips(topology) if vip not in kept]
    former = (looked.get("boots") or {}).get("realserver") or {}
    before = _vips(former.get("declared") or {}) + _vips((former.get("declared") or {}).get("former") or {})
    return [
        vip for vip in dict.fromkeys([*before, *served_vips(topology, host)]) if vip not in kept and facts.carrier(vip)
    ]


def _vips(declared: Mapping[str, Any]) -> list[str]:
    return [str(vip).partition("/")[0] for item in declared.get("vips") or () for vip in item["addresses"]]


def table_of(looked: Looked | None) -> Table | None:
    """Return the table that a director has; None if it is not known."""
    if not looked or "facts" not in looked:
        return None
    if not looked.get("table"):
        return None if looked["facts"]["ip_vs"] == LOADED else {}
    return {parse_service_key(one): _state(one) for one in looked["table"]["services"]}


def _state(service: Mapping[str, Any]) -> ServiceState:
    """Return the servers of a service. Whoever made it need not have kept the rules of the modules."""
    servers = {}
    for one in service.get("real_servers") or ():
        key = ServerKey(f"ipv{version(one['address'])}", one["address"], int(one.get("port") or 0))
        servers[key] = ServerSettings(forwarding=one["forwarding"], weight=int(one["weight"]))
    return ServiceState(ServiceSettings(), servers)


def table_after(table: Table, looked: Looked, director: Director | None, topology_services: Sequence[Any]) -> Table:
    """Return the table that the role director makes of it; `director` is None for one that is declared absent."""
    boot = (looked.get("boots") or {}).get("director") or {}
    former = _keys((boot.get("declared") or {}).get("services") or ())
    if director is None:
        gone = former | _keys(topology_services)
        return {key: state for key, state in table.items() if key not in gone}
    try:
        wanted = parse_services(director.services)
        after: Table = simulate(table, plan_services(table, wanted, director.purge).operations)
    except InvalidValue:
        return table  # the role fails, and changes nothing
    gone = former - {one.key for one in wanted}
    return {key: state for key, state in after.items() if key not in gone}


def _keys(services: Sequence[Mapping[str, Any]]) -> set[ServiceKey]:
    return set(map(parse_service_key, services))


def senders(tables: Mapping[str, Table | None], host: str, vip: str, addresses: Collection[str]) -> list[Sender]:
    """Return the directors that send clients of a VIP to a host with these addresses; `tables` are by director.

    Which VIPs a mark stands for, a table does not say: it can be each of its family. Masquerade needs no VIP.
    """
    found = []
    for director, table in tables.items():
        if director == host:
            continue
        if table is None:
            found.append(Sender(director))
        else:
            found += [Sender(director, words) for words in _sending(table, vip, addresses)]
    return found


def _sending(table: Mapping[Any, ServiceState], vip: str, addresses: Collection[str]) -> Iterator[str]:
    family = "ipv6" if is_ipv6(vip) else "ipv4"
    for key, state in table.items():
        if key.address != vip and not (key.fwmark and key.address_family == family):
            continue
        for server, settings in state.servers.items():
            if server.address in addresses and settings.weight > 0 and settings.forwarding != MASQUERADE:
                yield f"{service_name(key)} to {server_name(server)}, weight {settings.weight}"


def release_findings(host: str, vip: str, sending: Sequence[Sender]) -> Iterator[Finding]:
    """Yield what keeps a VIP from being removed from a host."""
    for one in sending:
        if one.words:
            rule = f"would be removed from this host, and director {one.director} sends clients to it ({one.words})"
            remedy = f"remove the server from {one.director} first, or leave the host in a pool of lvs_services"
        else:
            rule = f"would be removed from this host, and director {one.director}, which can still use it, was not read"
            remedy = f"include {one.director} in the run, or set its director_state to absent if it is gone"
        yield Finding(host, "VIP", vip, rule, remedy)
