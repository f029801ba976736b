# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers for each VIP, as every host heard it that could ask, against who is to answer. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .._topology.finding import Finding
from .._topology.views import cluster_vips
from .desired import NONE
from .hosts import sysctl_finding
from .model import OWNERS, Check, Seen, bad, good


def owner_checks(seen: Seen) -> Iterator[Check]:
    """Yield, for each VIP, whether its active director alone answers; asked by every host that could."""
    for vip in dict.fromkeys([*cluster_vips(seen.topology), *seen.declared.vips]):
        active = seen.declared.answering(vip)
        owners = seen.macs(active, seen.topology.dips.get(active, ()))
        askers = [host for host, facts in seen.facts.items() if vip in facts.owners]
        heard: dict[str, list[str]] = {}
        for host in askers:
            for mac in seen.facts[host].owners[vip]:
                heard.setdefault(mac, []).append(host)
        if not owners:
            continue  # nobody who was asked knows the director, so that nobody can be told from it
        meant = _meant(seen, vip)
        rivals = _rivals(seen, vip)
        strangers = [mac for mac in heard if mac not in owners and mac not in meant and mac not in rivals]
        for mac in strangers:
            yield from _stranger(seen, active, vip, mac, heard[mac])
        for mac in (mac for mac in heard if mac in meant and mac not in owners):
            text = f"{vip} is answered for by {meant[mac]} ({mac}) too, as realserver_arp_mode none has it; whoever "
            yield Check(OWNERS, meant[mac], f"{text}sends to the VIP has to know the director's MAC", None, vip=vip)
        others = [host for host in askers if host != active]
        if others and not any(mac in owners for mac in heard):
            rule = f"is not answered for by the active director (asked by {', '.join(others)})"
            remedy = "run lvs.cluster.site, which puts the VIP on the director and announces it"
            yield bad(OWNERS, Finding(active, "VIP", vip, rule, remedy), vip=vip)
        elif others and not strangers:
            mac = sorted(set(heard) & owners)[0]
            alone = "" if set(heard) - owners else " alone"
            text = f"{vip} is answered for by {active} ({mac}){alone} (asked by {', '.join(others)})"
            yield good(OWNERS, active, text, vip)


def gateway_checks(seen: Seen) -> Iterator[Check]:
    """Yield whether each gateway that was told who has a VIP still knows it, and rightly."""
    for host, gateway in seen.declared.gateways.items():
        bound = {one["address"]: one for one in seen.looks.get(host, {}).get("neighbors", ())}
        for vip in gateway.vips if host in seen.looks else ():
            active = seen.declared.answering(vip)
            owners = seen.macs(active, seen.topology.dips.get(active, ()))
            entry = bound.get(vip)
            if not owners:
                continue
            hop = seen.facts[host].routes.get(vip)
            if entry and hop and hop.on_link and hop.interface != entry["interface"]:
                rule = f"is bound on {entry['interface']}, and this gateway sends to it by {hop.interface}"
                remedy = f"write gateway_interface: {hop.interface}, and in gateway_vips only VIPs of that segment"
                yield bad(OWNERS, Finding(host, "VIP", vip, rule, remedy), vip=vip)
            elif entry and entry["mac"] in owners:
                yield good(OWNERS, host, f"{vip} is bound to {active} ({entry['mac']}) on {entry['interface']}", vip)
            else:
                rule = f"is not bound to the MAC of director {active} on this gateway"
                if entry:
                    rule = f"is bound to {entry['mac']} on this gateway, which is not director {active}"
                remedy = "run lvs.cluster.site, or the role lvs.cluster.gateway, for this host"
                yield bad(OWNERS, Finding(host, "VIP", vip, rule, remedy), vip=vip)


def _rivals(seen: Seen, vip: str) -> set[str]:
    """Return the MACs of directors that have a VIP by failover, of which failover_checks tells if they are several."""
    having = (host for host, one in seen.declared.directors.items() if vip in one.failover_vips and vip in one.vips)
    return {mac for host in having for mac in seen.macs(host, seen.topology.dips.get(host, ()))}


def _meant(seen: Seen, vip: str) -> dict[str, str]:
    """Return, by MAC, the servers that nothing is to keep from answering."""
    silent = seen.declared.servers.items()
    hosts = [host for host, server in silent if server.arp_mode == NONE and vip in server.devices]
    return {mac: host for host in hosts for mac in seen.macs(host, seen.topology.rips.get(host, ()))}


def _stranger(seen: Seen, active: str, vip: str, mac: str, askers: Sequence[str]) -> Iterator[Check]:
    told = f"heard by {', '.join(askers)}"
    who = next((host for host in seen.facts if mac in seen.facts[host].macs), "")
    text = f"{vip} is answered for by {who or 'a stranger'} ({mac}) too ({told})"
    yield Check(OWNERS, who or active, text, False, _cause(seen, active, vip, mac, who, told), vip)


def _cause(seen: Seen, active: str, vip: str, mac: str, who: str, told: str) -> Finding:
    """Return why somebody else answers; the cause, where it can be seen, instead of what comes of it."""
    if not who:
        unseen = [host for host in (*seen.declared.directors, *seen.declared.servers) if host not in seen.facts]
        whose = "no host of the cluster"
        if unseen:  # --limit
            whose = f"no host that was looked at, as {', '.join(unseen)} {'was' if len(unseen) == 1 else 'were'} not"
        rule = f"is answered for by {mac} too, which is {whose} ({told})"
        return Finding(active, "VIP", vip, rule, "find the host with that MAC, and take the VIP away from it")
    server = seen.declared.servers.get(who)
    wanted: Mapping[str, int] = server.arp if server else {}
    for one in seen.facts[who].interfaces if wanted and who not in seen.declared.directors else ():
        values = seen.looks[who].get("sysctls", {}).get(one.name)
        cause = values and sysctl_finding(who, one.name, values, wanted)
        if one.mac == mac and cause:
            return cause
    rule = f"is answered for by this host ({mac}), and only director {active} may answer ({told})"
    if not server:
        return Finding(who, "VIP", vip, rule, "take the VIP away from it: it is declared to have none")
    remedy = f"run lvs.cluster.site, which does for this host what realserver_arp_mode {server.arp_mode} says"
    if server.arp:
        told = ", ".join(f"{name}: {value}" for name, value in server.arp.items())
        remedy = f"set its ARP sysctls again ({told}): run lvs.cluster.site"
    return Finding(who, "VIP", vip, rule, remedy)
