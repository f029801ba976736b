# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about hosts together: networks, segments, who answers for an address.

A host without facts (outside a --limit) breaks no rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT

from .._topology.finding import Finding
from .context import (
    REALSERVER_ADDRESS,
    REALSERVER_ARP_MODE,
    Case,
    Pair,
)
from .judgement import Judgement
from .routing_rules import NOBODY


def check_networks(case: Case) -> Iterator[Judgement]:
    """Under direct routing a RIP is on a segment of the director, as the director's routes say."""
    for pair in case.pairs(DIRECT):
        found = case.on_link(pair)
        if found is False:
            rule, remedy = _off_link(case, pair), "use forwarding: tunnel"
            better = case.proposal(pair.server.host, case.near(pair.server.host), pair.rip)
            if better:
                remedy = f"write realserver_address: {better[0]} (on {better[1]}), or {remedy}"
            else:
                remedy = f"give the server an address on the director's network, or {remedy}"
            yield Judgement(Finding(pair.host, "RIP", pair.rip, rule, remedy))
        elif found:
            yield from _by_another_network(case, pair)


def _off_link(case: Case, pair: Pair) -> str:
    hop, own = case.hop(pair.director, pair.rip), f"director {pair.director}"
    if hop and hop.gateway:
        return f"is behind gateway {hop.gateway} on {hop.interface} of {own}, and direct routing needs a common segment"
    network = case.network(pair.director, pair.dip)
    if network or hop:
        where = f" (DIP {pair.dip}, network {network})" if network else ""
        return f"is on no network that {own} reaches without a gateway{where}"
    network = case.network(pair.server.host, pair.rip)
    return f"is on the network {network}, and {own}'s DIP {pair.dip} is not"


def _by_another_network(case: Case, pair: Pair) -> Iterator[Judgement]:
    """Warn of a RIP that nobody chose, when the server has an address on the network of the DIP too.

    Its ansible_host is often on a network for management.
    """
    hop, host = case.hop(pair.director, pair.rip), pair.server.host
    on = case.devices(pair.director, pair.dip)
    if not hop or not on or hop.interface in on or case.variable(host, REALSERVER_ADDRESS):
        return
    better = case.proposal(host, [pair.dip, *pair.service.vips], pair.rip)
    if better:
        rule = f"comes from ansible_host, and director {pair.director} sends to it by {hop.interface}, not by {on[0]}"
        remedy = f"write realserver_address: {better[0]} (on {better[1]}), or realserver_address: {pair.rip} to keep it"
        yield Judgement(Finding(host, "RIP", pair.rip, rule, remedy), warning=True)


def check_segments(case: Case) -> Iterator[Judgement]:
    """Under direct routing the director gets the server's MAC."""
    for pair in case.pairs(DIRECT):
        facts = case.facts.get(pair.director)
        if not facts or facts.carrier(pair.rip) or case.on_link(pair) is False:
            continue
        if pair.server.host in case.unreachable:
            continue  # one sentence for each host that is down
        server = case.facts.get(pair.server.host)
        carrier_there = server.carrier(pair.rip) if server else None
        if server and (not carrier_there or carrier_there.arp_ignore == NOBODY):
            continue  # which is told by its own rule
        if facts.owners.get(pair.rip) == ():
            hop = case.hop(pair.director, pair.rip)
            device = hop.interface if hop else "".join(case.devices(pair.director, pair.dip)[:1])
            where = f" on {device}" if device else ""
            how = "neighbour discovery" if is_ipv6(pair.rip) else "ARP"
            rule = f"is not answered for by {how}{where} of director {pair.director}"
            remedy = "bring the server up, and put it on the director's segment (switch, VLAN, bridge)"
            better = case.proposal(pair.server.host, case.near(pair.server.host), pair.rip)
            if better:
                remedy = f"write realserver_address: {better[0]} (on {better[1]}), or {remedy}"
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
