# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of a cluster that runs: what was seen against what was declared. Pure.

Each function yields the checks of one topic; what was not looked at (outside a --limit) is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._finding import Finding
from ._preflight import rips_of
from ._topology import Service
from ._topology_views import director_vips, realserver_tunnels, realserver_vips
from ._verify_drift import boot_checks, table_checks
from ._verify_model import HOSTS, OWNERS, PATHS, REQUESTS, TOPICS, Check, Seen, bad, good
from ._verify_share import share_checks

_VIP_REMEDY = "run lvs.cluster.site, or the role lvs.cluster.realserver, for this host"
_SYSCTL_REMEDY = "run lvs.cluster.site for this host, and find what undid it (sysctl.d, another program)"
# What keeps a real server quiet
_ARP = {"arp_ignore": 1, "arp_announce": 2}


def checks(seen: Seen) -> list[Check]:
    """Return everything that was looked at, by topic."""
    rules = (owner_checks, path_checks, request_checks, share_checks, host_checks, table_checks, boot_checks)
    found = list(dict.fromkeys(check for rule in rules for check in rule(seen)))
    return sorted(found, key=lambda check: TOPICS.index(check.topic))


def owner_checks(seen: Seen) -> Iterator[Check]:
    """Yield, for each VIP, whether its active director alone answers; asked by every host that could."""
    asked: dict[str, Mapping[str, Sequence[str]]] = {host: facts.owners for host, facts in seen.facts.items()}
    asked.update({host: client.owners for host, client in seen.clients.items()})
    for vip, service in _vips(seen).items():
        active = active_director(seen, service)
        owners = seen.macs(active, seen.topology.dips.get(active, ()))
        heard: dict[str, list[str]] = {}
        askers = [host for host in asked if vip in asked[host]]
        for host in askers:
            for mac in asked[host][vip]:
                heard.setdefault(mac, []).append(host)
        others = [host for host in askers if host != active]
        strangers = [mac for mac in heard if mac not in owners]
        for mac in strangers if owners else ():
            who = next((host for host in seen.facts if mac in seen.facts[host].macs), "a stranger")
            text = f"{vip} is answered for by {who} ({mac}) too (heard by {', '.join(heard[mac])})"
            yield Check(OWNERS, who, text, False, _stranger(seen, service, vip, mac, heard[mac]))
        if others and not any(mac in owners for mac in heard) and owners:
            rule = f"is not answered for by the active director (asked by {', '.join(others)})"
            remedy = "run lvs.cluster.site, which puts the VIP on the director and announces it"
            yield bad(OWNERS, Finding(active, "VIP", vip, rule, remedy))
        elif others and owners and not strangers:
            mac = sorted(set(heard) & set(owners))[0]
            who = ", ".join(others)
            yield good(OWNERS, active, f"{vip} is answered for by {active} ({mac}) alone (asked by {who})")


def path_checks(seen: Seen) -> Iterator[Check]:
    """Yield the path of each server from each director."""
    for director, look in seen.looks.items():
        for path in look.get("paths", ()):
            host, service = seen.host_of(path["address"]), path["service"]
            name = f"{service['protocol']} {_endpoint(service['address'], service['port'])}"
            if path["ok"] is not False:
                by = f" by {path['answered_by']}, {path['latency_ms']} ms" if path["answered_by"] else ""
                text = f"{name} is served{by} (asked by {director})" if path["ok"] else f"{name} {path['rule']}"
                yield Check(PATHS, host, text, path["ok"])
                continue
            facts = seen.facts.get(host)
            if facts and path["verdict"] in ("silent", "returned") and not facts.carrier(service["address"]):
                cause = _missing(seen, host, service["address"])
                yield Check(PATHS, host, f"{name} gets no answer, since the VIP is not on this host", False, cause)
            else:
                yield bad(PATHS, Finding(host, "path of", name, path["rule"], path["remedy"]))


def request_checks(seen: Seen) -> Iterator[Check]:
    """Yield how each service took the visits of each client."""
    for client, saw in seen.clients.items():
        for visited in saw.visits:
            failed, total = visited["failed"], len(visited["visits"])
            if failed:
                reasons = ", ".join(dict.fromkeys(one["error"] for one in visited["visits"] if one["error"]))
                rule = f"failed in {failed} of {total} requests ({reasons})"
                remedy = "look at the paths of its servers, above"
                yield bad(REQUESTS, Finding(client, "service", visited["service"], rule, remedy))
            else:
                shares = ", ".join(f"{server} {count}" for server, count in visited["servers"].items())
                yield good(REQUESTS, client, f"{total} requests to {visited['service']}: {shares}")


def host_checks(seen: Seen) -> Iterator[Check]:
    """Yield whether VIPs, and the sysctls that keep their peace, are as declared."""
    for service in seen.topology.services:
        for director in service.directors:
            if director in seen.facts and director not in seen.topology.absent:
                yield from _director_host(seen, director)
        for server in service.servers:
            if server.host in seen.facts and server.options.get("state") != "absent":
                yield from _server_host(seen, service, server.host)


def _director_host(seen: Seen, host: str) -> Iterator[Check]:
    facts, active = seen.facts[host], director_vips(seen.topology, host)
    for vip in active:
        carrier = facts.carrier(vip)
        if carrier:
            yield good(HOSTS, host, f"VIP {vip} is on {carrier.name}")
        else:
            remedy = "run lvs.cluster.site, or the role lvs.cluster.director, for this host"
            yield bad(HOSTS, Finding(host, "VIP", vip, "is on no interface of the active director", remedy))
    masquerades = any(one.forwarding == "masquerade" for one in seen.topology.services if host in one.directors)
    wanted = {"forwarding": int(masquerades), "send_redirects": 0}
    yield from _sysctls(seen, host, seen.topology.dips.get(host, ()), wanted)


