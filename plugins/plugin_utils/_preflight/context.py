# SPDX-License-Identifier: GPL-3.0-or-later
"""The case that preflight judges: a cluster's topology with the facts of its hosts, and who of them meets whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import same_family
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts

from .._topology.model import Server, Service, Topology
from .._topology.probes import rips_of

# The variables that the rules go by: which devices a role takes, what it makes, and who is left in ARP.
DIRECTOR_INTERFACE, DIRECTOR_VIP_INTERFACE = "director_interface", "director_vip_interface"
REALSERVER_VIP_INTERFACE, REALSERVER_VIP_KIND = "realserver_vip_interface", "realserver_vip_kind"
REALSERVER_ARP_MODE = "realserver_arp_mode"
# A list of its own, so that a host for which it is empty has a value too.
DIRECTOR_VIPS = "director_vips"
VARIABLES = (
    DIRECTOR_INTERFACE,
    DIRECTOR_VIP_INTERFACE,
    REALSERVER_VIP_INTERFACE,
    REALSERVER_VIP_KIND,
    REALSERVER_ARP_MODE,
)


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

    def within(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
        """Whether both addresses are on the network."""
        return all(ipaddress.ip_address(address) in network for address in (self.dip, self.rip))


class Case(NamedTuple):
    """What is judged: the topology, the facts by host, and by host those of VARIABLES that are set."""

    topology: Topology
    facts: Mapping[str, HostFacts]
    variables: Mapping[str, Mapping[str, str]]

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
        """Yield each director with each server on another host, by the DIP and the RIP of one family that VIPs need."""
        for service in self.topology.services:
            if service.forwarding not in forwardings:
                continue
            for director in service.directors:
                for server in service.servers:
                    if server.host == director or server.options.get("state") == "absent":
                        continue
                    for rip in rips_of(self.topology, service, server):
                        for dip in self.topology.dips.get(director, ()):
                            if same_family(dip, rip):
                                yield Pair(service, director, dip, server, rip)

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

    def network(self, pair: Pair) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
        """Return the network that a pair's director or, where it has no facts, its server tells."""
        for host, address in ((pair.director, pair.dip), (pair.server.host, pair.rip)):
            network = self.facts[host].network(address) if host in self.facts else None
            if network:
                return network
        return None

    def assigned(self, host: str) -> list[str]:
        """Return the VIPs that a role assigns on a host, now or once it is the active director."""
        directed = [vip for one in self.topology.services if host in one.directors for vip in one.vips]
        own = self.variables.get(host, {}).get(DIRECTOR_VIPS)
        if own is not None:
            directed = own.split()
        served = [
            vip
            for one in self.topology.services
            if one.forwarding != MASQUERADE and any(server.host == host for server in one.servers)
            for vip in one.vips
        ]
        return list(dict.fromkeys([*directed, *served]))

    def variable(self, host: str, name: str) -> str:
        """Return what one of VARIABLES says for a host, empty where it is not set."""
        return self.variables.get(host, {}).get(name, "")
