# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers an operator means, and where they are drained and restored. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import parse_host
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import service_paths

from .._topology.hosts import Groups
from .._topology.identity import Identity
from .._topology.inventory import Inventory
from .._topology.model import Topology
from .._topology.proofs import director_prove_ports
from .._topology.views import director_marks, director_services


def merged(topologies: Iterable[Topology]) -> Topology:
    """Return several clusters as one topology."""
    found = list(topologies)
    return Topology(
        tuple(service for one in found for service in one.services),
        {host: dips for one in found for host, dips in one.dips.items()},
        {host: rips for one in found for host, rips in one.rips.items()},
        frozenset(host for one in found for host in one.absent),
    )


def identified(names: Any, inventory: Inventory) -> list[str]:
    """Return names of hosts, groups and servers; a host instead of each address or name that is a host's own.

    Raises InvalidValue for an address that several hosts have.
    """
    identity = Identity(inventory)
    found = []
    for name in _names(names):
        hosts = [] if name in inventory.groups else identity.hosts(name)
        if len(hosts) > 1:
            raise InvalidValue(
                "servers", name, f"is an address of the hosts {', '.join(hosts)}", "name one of the hosts"
            )
        found += hosts or [name]
    return list(dict.fromkeys(found))


def directors_of(topology: Topology) -> list[str]:
    """Return all directors that are not absent."""
    return [host for host in topology.dips if host not in topology.absent]


def servers_of(topology: Topology, groups: Groups, names: Any, director: str) -> list[str]:
    """Return the addresses that this director has of the servers with these names; none that it has not.

    `names` is a list, or a text with commas, of hosts, groups and addresses. Raises InvalidValue for one that no
    director has.
    """
    pools = {host: _pooled(topology, host) for host in directors_of(topology)}
    known = list(dict.fromkeys(address for addresses in pools.values() for address in addresses))
    wanted: list[str] = []
    for name in _names(names):
        found = [address for address in _addresses(topology, groups, name) if address in known]
        if not found:
            owners = {address: host for host, addresses in topology.rips.items() for address in addresses}
            there = ", ".join(dict.fromkeys(owners.get(address, address) for address in known)) or "no servers"
            rule = "is no real server of lvs_services, or is declared absent"
            raise InvalidValue("servers", name, rule, f"it has {there}")
        wanted += found
    return [address for address in dict.fromkeys(wanted) if address in pools.get(director, ())]


def left_alone(topology: Topology, hosts: Iterable[str], answers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return those of the hosts that were drained before, from what ipvs_drain told on each director."""
    drained = {address for answer in answers for address in answer.get("already_drained", ())}
    return [host for host in hosts if drained & set(topology.rips.get(host, ()))]


def paths_of(topology: Topology, director: str, addresses: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Return what realserver_path_info is to prove on a director: each VIP and port with its servers, or some of them.

    A mark without ports has none that could be probed, unless prove_ports names some.
    """
    services, marks = director_services(topology, director), director_marks(topology, director)
    paths = service_paths(services, marks, director_prove_ports(topology, director))
    if addresses is None:
        return paths
    wanted = set(addresses)
    for path in paths:
        path["real_servers"] = [one for one in path["real_servers"] if one["address"] in wanted]
    return [path for path in paths if path["real_servers"]]


def path_failures(topology: Topology, host: str, answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return why a host does not serve the VIPs, from what realserver_path_info told on each director."""
    own = set(topology.rips.get(host, ()))
    failures = []
    for answer in answers:
        paths = answer.get("paths")
        if paths is None and not answer.get("skipped"):
            failures.append(str(answer.get("msg", "its path could not be proved")))
        failures += [path["sentence"] for path in paths or () if path["ok"] is False and path["address"] in own]
    return list(dict.fromkeys(failures))


def _names(names: Any) -> list[str]:
    given = names.split(",") if isinstance(names, str) else list(names or ())
    read = [str(name).strip() for name in given if str(name).strip()]
    if not read:
        raise InvalidValue("servers", None, "is missing", "name hosts or addresses, such as -e servers=rs1,rs2")
    return read


def _addresses(topology: Topology, groups: Groups, name: str) -> list[str]:
    """Return the addresses of a host, of the hosts of a group, or the address itself."""
    if name in topology.rips:
        return list(topology.rips[name])
    if name in groups:
        return [address for host in groups[name] for address in topology.rips.get(str(host), ())]
    try:
        return [str(parse_host(name, "servers"))]
    except InvalidValue:
        return []


def _pooled(topology: Topology, director: str) -> list[str]:
    return [
        server["address"]
        for service in director_services(topology, director)
        for server in service["real_servers"]
        if server.get("state") != "absent"
    ]
