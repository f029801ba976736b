# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about sysctls that the roles leave as they are: who is answered at all, and whether answers are passed on."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Interface

from .._topology.finding import Finding
from .context import Case
from .judgement import Judgement

NOBODY, _SUBNET = 8, 2  # of arp_ignore


def check_arp_ignore(case: Case) -> Iterator[Judgement]:
    """A host answers for its own address, and a director for its VIPs; the roles never lower a stricter arp_ignore."""
    for host, what, address, _variable in case.own():
        carrier = case.facts[host].carrier(address) if host in case.facts else None
        if carrier and carrier.arp_ignore == NOBODY and not is_ipv6(address):
            rule = f"acts on {carrier.name}, so that this host answers no ARP request, not even for its {what}"
            remedy = f"set it to 1 or 2 for all and {carrier.name}, unless every neighbour has a static entry for it"
            # A static entry is enough for who sends packets there, and a director's own address needs none.
            unheard = what == "RIP" and any(facts.owners.get(address) == () for facts in case.facts.values())
            yield Judgement(Finding(host, "arp_ignore", str(NOBODY), rule, remedy), warning=not unheard)
    for host in case.directors:
        for vip in case.assigned(host):
            carrier = _carrier_of_vip(case, host, vip)
            if carrier and not is_ipv6(vip) and _is_silent(carrier, vip):
                rule = f"acts on {carrier.name}, so that this director would not answer for VIP {vip}"
                remedy = f"set it to 1 or 0 for all and {carrier.name}"
                yield Judgement(Finding(host, "arp_ignore", str(carrier.arp_ignore), rule, remedy))


def _carrier_of_vip(case: Case, host: str, vip: str) -> Interface | None:
    """Return the device that is to carry a director's VIP; None where it is not known."""
    return case.facts[host].device(case.vip_interfaces(host).of(vip)) if host in case.facts else None


def _is_silent(carrier: Interface, vip: str) -> bool:
    """Whether requests for a VIP are not answered: with 2 only senders of one of the device's subnets with it are."""
    if carrier.arp_ignore != _SUBNET:
        return carrier.arp_ignore == NOBODY
    networks = [ipaddress.ip_network(one, strict=False) for one in carrier.addresses]
    return not any(one.prefixlen < one.max_prefixlen and ipaddress.ip_address(vip) in one for one in networks)


def check_forwarding(case: Case) -> Iterator[Judgement]:
    """A director that masquerades VIPs of IPv6 forwards IPv6, which no role sets."""
    for service in case.topology.services:
        vips = [vip for vip in service.vips if is_ipv6(vip)] if service.forwarding == MASQUERADE else []
        for host in service.directors if vips else ():
            facts = case.facts.get(host)
            if facts and not facts.ipv6_forwarding:
                rule = f"is off, and service {service.name} masquerades {', '.join(vips)}: answers have to be forwarded"
                remedy = (
                    "set it to 1 in /etc/sysctl.d (and accept_ra to 2 on interfaces that rely on router advertisements)"
                )
                yield Judgement(Finding(host, "net.ipv6.conf.all.forwarding", "0", rule, remedy))
