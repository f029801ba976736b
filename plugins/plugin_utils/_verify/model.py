# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify knows and what it says, as data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint_address, is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts

from .._topology.finding import Finding
from .._topology.model import Topology
from .._topology.reach import Lost, finding
from .desired import Declared

REACHED, OWNERS, PATHS, REQUESTS, SHARES, HOSTS, TABLE, BOOT = (
    "Hosts that were not read",
    "Who answers for the VIPs",
    "The path of each server, from its director",
    "What clients get",
    "Who serves",
    "Addresses and sysctls",
    "The table of the director",
    "Back after a reboot",
)
TOPICS = (REACHED, OWNERS, PATHS, REQUESTS, SHARES, HOSTS, TABLE, BOOT)


class Check(NamedTuple):
    """One thing that was looked at: good, bad, or (None) worth a look; a finding where it is not good.

    `vip` is the VIP that it is about, where it is about one. What only follows from something else that is bad is a
    `consequence`: it is shown, and not told once more as something to mend.
    """

    topic: str
    host: str
    text: str
    good: bool | None = True
    finding: Finding | None = None
    vip: str = ""
    consequence: bool = False

    @property
    def sentence(self) -> str:
        """What is said of it: the finding's sentence where there is one, which begins with the host."""
        return self.finding.sentence if self.finding else f"{self.host}: {self.text}" if self.host else self.text


class Seen(NamedTuple):
    """What is declared, and all that was seen. By host: preflight facts, and what verify_info returned.

    `after` has by director what ipvs_info returned once the clients had visited, `visits` by client what
    vip_client_info returned of each service. `configured` are the hosts that this run configured before. `lost`
    are hosts that were asked and returned nothing, `states` their declared states.
    """

    topology: Topology
    declared: Declared
    facts: Mapping[str, HostFacts] = {}
    looks: Mapping[str, Mapping[str, Any]] = {}
    after: Mapping[str, Mapping[str, Any]] = {}
    visits: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    configured: Collection[str] = ()
    lost: Mapping[str, Lost] = {}
    states: Mapping[str, Mapping[str, Collection[str]]] = {}

    @property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """By director what its table was before the clients visited."""
        return {host: look["table"] for host, look in self.looks.items() if look.get("table")}

    @property
    def missed(self) -> list[str]:
        """The hosts of the cluster that were not looked at, and not asked either."""
        hosts = (*self.declared.directors, *self.declared.servers, *self.declared.gateways)
        return [host for host in dict.fromkeys(hosts) if host not in self.facts and host not in self.lost]

    def lost_finding(self, host: str) -> Finding:
        """Return what is to be said of a host in `lost`."""
        return finding(host, self.lost[host], self.states.get(host, {}), "lvs.cluster.verify")

    def macs(self, host: str, addresses: Sequence[str]) -> set[str]:
        """Return the MACs of a host: by its facts, else by who answers for its addresses."""
        if host in self.facts:
            return self.facts[host].macs
        heard = (facts.owners.get(one, ()) for facts in self.facts.values() for one in addresses)
        return {mac for macs in heard for mac in macs}

    def host_of(self, address: str) -> str:
        """Return the inventory's name for a server's or director's address; the address itself where it has none."""
        for own in (self.topology.rips, self.topology.dips):
            for host, addresses in own.items():
                if address in addresses:
                    return host
        return address

    def is_drained(self, director: str, service: Mapping[str, Any], address: str) -> bool:
        """Return whether a server gets no new clients of a service, since that is declared or somebody drained it.

        A service that is known by a mark stands for all services of its family.
        """
        family, table = "ipv6" if is_ipv6(service["address"]) else "ipv4", self.tables.get(director, {})
        weights = []
        for one in table.get("services", ()):
            same = all(one.get(name) == service[name] for name in ("address", "port", "protocol"))
            if same or (one.get("fwmark") and one["address_family"] == family):
                weights += [server["weight"] for server in one["real_servers"] if server["address"] == address]
        by_hand = {endpoint_address(one["server"]) for one in table.get("drained", ())}
        wanted = self.declared.directors[director].services if director in self.declared.directors else ()
        servers = (server for one in wanted for server in one.get("real_servers") or ())
        meant = {one["address"] for one in servers if one.get("state") == "drained" or one.get("weight") == 0}
        return bool(weights) and not any(weights) and address in by_hand | meant


def good(topic: str, host: str, text: str, vip: str = "") -> Check:
    """Return a check that went well."""
    return Check(topic, host, text, vip=vip)


def bad(topic: str, finding: Finding, warning: bool = False, vip: str = "") -> Check:
    """Return a check that found something."""
    text = f"{finding.subject} {finding.value} {finding.rule}".replace("  ", " ")
    return Check(topic, finding.host, text, None if warning else False, finding, vip)


def count(number: int, what: str) -> str:
    """Return a number of things in words, such as ``1 service``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
