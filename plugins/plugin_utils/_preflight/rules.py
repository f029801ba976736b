# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that need the facts of hosts, each a function that yields what breaks it.

Only what can be judged is judged: a host without facts (outside a --limit) breaks no rule.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6, same_family
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT, MASQUERADE, TUNNEL
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import ABSENT
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import FALLBACKS

from .._topology.finding import Finding
from .._topology.probes import preflight_schedulers
from .context import (
    DIRECTOR_INTERFACE,
    DIRECTOR_VIP_INTERFACE,
    REALSERVER_ARP_MODE,
    REALSERVER_VIP_INTERFACE,
    REALSERVER_VIP_KIND,
    Case,
)

_MADE = re.compile("dummy[0-9]+")  # what the role realserver makes where there is none
# Against each program that writes the table too
_REMEDIES = {
    "keepalived": "take virtual_server out of its configuration, or stop and disable it",
    "kube-proxy": "let it use another mode (iptables or nftables), or leave this host out of the directors",
    "ipvsadm": "have its service not restore a table at boot: disable it",
}


class Judgement(NamedTuple):
    """A finding, and whether it is only a warning."""

    finding: Finding
    warning: bool = False


def _devices(case: Case) -> Iterator[Judgement]:
    """Devices that variables name are there."""
    concerned = (
        (case.directors, (DIRECTOR_INTERFACE, DIRECTOR_VIP_INTERFACE)),
        (case.servers, (REALSERVER_VIP_INTERFACE,)),
    )
    for hosts, variables in concerned:
        for host, variable in ((host, variable) for host in hosts for variable in variables):
            name, facts = case.variable(host, variable), case.facts.get(host)
            # The kernel makes the fallback devices of tunnels when it is asked for them, and the role others.
            kind = case.variable(host, REALSERVER_VIP_KIND) or _MADE.fullmatch(name)
            made = variable == REALSERVER_VIP_INTERFACE and kind
            if name and facts and not made and name not in [*FALLBACKS, *(one.name for one in facts.interfaces)]:
                there = ", ".join(sorted(one.name for one in facts.interfaces))
                rule = f"does not exist on this host, which has {there}"
                yield Judgement(Finding(host, variable, name, rule, "name one of these"))


def _own_addresses(case: Case) -> Iterator[Judgement]:
    """DIP and RIP are on the host, on a device that is up, the DIP on director_interface."""
    for host, what, address, variable in case.own():
        facts = case.facts.get(host)
        if not facts:
            continue
        carrier = facts.carrier(address)
        if not carrier:
            remedy = f"add it to an interface, or correct {variable}"
            yield Judgement(Finding(host, what, address, "is on no interface of this host", remedy))
            continue
        if not carrier.up:
            rule = f"is on {carrier.name}, which is down"
            yield Judgement(Finding(host, what, address, rule, f"bring {carrier.name} up"))
        wanted = case.variable(host, DIRECTOR_INTERFACE) if what == "DIP" else ""
        if wanted and wanted in (one.name for one in facts.interfaces) and wanted != carrier.name:
            rule = f"is on {carrier.name}, and {DIRECTOR_INTERFACE} is {wanted}"
            remedy = f"write {DIRECTOR_INTERFACE}: {carrier.name}, or correct {variable}"
            yield Judgement(Finding(host, what, address, rule, remedy))


def _networks(case: Case) -> Iterator[Judgement]:
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


def _segments(case: Case) -> Iterator[Judgement]:
    """Under direct routing the director gets the server's MAC."""
    for pair in case.pairs(DIRECT):
        facts, network = case.facts.get(pair.director), case.network(pair)
        if not facts or facts.carrier(pair.rip) or (network and not pair.within(network)):
            continue
        server = case.facts.get(pair.server.host)
        if server and not server.carrier(pair.rip):
            continue  # which is told already
        if facts.owners.get(pair.rip) == ():
            carrier = facts.carrier(pair.dip)
            where = f" on {carrier.name}" if carrier else ""
            how = "neighbour discovery" if is_ipv6(pair.rip) else "ARP"
            rule = f"is not answered for by {how}{where} of director {pair.director}"
            remedy = "bring the server up, and put it on the director's segment (switch, VLAN, bridge)"
            # Who drains a server may be about to switch it off.
            drained = pair.server.options.get("state") == "drained"
            yield Judgement(Finding(pair.host, "RIP", pair.rip, rule, remedy), warning=drained)


def _owners(case: Case) -> Iterator[Judgement]:
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


def _macs(case: Case) -> Iterator[Judgement]:
    """No two hosts have one MAC on the segment."""
    first: dict[str, str] = {}
    for host, _what, address, _variable in case.own():
        facts = case.facts.get(host)
        carrier = facts.carrier(address) if facts else None
        if carrier and carrier.mac and first.setdefault(carrier.mac, host) != host:
            rule = f"is the MAC of {carrier.name}, and host {first[carrier.mac]} has the same"
            remedy = "give each host a MAC of its own (clones of a virtual machine often share one)"
            yield Judgement(Finding(host, "MAC", carrier.mac, rule, remedy))


def _gateways(case: Case) -> Iterator[Judgement]:
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


def _vips(case: Case) -> Iterator[Judgement]:
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


def _kernel(case: Case) -> Iterator[Judgement]:
    """A director's kernel has IPVS and the schedulers."""
    for host in case.directors:
        facts = case.facts.get(host)
        if facts and facts.ip_vs == ABSENT:
            remedy = "install the kernel's IPVS modules, or boot a kernel that has them"
            yield Judgement(Finding(host, "kernel", facts.kernel, "has no module ip_vs", remedy))
        elif facts:
            for name in preflight_schedulers(case.topology, host):
                known = facts.schedulers.get(name)
                if known and not known.available:
                    rule = f"is not in this kernel ({facts.kernel})"
                    yield Judgement(Finding(host, "scheduler", name, rule, known.remedy))


def _sysctls(case: Case) -> Iterator[Judgement]:
    """Nobody answers for others on the segment, or not for itself."""
    for host, _what, address, _variable in case.own():
        carrier = case.facts[host].carrier(address) if host in case.facts else None
        if carrier and carrier.proxy_arp:
            rule = f"is on for {carrier.name}, so that this host answers ARP requests for others"
            remedy = f"set it to 0 for all and {carrier.name} (lvs.cluster.arp_sysctl, proxy_arp: 0)"
            # Without forwarding the kernel proxies for nobody (arp_process in net/ipv4/arp.c).
            yield Judgement(Finding(host, "proxy_arp", "1", rule, remedy), warning=not carrier.forwarding)
        if carrier and carrier.arp_filter:
            rule = f"is on for {carrier.name}, so that its routes decide whether it answers ARP requests"
            remedy = f"set it to 0 for all and {carrier.name} (lvs.cluster.arp_sysctl, arp_filter: 0)"
            yield Judgement(Finding(host, "arp_filter", "1", rule, remedy), warning=True)


def _others(case: Case) -> Iterator[Judgement]:
    """Nothing else writes a director's table."""
    for host in case.directors:
        for manager in case.facts[host].managers if host in case.facts else ():
            rule = f"{'manages' if manager.sure else 'may manage'} IPVS on this host too ({manager.evidence})"
            remedy = _REMEDIES.get(manager.name, f"stop {manager.name}, or leave this host out of the directors")
            yield Judgement(Finding(host, "program", manager.name, rule, remedy), warning=not manager.sure)


RULES = (
    _devices,
    _own_addresses,
    _networks,
    _segments,
    _owners,
    _macs,
    _gateways,
    _vips,
    _kernel,
    _sysctls,
    _others,
)
