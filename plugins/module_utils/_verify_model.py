# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify knows and what it says, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ._finding import Finding
from ._preflight_model import HostFacts
from ._topology import Topology

OWNERS, PATHS, REQUESTS, SHARES, HOSTS, TABLE, BOOT = (
    "Who answers for the VIPs",
    "The path of each server, from its director",
    "What clients get",
    "Who serves",
    "Addresses and sysctls",
    "The table of the director",
    "Back after a reboot",
)
TOPICS = (OWNERS, PATHS, REQUESTS, SHARES, HOSTS, TABLE, BOOT)


class Check(NamedTuple):
    """One thing that was looked at: good, bad, or (None) worth a look; a finding where it is not good."""

    topic: str
    host: str
    text: str
    good: bool | None = True
    finding: Finding | None = None

    @property
    def sentence(self) -> str:
        """What is said of it: the finding's sentence where there is one, which begins with the host."""
        return self.finding.sentence if self.finding else f"{self.host}: {self.text}" if self.host else self.text


class Client(NamedTuple):
    """What one client saw: the MACs that answer for each address, and its visits to each service."""

    owners: Mapping[str, Sequence[str]]
    visits: Sequence[Mapping[str, Any]] = ()


class Seen(NamedTuple):
    """All that was seen. By host: preflight facts, what verify_info returned, the table before and after the visits.

    `unsysctled` are the servers that something else than the ARP sysctls keeps quiet.
    """

    topology: Topology
    facts: Mapping[str, HostFacts]
    looks: Mapping[str, Mapping[str, Any]]
    before: Mapping[str, Mapping[str, Any]] = {}
    after: Mapping[str, Mapping[str, Any]] = {}
    clients: Mapping[str, Client] = {}
    unsysctled: frozenset[str] = frozenset()

    def macs(self, host: str, addresses: Sequence[str]) -> set[str]:
        """Return the MACs of a host: by its facts, else by who answers for its addresses."""
        if host in self.facts:
            return self.facts[host].macs
        heard = [facts.owners.get(one, ()) for facts in self.facts.values() for one in addresses]
        heard += [tuple(client.owners.get(one, ())) for client in self.clients.values() for one in addresses]
        return {mac for macs in heard for mac in macs}

    def host_of(self, address: str) -> str:
        """Return the inventory's name for a server's or director's address; the address itself where it has none."""
        for own in (self.topology.rips, self.topology.dips):
            for host, addresses in own.items():
                if address in addresses:
                    return host
        return address


def good(topic: str, host: str, text: str) -> Check:
    """Return a check that went well."""
    return Check(topic, host, text)


def bad(topic: str, finding: Finding, warning: bool = False) -> Check:
    """Return a check that found something."""
    text = f"{finding.subject} {finding.value} {finding.rule}".replace("  ", " ")
    return Check(topic, finding.host, text, None if warning else False, finding)
