# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared of each host: its own values of the roles' variables, else what `lvs_services` means. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import DEFAULT_OWNER
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts, Interface

from .._topology.failover import failover_vips
from .._topology.model import Topology
from .._topology.networks import read_vip_interfaces
from .._topology.views import (
    cluster_vips,
    director_forwarding,
    director_services,
    director_standby_vips,
    director_vips,
    realserver_tunnels,
    realserver_vips,
)

SYSCTL, NONE = "sysctl", "none"  # of realserver_arp_mode
ABSENT = "absent"
# A host's own values of these count; each is a variable of a role, with the default of the role's argument spec.
VARIABLES = (
    "director_forwarding",
    "director_interface",
    "director_keep_drained",
    "director_purge",
    "director_purge_servers",
    "director_services",
    "director_standby_vips",
    "director_state",
    "director_sysctls",
    "director_timeouts",
    "director_vip_interface",
    "director_vips",
    "gateway_interface",
    "gateway_state",
    "gateway_vips",
    "lvs_cluster_name",
    "realserver_arp_announce",
    "realserver_arp_ignore",
    "realserver_arp_mode",
    "realserver_state",
    "realserver_tunnels",
    "realserver_vip_interface",
    "realserver_vips",
)


class Director(NamedTuple):
    """A director that is not absent; `services` are those of ipvs_table, `interfaces` those whose sysctls are set.

    `devices` has the interface of each VIP, empty where neither variables nor the host's networks tell; `forwarding`
    None means that routing is not the role's business. A failover engine assigns and releases `failover_vips`: those
    that the host has are among its `vips`, and the others among its `standby_vips`.
    """

    services: Sequence[Mapping[str, Any]]
    vips: tuple[str, ...]
    standby_vips: tuple[str, ...]
    interfaces: tuple[str, ...]
    forwarding: int | None
    purge: bool
    keep_drained: bool
    timeouts: Mapping[str, int]
    sysctls: Mapping[str, int]
    devices: Mapping[str, str] = {}
    owner: str = DEFAULT_OWNER
    failover_vips: tuple[str, ...] = ()


class RealServer(NamedTuple):
    """A server that has VIPs: each with its device in `devices`; `arp` are the sysctls that keep it quiet, or none."""

    devices: Mapping[str, str]
    tunnels: tuple[str, ...]
    arp_mode: str
    arp: Mapping[str, int]


class Gateway(NamedTuple):
    """A router that is told who has the VIPs."""

    interface: str
    vips: tuple[str, ...]


class Declared(NamedTuple):
    """All hosts, by role and name."""

    directors: Mapping[str, Director]
    servers: Mapping[str, RealServer]
    gateways: Mapping[str, Gateway]

    def answering(self, vip: str) -> str:
        """Return the director that is to answer for a VIP, or that has it by failover; empty when none is."""
        return next((host for host, director in self.directors.items() if vip in director.vips), "")

    @property
    def vips(self) -> list[str]:
        """Every VIP that a director answers for, or stands by for, once."""
        known = (vip for one in self.directors.values() for vip in (*one.vips, *one.standby_vips))
        return list(dict.fromkeys(known))


def declare(
    topology: Topology,
    groups: Mapping[str, Sequence[str]],
    variables: Mapping[str, Mapping[str, Any]],
    defaults: Mapping[str, Any],
    facts: Mapping[str, HostFacts] = MappingProxyType({}),
) -> Declared:
    """Return what is declared; `variables` has by host those of VARIABLES that it has, `defaults` is of the roles.

    The networks of a director, by its `facts`, say which interface has a VIP.
    """
    pooled = [server.host for service in topology.services for server in service.servers if server.host]
    directors = dict.fromkeys([*topology.dips, *groups.get("directors", ())])
    servers = dict.fromkeys([*groups.get("realservers", ()), *pooled])
    gateways = groups.get("gateways", ())
    own = {host: {**defaults, **variables.get(host, {})} for host in (*directors, *servers, *gateways)}
    real = {host: _real_server(topology, host, own[host]) for host in servers if _stays(own[host], "realserver")}
    interfaces = {host: facts[host].interfaces if host in facts else () for host in directors}
    return Declared(
        {
            host: _director(topology, host, own[host], interfaces[host])
            for host in directors
            if _stays(own[host], "director")
        },
        {host: server for host, server in real.items() if server.devices},
        {host: _gateway(topology, own[host]) for host in gateways if _stays(own[host], "gateway")},
    )


def _stays(own: Mapping[str, Any], role: str) -> bool:
    return bool(own[f"{role}_state"] != ABSENT)


def _is(value: Any) -> bool:
    """Return what a switch says; a template may have made a text of it."""
    return str(value).strip().lower() in ("true", "yes", "on", "1")


def _director(topology: Topology, host: str, own: Mapping[str, Any], interfaces: Sequence[Interface]) -> Director:
    services = own.get("director_services")
    vips, standby = own.get("director_vips"), own.get("director_standby_vips")
    interface = own.get("director_interface")
    purge = _is(own["director_purge_servers"])
    wanted = director_services(topology, host) if services is None else services
    vips = tuple(director_vips(topology, host) if vips is None else vips)
    standby = tuple(director_standby_vips(topology, host) if standby is None else standby)
    moving = tuple(failover_vips(topology, host))
    if interfaces:
        has = {address for one in interfaces for address in one.own}
        vips += tuple(vip for vip in moving if vip in has)
        standby += tuple(vip for vip in moving if vip not in has)
    decision = read_vip_interfaces(own.get("director_vip_interface"), interface, interfaces)
    devices = {vip: decision.of(vip) for vip in (*vips, *standby)}
    return Director(
        [{**service, "purge": purge} for service in wanted],
        vips,
        standby,
        tuple(dict.fromkeys(filter(None, (interface, *devices.values())))),
        _forwarding(topology, host, own.get("director_forwarding")),
        _is(own["director_purge"]),
        _is(own["director_keep_drained"]),
        _numbers(own["director_timeouts"]),
        _numbers(own["director_sysctls"]),
        devices,
        str(own.get("lvs_cluster_name") or DEFAULT_OWNER),
        moving,
    )


def _forwarding(topology: Topology, host: str, given: Any) -> int | None:
    """Return the sysctl that is declared for a director, or that masquerade needs."""
    if given is not None:
        return int(given)
    return 1 if director_forwarding(topology, host) else None


def _numbers(settings: Mapping[str, Any]) -> dict[str, int]:
    """Return numbers, of which a template may have made texts."""
    return {name: int(value) for name, value in settings.items()}


def _real_server(topology: Topology, host: str, own: Mapping[str, Any]) -> RealServer:
    vips, tunnels = own.get("realserver_vips"), own.get("realserver_tunnels")
    tunnels = realserver_tunnels(topology, host) if tunnels is None else tunnels
    device, mode = own["realserver_vip_interface"], own["realserver_arp_mode"]
    devices = dict.fromkeys(realserver_vips(topology, host) if vips is None else vips, str(device))
    devices.update({vip: str(tunnel["interface"]) for tunnel in tunnels for vip in tunnel["addresses"]})
    arp = {name: int(own[f"realserver_{name}"]) for name in ("arp_ignore", "arp_announce")}
    names = tuple(str(tunnel["interface"]) for tunnel in tunnels)
    return RealServer(devices, names, str(mode), arp if mode == SYSCTL else {})


def _gateway(topology: Topology, own: Mapping[str, Any]) -> Gateway:
    vips = own.get("gateway_vips")
    return Gateway(str(own.get("gateway_interface", "")), tuple(cluster_vips(topology) if vips is None else vips))
