# SPDX-License-Identifier: GPL-3.0-or-later
"""What a topology is once it is read, and which address of a server serves which VIP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import TUNNEL


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

    `may_be_empty` says that all servers may leave.
    """

    name: str
    vips: tuple[str, ...]
    ports: tuple[int, ...]
    protocol: str
    fwmark: int
    forwarding: str
    directors: tuple[str, ...]
    servers: tuple[Server, ...]
    options: Mapping[str, Any]
    may_be_empty: bool = False


class Topology(NamedTuple):
    """All services, and the own addresses of directors and servers by inventory host name, one of a family at most.

    `absent` are the directors with director_state absent, and `identified` a sentence for each address that is a host.
    """

    services: tuple[Service, ...]
    dips: Mapping[str, tuple[str, ...]]
    rips: Mapping[str, tuple[str, ...]]
    absent: frozenset[str] = frozenset()
    identified: tuple[str, ...] = ()


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


def service_options(service: Service, vip: str, port: int, rips: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return one service of ipvs_table: of a VIP and port, or of the mark and the VIP's family."""
    family = version(vip)
    options = dict(service.options)
    if "persistence_netmask" in options and _mask_family(options["persistence_netmask"], service.vips) != family:
        del options["persistence_netmask"]
    if service.fwmark:
        key: dict[str, Any] = {"fwmark": service.fwmark, "address_family": f"ipv{family}"}
    else:
        key = {"address": vip, "port": port, "protocol": service.protocol}
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
