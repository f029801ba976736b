# SPDX-License-Identifier: GPL-3.0-or-later
"""What a topology is once it is read, and which address of a server serves which VIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import PortRange
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import TUNNEL

# Options of a service that only UDP has; with several protocols they are for its UDP services.
_DATAGRAM_OPTIONS = ("one_packet", "persistence_engine")


# The values of director_failover, and the default of director_vrid, which no host's variables have
NONE, VRRP = "none", "vrrp"
ENGINES = (NONE, VRRP)
DEFAULT_VRID, LAST_VRID = 51, 255


class Failover(NamedTuple):
    """How a director decides who has its VIPs: the engine, and for VRRP the VRID of its first instance."""

    engine: str = NONE
    vrid: int = DEFAULT_VRID


class Server(NamedTuple):
    """One server of a pool.

    `host` is its name in the inventory (empty: a bare address), `address` its first RIP, and `options` those of a
    server of ipvs_table that are given: weight or initial_weight, thresholds, state, port, tunnel_*. `written` is
    the address by which lvs_services names a host; empty where it uses the host's name or group.
    """

    host: str
    address: str
    options: Mapping[str, Any]
    written: str = ""


class Service(NamedTuple):
    """One item of lvs_services; `fwmark` is 0 where there is none, and `options` are those of ipvs_service.

    `may_be_empty` says that all servers may leave. `prove_ports` are the TCP ports at which a server must answer (None:
    by default), and `sources` the networks that are admitted; none means everybody.
    """

    name: str
    vips: tuple[str, ...]
    ports: tuple[PortRange, ...]
    protocols: tuple[str, ...]
    fwmark: int
    forwarding: str
    directors: tuple[str, ...]
    servers: tuple[Server, ...]
    options: Mapping[str, Any]
    may_be_empty: bool = False
    prove_ports: tuple[int, ...] | None = None
    sources: tuple[str, ...] = ()

    @property
    def families(self) -> dict[int, str]:
        """The address families of the VIPs (4, 6), each with its first VIP."""
        return {version(vip): vip for vip in reversed(self.vips)}

    @property
    def single_ports(self) -> list[int]:
        """Each port of each range."""
        return [number for ports in self.ports for number in ports.numbers]


class Topology(NamedTuple):
    """All services, and the own addresses of directors and servers by inventory host name.

    A server has one of a family at most, a director one for each network of its servers. `absent` are the directors
    with director_state absent, `identified` a sentence for each address that is a host, and `failover` says how each
    director decides who has its VIPs (see failover.py).
    """

    services: tuple[Service, ...]
    dips: Mapping[str, tuple[str, ...]]
    rips: Mapping[str, tuple[str, ...]]
    absent: frozenset[str] = frozenset()
    identified: tuple[str, ...] = ()
    failover: Mapping[str, Failover] = {}


def rip(service: Service, server: Server, family: int, rips: Mapping[str, Sequence[str]]) -> str:
    """Return the address under which a server serves the VIPs of a family (4, 6); empty when it does not.

    A bare address serves the VIPs of its own family. Only a tunnel can have another family outside than inside.
    """
    own = rips.get(server.host, ()) if server.host else (server.address,)
    for address in own:
        if version(address) == family:
            return address
    if service.forwarding != TUNNEL or not own:
        return ""
    elsewhere = not server.host and version(own[0]) in {version(vip) for vip in service.vips}
    return "" if elsewhere else own[0]


def tunnel_kind(service: Service, server: Server, vip: str, rips: Mapping[str, Sequence[str]]) -> str:
    """Return the kind of device on which a server gets a VIP's packets from the tunnel; empty when there is none.

    IPv6 in IPv4 would need a sit device, and GRE in IPv6 an ip6gre one, of which the kernel has none that take packets
    from any director (no `external` of ip-link(8)).
    """
    inside, outside = version(vip), version(rip(service, server, version(vip), rips) or vip)
    if server.options.get("tunnel_type") == "gre":
        return "gre" if outside == 4 else ""
    if outside == 6:
        return "ip6tnl"
    return "ipip" if inside == 4 else ""


def service_key(service: Service, vip: str, port: int, protocol: str) -> dict[str, Any]:
    """Return what identifies a service of ipvs_table: VIP, port and protocol, or the mark and the VIP's family."""
    if service.fwmark:
        return {"fwmark": service.fwmark, "address_family": f"ipv{version(vip)}"}
    return {"address": vip, "port": port, "protocol": protocol}


def service_keys(service: Service) -> list[dict[str, Any]]:
    """Return the identity of each service of ipvs_table that an item of lvs_services makes."""
    if service.fwmark:
        return [service_key(service, vip, 0, "") for _family, vip in sorted(service.families.items())]
    return [
        service_key(service, vip, port, protocol)
        for vip in service.vips
        for port in service.single_ports
        for protocol in service.protocols
    ]


def service_options(service: Service, key: Mapping[str, Any], rips: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return one service of ipvs_table, of which `key` is the identity."""
    family = 6 if key.get("address_family") == "ipv6" or version(key.get("address", "")) == 6 else 4
    options = dict(service.options)
    if len(service.protocols) > 1 and key.get("protocol", "udp") != "udp":
        options = {name: value for name, value in options.items() if name not in _DATAGRAM_OPTIONS}
    if "persistence_netmask" in options and _mask_family(options["persistence_netmask"], service.vips) != family:
        del options["persistence_netmask"]
    servers = []
    for server in service.servers:
        address = rip(service, server, family, rips)
        if address:
            servers.append({"address": address, "forwarding": service.forwarding, **server.options})
    return {**key, **options, "real_servers": servers}


def _mask_family(mask: str, vips: Sequence[str]) -> int:
    """Return the family of VIPs that a mask is for: a dotted one for IPv4; a bare length, where both are, for IPv6."""
    families = {version(vip) for vip in vips}
    return families.pop() if len(families) == 1 else 4 if "." in mask else 6