def _server_host(seen: Seen, service: Service, host: str) -> Iterator[Check]:
    if service.forwarding == "masquerade":
        return
    facts = seen.facts[host]
    tunneled = {vip: one["interface"] for one in realserver_tunnels(seen.topology, host) for vip in one["addresses"]}
    own = [vip for vip in service.vips if vip in tunneled or vip in realserver_vips(seen.topology, host)]
    directs = host in service.directors
    for vip in own:
        carrier = facts.carrier(vip)
        if carrier:
            yield good(HOSTS, host, f"VIP {vip} is on {carrier.name}")
        else:
            yield bad(HOSTS, _missing(seen, host, vip))
    if not directs and host not in seen.unsysctled and any(":" not in vip for vip in own):
        addresses = [rip for one in service.servers if one.host == host for rip in rips_of(seen.topology, service, one)]
        yield from _sysctls(seen, host, addresses, _ARP)


def _missing(seen: Seen, host: str, vip: str) -> Finding:
    tunnels = [one["interface"] for one in realserver_tunnels(seen.topology, host) if vip in one["addresses"]]
    rule = f"is missing on this host, which has to have it on {tunnels[0] if tunnels else 'lo'} to serve it"
    return Finding(host, "VIP", vip, rule, _VIP_REMEDY)


def _sysctls(seen: Seen, host: str, addresses: Sequence[str], wanted: Mapping[str, int]) -> Iterator[Check]:
    """Yield whether the values in effect on the devices of the host's own addresses are as wanted."""
    for device in dict.fromkeys(one.name for one in map(seen.facts[host].carrier, addresses) if one):
        values = seen.looks[host].get("sysctls", {}).get(device, {})
        finding = _sysctl_finding(host, device, values, wanted)
        if finding:
            yield bad(HOSTS, finding)
        else:
            told = ", ".join(f"{key} {values[key]}" for key in wanted)
            yield good(HOSTS, host, f"{told} in effect on {device}")


def _sysctl_finding(host: str, device: str, values: Mapping[str, int], wanted: Mapping[str, int]) -> Finding | None:
    """Return what is wrong with a device's values; of those for ARP more is as good."""
    wrong = {
        key: value
        for key, value in wanted.items()
        if not (values.get(key, 0) >= value if key.startswith("arp_") else values.get(key, 0) == value)
    }
    if not wrong:
        return None
    now, then = (", ".join(f"{key} {source.get(key, 0)}" for key in wrong) for source in (values, wanted))
    why = ", else this host answers ARP for the VIPs, as only the director may" if "arp_ignore" in wrong else ""
    return Finding(host, f"sysctls in effect on {device}", now, f"have to be {then}{why}", _SYSCTL_REMEDY)


def _stranger(seen: Seen, service: Service, vip: str, mac: str, askers: Sequence[str]) -> Finding:
    active = active_director(seen, service)
    who = next((host for host in seen.facts if mac in seen.facts[host].macs), "")
    heard = f"heard by {', '.join(askers)}"
    if not who:
        rule = f"is answered for by {mac} too, which is no host of the cluster ({heard})"
        return Finding(active, "VIP", vip, rule, "find the host with that MAC, and take the VIP away from it")
    # The cause, where it can be seen, is told instead of what comes of it.
    for one in seen.facts[who].interfaces:
        cause = _sysctl_finding(who, one.name, seen.looks[who].get("sysctls", {}).get(one.name, _ARP), _ARP)
        if one.mac == mac and cause and who not in (*service.directors, *seen.unsysctled):
            return cause
    rule = f"is answered for by this host ({mac}), and only director {active} may answer ({heard})"
    return Finding(
        who, "VIP", vip, rule, "set its ARP sysctls again (arp_ignore: 1, arp_announce: 2): run lvs.cluster.site"
    )


def active_director(seen: Seen, service: Service) -> str:
    """Return the director that answers for a service's VIPs; empty when all are absent."""
    return next((host for host in service.directors if host not in seen.topology.absent), "")


def _vips(seen: Seen) -> dict[str, Service]:
    return {vip: service for service in reversed(seen.topology.services) for vip in service.vips}


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def summary(found: Sequence[Check]) -> dict[str, Any]:
    """Return `errors` and `warnings`, a sentence each, and `lines` for people, topic by topic."""
    errors = list(dict.fromkeys(check.sentence for check in found if check.good is False))
    warnings = list(dict.fromkeys(check.sentence for check in found if check.good is None))
    lines: list[str] = []
    width = max((len(check.host) for check in found), default=0)
    for topic in dict.fromkeys(check.topic for check in found):
        lines += ["", topic]
        for check in found:
            if check.topic == topic:
                mark = {True: "ok  ", False: "BAD ", None: "note"}[check.good]
                lines.append(f"  {mark}  {check.host:<{width}}  {check.text}")
    if errors:
        lines += [
            "",
            f"{len(errors)} of {len(found)} checks failed:" if len(errors) > 1 else f"1 of {len(found)} checks failed:",
        ]
        lines += [f"  {sentence}" for sentence in errors]
    else:
        lines += ["", f"All {len(found)} checks are good."]
    return {"errors": errors, "warnings": warnings, "lines": lines}
