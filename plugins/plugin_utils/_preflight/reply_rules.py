# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about the replies to clients: the gateways of the servers, and the filter of the reverse path.

A host without facts (outside a --limit) breaks no rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6, same_family
from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import DIRECT, MASQUERADE, TUNNEL
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts, Interface

from .._topology.finding import Finding
from .._topology.reverse_path import reverse_path_finding
from .._topology.views import director_forwarding
from .context import DIRECTOR_FORWARDING, Case, Pair
from .judgement import Judgement

_ROUTER = "name the router of the segment as the server's default gateway"


def check_gateways(case: Case) -> Iterator[Judgement]:
    """A server's default gateway is the director for masquerade, else only one that forwards answers of its VIPs."""
    for pair in case.pairs(DIRECT, TUNNEL, MASQUERADE):
        service, server = pair.service, pair.server
        facts = case.facts.get(server.host)
        if not facts or server.host in service.directors:
            continue
        gateways = [one.address for one in facts.gateways if same_family(one.address, pair.rip)]
        if service.forwarding != MASQUERADE:
            for gateway in gateways:
                yield from _answers_by_director(case, pair, gateway)
        elif not any(_director_at(case, gateway) for gateway in gateways):
            rule = "is not the director, and with forwarding masquerade answers have to go back through it"
            remedy = "route what goes to the clients through the DIP"
            yield Judgement(Finding(server.host, "default gateway", ", ".join(gateways), rule, remedy), warning=True)


def _director_at(case: Case, gateway: str) -> tuple[str, str] | None:
    """Return the director that has an address, and what it is of it; None for another host's."""
    for host in case.directors:
        if gateway in case.topology.dips.get(host, ()):
            return host, f"the DIP of director {host}"
    for service in case.topology.services:
        if gateway in service.vips:
            return next(iter(service.directors), ""), f"a VIP of service {service.name}"
    for host in case.directors:
        if host in case.facts and case.facts[host].carrier(gateway):
            return host, f"an address of director {host}"
    return None


def _answers_by_director(case: Case, pair: Pair, gateway: str) -> Iterator[Judgement]:
    """Tell when a server sends its answers to a director that does not forward them.

    They have the VIP as sender, which the director has itself. The kernel takes that for a martian, unless accept_local
    is on (__fib_validate_source in net/ipv4/fib_frontend.c); IPv6 has no such check.
    """
    known = _director_at(case, gateway)
    if not known:
        return
    host, what = known
    rule = f"is {what}, and with forwarding {pair.service.forwarding} answers go past the director"
    if gateway in pair.service.vips:
        # The server has this VIP too, so that it would be its own gateway.
        yield Judgement(Finding(pair.server.host, "default gateway", gateway, rule, _ROUTER))
        return
    director = case.facts.get(host)
    device = director.carrier(gateway) if director else None
    if not director or not device:
        remedy = f"{_ROUTER}, or run this for director {host} too, whose sysctls decide whether it forwards them"
        yield Judgement(Finding(pair.server.host, "default gateway", gateway, rule, remedy), warning=True)
        return
    missing = _not_forwarding(case, host, director, device, pair)
    if missing:
        rule = f"is {what}, which drops answers whose sender is a VIP of its own"
        yield Judgement(
            Finding(
                pair.server.host,
                "default gateway",
                gateway,
                rule,
                f"{_ROUTER}, or let the director forward them: {' and '.join(missing)}",
            )
        )


def _not_forwarding(case: Case, host: str, director: HostFacts, device: Interface, pair: Pair) -> list[str]:
    """Return what a director lacks to forward packets from its own VIPs that come in on a device."""
    ipv6 = is_ipv6(pair.rip)
    told = "" if ipv6 else case.variable(host, DIRECTOR_FORWARDING)
    forwards = director.ipv6_forwarding if ipv6 else device.forwarding or director_forwarding(case.topology, host)
    missing = []
    if told == "0" or (not told and not forwards):
        missing.append("net.ipv6.conf.all.forwarding 1" if ipv6 else f"director_forwarding: 1 for {host}")
    if not ipv6 and not device.accept_local:
        missing.append(f"accept_local 1 on its {device.name} (lvs.cluster.arp_sysctl, accept_local: 1)")
    elsewhere = [vip for vip in pair.service.vips if case.vip_interfaces(host).of(vip) not in ("", device.name)]
    if not ipv6 and device.rp_filter == 1 and elsewhere:
        # Strict: the route to the sender, which is the VIP's own device, is the one that the packet came by.
        missing.append(f"rp_filter 2 on its {device.name}, since the VIP is on another interface")
    return missing


def check_reverse_paths(case: Case) -> Iterator[Judgement]:
    """No strict rp_filter drops clients of other networks, on a director or on a server."""
    found: dict[Finding, None] = {}
    for host in case.directors:
        if host in case.facts:
            for vip in case.directed_vips(host):
                finding = reverse_path_finding(host, case.facts[host], case.vip_interfaces(host).of(vip), vip)
                found.update({finding: None} if finding else {})
    for pair in case.pairs(DIRECT):
        host = pair.server.host
        for device in case.devices(host, pair.rip)[:1] if host in case.facts else ():
            for vip in pair.service.vips:
                finding = reverse_path_finding(host, case.facts[host], device, vip)
                found.update({finding: None} if finding else {})
    for finding in found:
        # Clients on the segment itself are served, and others may not exist.
        yield Judgement(finding, warning=True)
