# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about hosts together: networks, segments, who answers for an address, gateways.

A host without facts (outside a --limit) breaks no rule.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6, same_family
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT, MASQUERADE, TUNNEL

from .._topology.finding import Finding
from .context import (
    REALSERVER_ARP_MODE,
    Case,
)
from .judgement import Judgement
from .routing_rules import NOBODY


def check_networks(case: Case) -> Iterator[Judgement]:
    """Under direct routing a RIP is on the network of the DIP."""
    for pair in case.pairs(DIRECT):
        network = case.network(pair)
        if network and not pair.within(network):
            if ipaddress.ip_address(pair.dip) in network:
                rule = f"is not on the network {network} of director {pair.director}'s DIP {pair.dip}"
            else:
                rule = f"is on the network {network}, and director {pair.director}'s DIP {pair.dip} is not"
            remedy = "give the server an address on the director's network, or use forwarding: tunnel"
            yield Judgement(Finding(pair.host, "RIP", pair.rip, rule, remedy))


def check_segments(case: Case) -> Iterator[Judgement]:
    """Under direct routing the director gets the server's MAC."""
    for pair in case.pairs(DIRECT):
        facts, network = case.facts.get(pair.director), case.network(pair)
        if not facts or facts.carrier(pair.rip) or (network and not pair.within(network)):
            continue
        server = case.facts.get(pair.server.host)
        carrier_there = server.carrier(pair.rip) if server else None
        if server and (not carrier_there or carrier_there.arp_ignore == NOBODY):
            continue  # which is told by its own rule
        if facts.owners.get(pair.rip) == ():
            carrier = facts.carrier(pair.dip)
            where = f" on {carrier.name}" if carrier else ""
            how = "neighbour discovery" if is_ipv6(pair.rip) else "ARP"
            rule = f"is not answered for by {how}{where} of director {pair.director}"
            remedy = "bring the server up, and put it on the director's segment (switch, VLAN, bridge)"
            # Who drains a server may be about to switch it off.
            drained = pair.server.options.get("state") == "drained"
            yield Judgement(Finding(pair.host, "RIP", pair.rip, rule, remedy), warning=drained)


def check_owners(case: Case) -> Iterator[Judgement]:
    """A DIP or RIP is answered for by its own host alone."""
    for host, what, address, _variable in case.own():
        heard, facts = case.answers(address), case.facts.get(host)
        if facts:
            for mac in sorted(heard.keys() - facts.macs):
                rule = f"is answered for by {mac}, which is no interface of this host"
                remedy = "find the host with that MAC and remove the address there, or switch off its proxy_arp"
                yield Judgement(Finding(host, what, address, rule, remedy))
        if len(heard) > 1 and (not facts or heard.keys() <= facts.macs):
            rule = f"is answered for by {len(heard)} MACs ({', '.join(sorted(heard))})"
            if facts:
                remedy = "set arp_ignore: 1 on this host, or take its other interface off this segment"
            else:
                remedy = "give each host an address of its own"
            yield Judgement(Finding(host, what, address, rule, remedy), warning=facts is not None)


def check_gateways(case: Case) -> Iterator[Judgement]:
    """A server's default gateway is the director for masquerade, and never otherwise."""
    own = {dip: f"the DIP of director {host}" for host in case.directors for dip in case.topology.dips.get(host, ())}
    own.update({vip: f"a VIP of service {one.name}" for one in case.topology.services for vip in one.vips})
    for pair in case.pairs(DIRECT, TUNNEL, MASQUERADE):
        service, server = pair.service, pair.server
        facts = case.facts.get(server.host)
        if not facts or server.host in service.directors:
            continue
        gateways = [one.address for one in facts.gateways if same_family(one.address, pair.rip)]
        if service.forwarding != MASQUERADE:
            for gateway in gateways:
                if gateway in own:
                    rule = f"is {own[gateway]}, and with forwarding {service.forwarding} answers go past the director"
                    remedy = "name the router of the segment as the server's default gateway"
                    yield Judgement(Finding(server.host, "default gateway", gateway, rule, remedy))
        elif not any(gateway in own for gateway in gateways):
            rule = "is not the director, and with forwarding masquerade answers have to go back through it"
            remedy = "route what goes to the clients through the DIP"
            yield Judgement(Finding(server.host, "default gateway", ", ".join(gateways), rule, remedy), warning=True)


def check_vips(case: Case) -> Iterator[Judgement]:
    """A VIP is answered for by its directors or by nobody."""
    members: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for service in case.topology.services:
        for vip in service.vips:
            directors, servers = members.setdefault(vip, ({}, {}))
            directors.update(dict.fromkeys(service.directors))
            servers.update(dict.fromkeys(one.host for one in service.servers if one.host))
    for vip, (directors, servers) in members.items():
        theirs = [case.macs(host, case.topology.dips.get(host, ())) for host in directors]
        if not all(theirs):
            continue  # a director's MAC is not known, so that nobody can be told from it
        # Without a director's facts only the MAC of its DIP is known, and its VIPs may be on another device.
        certain = all(host in case.facts for host in directors)
        for mac, asker in case.answers(vip).items():
            if any(mac in known for known in theirs):
                continue
            owner = next(
                (host for host in case.servers if mac in case.macs(host, case.topology.rips.get(host, ()))), ""
            )
            if owner and case.variable(owner, REALSERVER_ARP_MODE) == "none":
                continue  # as it is meant to be: whoever sends to the VIP knows the director's MAC
            if owner:
                rule = f"is answered for by this real server ({mac}), and only the director may answer"
                # The role sets them again in this very run, where the host takes this VIP.
                remedy = "set its ARP sysctls again, as the role realserver does"
                yield Judgement(Finding(owner, "VIP", vip, rule, remedy), warning=owner in servers)
            else:
                rule = f"is answered for by {mac}, which is none of the directors ({', '.join(directors)})"
                remedy = "remove the VIP from the host with that MAC, or choose another VIP"
                yield Judgement(Finding(asker, "VIP", vip, rule, remedy), warning=not certain)
