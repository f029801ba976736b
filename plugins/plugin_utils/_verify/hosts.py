# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether VIPs, and the sysctls that keep their peace, are on each host as declared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint_address, is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import satisfies

from .._topology.finding import Finding
from .._topology.reverse_path import reverse_path_finding
from .desired import Director, RealServer
from .model import HOSTS, Check, Seen, bad, good
from .vanished import remedy

# The devices on which keepalived has VIPs with a virtual MAC
VMAC_PREFIX = "vrrp."
_VIP_REMEDY = "run lvs.cluster.site, or the role lvs.cluster.realserver, for this host"
_SYSCTL_REMEDY = "run lvs.cluster.site for this host, and find what undid it (sysctl.d, another program)"
# What comes out of a tunnel has a sender that is reached by another device: that has to do.
_LOOSE = {"rp_filter": 2}


def host_checks(seen: Seen) -> Iterator[Check]:
    """Yield the checks of each host that was looked at."""
    for host, director in seen.declared.directors.items():
        if host in seen.facts:
            yield from _director_checks(seen, host, director)
    for host, server in seen.declared.servers.items():
        if host in seen.facts:
            yield from _server_checks(seen, host, server)


def _director_checks(seen: Seen, host: str, director: Director) -> Iterator[Check]:
    facts, usual = seen.facts[host], "run lvs.cluster.site, or the role lvs.cluster.director, for this host"
    for vip in director.vips:
        names, device = [one.name for one in facts.carriers(vip)], director.devices.get(vip)
        virtual = [name for name in names if name.startswith(VMAC_PREFIX) and vip in director.failover_vips]
        if names and (not device or device in names or virtual):
            yield good(HOSTS, host, f"VIP {vip} is on {next(iter(virtual), device or names[0])}", vip)
        elif names:
            rule = f"is on {names[0]}, and belongs on {device}"
            yield bad(HOSTS, Finding(host, "VIP", vip, rule, usual), vip=vip)
        else:
            todo = remedy(seen, host, usual, vip)
            yield bad(HOSTS, Finding(host, "VIP", vip, "is on no interface of the active director", todo), vip=vip)
    serves = seen.declared.servers.get(host)
    for vip in director.standby_vips:
        carrier = facts.carrier(vip)
        if carrier and not (serves and vip in serves.devices):
            rule = f"is on {carrier.name}, and this director stands by for {seen.declared.answering(vip)}"
            yield bad(HOSTS, Finding(host, "VIP", vip, rule, remedy(seen, host, usual, vip)), vip=vip)
    for vip, device in director.devices.items():
        yield from _reverse_path_checks(seen, host, device, vip)
    wanted = {"send_redirects": 0}
    if director.forwarding is not None:
        wanted["forwarding"] = director.forwarding
    devices = director.interfaces or _carriers(facts, seen.topology.dips.get(host, ()))
    yield from _sysctl_checks(seen, host, devices, wanted)


def _server_checks(seen: Seen, host: str, server: RealServer) -> Iterator[Check]:
    for vip in server.devices:
        carrier = seen.facts[host].carrier(vip)
        if carrier:
            yield good(HOSTS, host, f"VIP {vip} is on {carrier.name}", vip)
        else:
            yield bad(HOSTS, missing_vip(seen, host, vip), vip=vip)
    for device in _carriers(seen.facts[host], seen.topology.rips.get(host, ())):
        for vip in (vip for vip in server.devices if server.devices[vip] not in server.tunnels):
            yield from _reverse_path_checks(seen, host, device, vip)
    # A director that serves its own VIPs has to answer for them; ARP is of IPv4 alone.
    if server.arp and host not in seen.declared.directors and any(not is_ipv6(vip) for vip in server.devices):
        devices = _carriers(seen.facts[host], seen.topology.rips.get(host, ()))
        yield from _sysctl_checks(seen, host, devices, server.arp)
    yield from _sysctl_checks(seen, host, server.tunnels, _LOOSE)


def _reverse_path_checks(seen: Seen, host: str, device: str, vip: str) -> Iterator[Check]:
    """Yield what rp_filter drops; that is bad if a client got no answer, and else there may be no such client."""
    finding = reverse_path_finding(host, seen.facts[host], device, vip)
    if finding:
        visits = (visited for made in seen.visits.values() for visited in made)
        failed = any(visited["failed"] and endpoint_address(visited["service"]) == vip for visited in visits)
        yield bad(HOSTS, finding, warning=not failed, vip=vip if failed else "")


def missing_vip(seen: Seen, host: str, vip: str) -> Finding:
    """Return what is wrong with a server that does not have a VIP."""
    device = seen.declared.servers[host].devices[vip]
    rule = f"is missing on this host, which has to have it on {device} to serve it"
    return Finding(host, "VIP", vip, rule, remedy(seen, host, _VIP_REMEDY, vip))


def missing_rip(facts: HostFacts, host: str, rip: str) -> Finding | None:
    """Return what is wrong with a server that does not have its own address, or not on a device that is up."""
    carrier = facts.carrier(rip)
    if carrier:
        rule = f"is on {carrier.name}, which is down"
        return None if carrier.up else Finding(host, "RIP", rip, rule, f"bring {carrier.name} up")
    links = [link for link in facts.interfaces if link.mac]
    there = [f"{one} on {link.name}" for link in links for one in link.addresses if not one.startswith("fe80:")]
    there += [f"{link.name}, which is down" for link in links if not link.up]
    rule = f"is on no interface of this host, which has {', '.join(there) or 'no address'}"
    return Finding(
        host, "RIP", rip, rule, "give it an address on the director's segment, or correct realserver_address"
    )


def _carriers(facts: HostFacts, addresses: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(one.name for one in map(facts.carrier, addresses) if one))


def _sysctl_checks(seen: Seen, host: str, devices: Iterable[str], wanted: Mapping[str, int]) -> Iterator[Check]:
    """Yield whether the values in effect on some devices are as wanted; a device that is missing is told elsewhere."""
    for device in devices:
        values = seen.looks[host].get("sysctls", {}).get(device)
        finding = values and sysctl_finding(host, device, values, wanted)
        if finding:
            yield bad(HOSTS, finding)
        elif values:
            told = ", ".join(f"{key} {values[key]}" for key in wanted)
            yield good(HOSTS, host, f"{told} in effect on {device}")


def _does(key: str, value: int, wanted: int) -> bool:
    """Return whether a value does what another one is wanted for.

    A server may be quieter than it is asked to be, and where sources may be anywhere, no check of them will do too.
    """
    if key in _LOOSE and wanted == _LOOSE[key]:
        return value in (0, wanted)
    if key.startswith("arp_") and wanted == 0:
        return True
    return satisfies(key, value, wanted)


def sysctl_finding(host: str, device: str, values: Mapping[str, int], wanted: Mapping[str, int]) -> Finding | None:
    """Return what is wrong with a device's values; stricter ones are as good."""
    wrong = {key: value for key, value in wanted.items() if not _does(key, values.get(key, 0), value)}
    if not wrong:
        return None
    now, then = (", ".join(f"{key} {source.get(key, 0)}" for key in wrong) for source in (values, wanted))
    why = ", else this host answers ARP for the VIPs, as only the director may" if "arp_ignore" in wrong else ""
    return Finding(host, f"sysctls in effect on {device}", now, f"have to be {then}{why}", _SYSCTL_REMEDY)
