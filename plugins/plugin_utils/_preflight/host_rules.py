# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about one host: its devices, addresses, kernel, sysctls and other programs.

A host without facts (outside a --limit) breaks no rule.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6, same_family
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import ABSENT
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import FALLBACKS

from .._topology.finding import Finding
from .._topology.probes import preflight_schedulers
from .._topology.views import cluster_vips, realserver_vips
from .context import (
    DIRECTOR_INTERFACE,
    DIRECTOR_VIP_INTERFACE,
    REALSERVER_ARP_MODE,
    REALSERVER_VIP_INTERFACE,
    REALSERVER_VIP_KIND,
    Case,
)
from .judgement import Judgement

_MADE = re.compile("dummy[0-9]+")  # what the role realserver makes where there is none


def check_devices(case: Case) -> Iterator[Judgement]:
    """Devices that variables name are there."""
    named = [
        *((host, DIRECTOR_INTERFACE, case.variable(host, DIRECTOR_INTERFACE)) for host in case.directors),
        *((host, DIRECTOR_VIP_INTERFACE, name) for host in case.directors for name in case.vip_interface_names(host)),
        *((host, REALSERVER_VIP_INTERFACE, case.variable(host, REALSERVER_VIP_INTERFACE)) for host in case.servers),
    ]
    for host, variable, name in named:
        if facts := case.facts.get(host):
            # The kernel makes the fallback devices of tunnels when it is asked for them, and the role others.
            kind = case.variable(host, REALSERVER_VIP_KIND) or _MADE.fullmatch(name)
            made = variable == REALSERVER_VIP_INTERFACE and kind
            if name and not made and name not in [*FALLBACKS, *(one.name for one in facts.interfaces)]:
                there = ", ".join(sorted(one.name for one in facts.interfaces))
                rule = f"does not exist on this host, which has {there}"
                yield Judgement(Finding(host, variable, name, rule, "name one of these"))


def check_silent_devices(case: Case) -> Iterator[Judgement]:
    """A server has its VIPs on a device that does no ARP, unless something else keeps them out of it.

    The packet filter of realserver_arp_mode arptables is of IPv4 alone; with none the senders know the director's MAC.
    """
    for host in case.servers:
        name, mode = case.variable(host, REALSERVER_VIP_INTERFACE), case.variable(host, REALSERVER_ARP_MODE) or "sysctl"
        device = case.facts[host].device(name) if host in case.facts else None
        vips = [vip for vip in realserver_vips(case.topology, host) if mode == "sysctl" or is_ipv6(vip)]
        if device and device.arp and vips and mode != "none":
            how = "neighbour discovery" if mode == "arptables" else "ARP"
            rule = f"does {how}, so that this host would announce and answer for {', '.join(vips)} there"
            remedy = "name one that does not, such as lo or dummy0"
            yield Judgement(Finding(host, REALSERVER_VIP_INTERFACE, name, rule, remedy))


def check_vip_interfaces(case: Case) -> Iterator[Judgement]:
    """No run moves a VIP to another interface of its director without a word."""
    for host, facts in case.facts.items():
        decision = case.vip_interfaces(host)
        for vip in case.directed_vips(host):
            there = [one.name for one in facts.carriers(vip) if one.arp]
            wanted = decision.of(vip)
            if there and wanted and wanted not in there and not decision.is_declared(vip):
                rule = f"is on {there[0]}, and a run moves it to {wanted}, "
                near = any(one.interface.name == wanted for one in facts.sharing(vip))
                rule += "whose network has it" if near else "since no interface has a network with it"
                remedy = f"write {DIRECTOR_VIP_INTERFACE}: {there[0]} to keep it there"
                yield Judgement(Finding(host, "VIP", vip, rule, remedy), warning=True)


def check_own_addresses(case: Case) -> Iterator[Judgement]:
    """DIP and RIP are on the host, on a device that is up, the DIP on director_interface."""
    for host, what, address, variable in case.own():
        facts = case.facts.get(host)
        if not facts:
            continue
        carrier = facts.carrier(address)
        if not carrier:
            better = _better_address(case, host, what, address)
            remedy = f"add it to an interface, or correct {variable}"
            if better:
                remedy = f"write {variable}: {better}, or add it to an interface"
            yield Judgement(Finding(host, what, address, "is on no interface of this host", remedy))
            continue
        if not carrier.up:
            rule = f"is on {carrier.name}, which is down"
            yield Judgement(Finding(host, what, address, rule, f"bring {carrier.name} up"))
        wanted = facts.device(case.variable(host, DIRECTOR_INTERFACE)) if what == "DIP" else None
        dips = [dip for dip in case.topology.dips.get(host, ()) if same_family(dip, address)]
        # Of several DIPs one is on that interface, and the others on those of other networks.
        if wanted and not any(wanted.name in case.devices(host, dip) for dip in dips):
            rule = f"is on {carrier.name}, and {DIRECTOR_INTERFACE} is {wanted.name}"
            better = _better_address(case, host, what, address)
            remedy = f"write {DIRECTOR_INTERFACE}: {carrier.name}, or correct {variable}"
            if better:
                remedy = f"write {variable}: {better}, or {DIRECTOR_INTERFACE}: {carrier.name}"
            yield Judgement(Finding(host, what, address, rule, remedy))


def _better_address(case: Case, host: str, what: str, address: str) -> str:
    """Return the address of a host that is meant instead of its DIP or RIP, of the same family; empty where none is.

    That of a director is on its director_interface, that of a server on a network of its directors or VIPs.
    """
    if what == "RIP":
        better = case.proposal(host, case.near(host), address)
        return better[0] if better else ""
    device = case.facts[host].device(case.variable(host, DIRECTOR_INTERFACE))
    fitting = (
        one
        for one in (device.own if device else ())
        if same_family(one, address) and one not in cluster_vips(case.topology)
    )
    return next((one for one in fitting if not _is_local(ipaddress.ip_address(one))), "")


def _is_local(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_loopback or address.is_link_local


def check_macs(case: Case) -> Iterator[Judgement]:
    """No two hosts have one MAC on the segment."""
    first: dict[str, str] = {}
    for host, _what, address, _variable in case.own():
        facts = case.facts.get(host)
        carrier = facts.carrier(address) if facts else None
        if carrier and carrier.mac and first.setdefault(carrier.mac, host) != host:
            rule = f"is the MAC of {carrier.name}, and host {first[carrier.mac]} has the same"
            remedy = "give each host a MAC of its own (clones of a virtual machine often share one)"
            yield Judgement(Finding(host, "MAC", carrier.mac, rule, remedy))


def check_kernel(case: Case) -> Iterator[Judgement]:
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


def check_sysctls(case: Case) -> Iterator[Judgement]:
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
