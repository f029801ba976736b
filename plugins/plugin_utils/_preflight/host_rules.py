# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about one host: its devices, addresses, kernel, sysctls and other programs.

A host without facts (outside a --limit) breaks no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import ABSENT
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import FALLBACKS

from .._topology.finding import Finding
from .._topology.probes import preflight_schedulers
from .context import (
    DIRECTOR_INTERFACE,
    DIRECTOR_VIP_INTERFACE,
    REALSERVER_VIP_INTERFACE,
    REALSERVER_VIP_KIND,
    Case,
)
from .judgement import Judgement

_MADE = re.compile("dummy[0-9]+")  # what the role realserver makes where there is none


def check_devices(case: Case) -> Iterator[Judgement]:
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


def check_own_addresses(case: Case) -> Iterator[Judgement]:
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
