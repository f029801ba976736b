# SPDX-License-Identifier: GPL-3.0-or-later
"""The case that preflight judges: a cluster's topology with the facts of its hosts, and who of them meets whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import same_family
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Hop, HostFacts

from .._topology.model import Server, Service, Topology
from .._topology.networks import VipInterfaces, read_vip_interfaces
from .._topology.probes import rips_of
from .._topology.views import cluster_vips, served_vips

# The variables that the rules go by: which devices a role takes and makes, who is left in ARP, which cluster it is.
DIRECTOR_INTERFACE, DIRECTOR_VIP_INTERFACE = "director_interface", "director_vip_interface"
REALSERVER_VIP_INTERFACE, REALSERVER_VIP_KIND = "realserver_vip_interface", "realserver_vip_kind"
REALSERVER_ARP_MODE = "realserver_arp_mode"
CLUSTER_NAME, CLUSTER_FORMERLY = "lvs_cluster_name", "lvs_cluster_formerly"
# A list of its own, so that a host for which it is empty has a value too.
DIRECTOR_VIPS = "director_vips"
REALSERVER_ADDRESS, DIRECTOR_FORWARDING = "realserver_address", "director_forwarding"
VARIABLES = (
    DIRECTOR_INTERFACE,
    DIRECTOR_VIP_INTERFACE,
    REALSERVER_VIP_INTERFACE,
    REALSERVER_VIP_KIND,
    REALSERVER_ARP_MODE,
    DIRECTOR_FORWARDING,
    CLUSTER_NAME,
    CLUSTER_FORMERLY,
)
# Those of the inventory that are no option of a role
INVENTORY_VARIABLES = (REALSERVER_ADDRESS,)


class Pair(NamedTuple):
    """A director and a server of a service, by DIP and RIP."""

    service: Service
    director: str
    dip: str
    server: Server
    rip: str

    @property
    def host(self) -> str:
        """Whose finding it is: the server's, or for a bare address the director's."""
        return self.server.host or self.director


class Case(NamedTuple):
    """What is judged: the topology, the facts by host, and by host those of both kinds of variables that are set.

    The run asked the hosts in `unreachable` and got no answer, which is reported once for each.
    """

    topology: Topology
    facts: Mapping[str, HostFacts]
    variables: Mapping[str, Mapping[str, Any]]
    unreachable: Collection[str] = ()

    @property
    def directors(self) -> list[str]:
        """The hosts that are directors of a service."""
        return list(dict.fromkeys(host for service in self.topology.services for host in service.directors))

    @property
    def servers(self) -> list[str]:
        """The hosts that are in a pool, and not to leave it."""
        pools = (server for service in self.topology.services for server in service.servers)
        return list(dict.fromkeys(one.host for one in pools if one.host and one.options.get("state") != "absent"))

    def pairs(self, *forwardings: str) -> Iterator[Pair]:
        """Yield each director with each server on another host, by each RIP that VIPs need and the DIP that is near it.

        A director has a DIP of the RIP's family, or there is nothing to judge.
        """
        for service in self.topology.services:
            if service.forwarding not in forwardings:
                continue
            for director in service.directors:
                for server in service.servers:
                    if server.host == director or server.options.get("state") == "absent":
                        continue
                    for rip in rips_of(self.topology, service, server):
                        dip = self._dip(director, server.host, rip)
                        if dip:
                            yield Pair(service, director, dip, server, rip)

    def _dip(self, director: str, server: str, rip: str) -> str:
        """Return the DIP of the interface by which a director sends to a RIP, else of its network, else the first."""
        dips = [dip for dip in self.topology.dips.get(director, ()) if same_family(dip, rip)]
        hop = self.hop(director, rip)
        networks = [self.network(server, rip), *(self.network(director, dip) for dip in dips)]
        common = [one for one in networks if one and ipaddress.ip_address(rip) in one]

        def far(dip: str) -> tuple[bool, bool]:
            leaves = hop is not None and hop.interface in self.devices(director, dip)
            return not leaves, not any(ipaddress.ip_address(dip) in one for one in common)

        return min(dips, key=far, default="")

    def own(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield host, DIP or RIP, the address, and the variable that says it."""
        for host in self.directors:
            for address in self.topology.dips.get(host, ()):
                yield host, "DIP", address, "director_address"
        for host in self.servers:
            for address in self.topology.rips.get(host, ()):
                if address not in self.topology.dips.get(host, ()) or host not in self.directors:
                    yield host, "RIP", address, "realserver_address"

    def macs(self, host: str, addresses: Sequence[str]) -> set[str]:
        """Return the MACs that are known to be a host's: by its own facts, else by who answers for its addresses."""
        if host in self.facts:
            return self.facts[host].macs
        return {mac for facts in self.facts.values() for one in addresses for mac in facts.owners.get(one, ())}

    def answers(self, address: str) -> dict[str, str]:
        """Return each MAC that answers for an address, with the first host that heard it."""
        heard: dict[str, str] = {}
        for host, facts in self.facts.items():
            for mac in facts.owners.get(address, ()):
                heard.setdefault(mac, host)
        return heard

    def network(self, host: str, address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
        """Return the network that an address has on its host; None where this is not known."""
        return self.facts[host].network(address) if host in self.facts else None

    def devices(self, host: str, address: str) -> list[str]:
        """Return the names of the devices of a host that have an address."""
        return [one.name for one in self.facts[host].carriers(address)] if host in self.facts else []

    def hop(self, host: str, address: str) -> Hop | None:
        """Return the first hop of a host to an address; None where this is not known."""
        return self.facts[host].routes.get(address) if host in self.facts else None

    def on_link(self, pair: Pair) -> bool | None:
        """Whether a server is on a segment of its director, by routes, else by networks; None if neither is known."""
        hop = self.hop(pair.director, pair.rip)
        if hop:
            return hop.on_link
        director, server = self.facts.get(pair.director), self.facts.get(pair.server.host)
        if director and director.network(pair.dip):
            return bool(director.sharing(pair.rip))
        back = self.hop(pair.server.host, pair.dip)
        if not server or not server.network(pair.rip):
            return None
        return bool((back and back.on_link) or server.sharing(pair.dip))

    def proposal(self, host: str, near: Iterable[str], unlike: str) -> tuple[str, str] | None:
        """Return an own address of a host, with its device, on the network of the first of `near` for which it has one.

        It is of the family of `unlike`, which it is not, and no VIP.
        """
        for address in near if host in self.facts else ():
            for own, _prefix, device in self.facts[host].sharing(address):
                if own not in (*cluster_vips(self.topology), unlike) and same_family(own, unlike) and device.up:
                    return own, device.name
        return None

    def directed_vips(self, host: str) -> list[str]:
        """Return the VIPs of which a host is a director."""
        return list(dict.fromkeys(vip for one in self.topology.services if host in one.directors for vip in one.vips))

    def assigned(self, host: str) -> list[str]:
        """Return the VIPs that a role assigns on a host, now or once it is the active director."""
        directed = self.directed_vips(host)
        own = self.variables.get(host, {}).get(DIRECTOR_VIPS)
        if own is not None:
            directed = own.split()
        return list(dict.fromkeys([*directed, *served_vips(self.topology, host)]))

    def near(self, host: str) -> list[str]:
        """Return the addresses whose network is to have a server: of its directors' interfaces, its VIPs, its DIPs."""
        found: list[str] = []
        mine = [one for one in self.topology.services if any(server.host == host for server in one.servers)]
        for director in dict.fromkeys(director for service in mine for director in service.directors):
            device = (
                self.facts[director].device(self.variable(director, DIRECTOR_INTERFACE))
                if director in self.facts
                else None
            )
            found += device.own if device else []
        found += [vip for service in mine for vip in service.vips]
        found += [
            dip for service in mine for director in service.directors for dip in self.topology.dips.get(director, ())
        ]
        return list(dict.fromkeys(found))

    def variable(self, host: str, name: str) -> str:
        """Return what one of VARIABLES says for a host, empty where it is not set."""
        return str(self.variables.get(host, {}).get(name, ""))

    def vip_interface_names(self, host: str) -> list[str]:
        """Return the devices that director_vip_interface names."""
        chosen = self.vip_interfaces(host).chosen
        return list(dict.fromkeys(chosen.values())) if isinstance(chosen, Mapping) else [str(chosen)]

    def vip_interfaces(self, host: str) -> VipInterfaces:
        """Return what decides on the interfaces of a director's VIPs."""
        interfaces = self.facts[host].interfaces if host in self.facts else ()
        chosen = self.variables.get(host, {}).get(DIRECTOR_VIP_INTERFACE)
        return read_vip_interfaces(chosen, self.variable(host, DIRECTOR_INTERFACE), interfaces)
