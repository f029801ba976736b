# SPDX-License-Identifier: GPL-3.0-or-later
"""What verify sees of a cluster that is as it should be, for tests that put one thing wrong."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

from ansible_collections.lvs.cluster.plugins.filter.verify import verify_checks
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program

VIP = "192.0.2.30"
ADDRESSES = {"director": "192.0.2.3", "rs1": "192.0.2.4", "rs2": "192.0.2.5", "client": "192.0.2.6"}
MACS = {host: f"02:00:00:00:00:0{address[-1]}" for host, address in ADDRESSES.items()}
SERVICES = [{"name": "web", "address": VIP, "ports": [80], "scheduler": "rr"}]
GROUPS = {"directors": ["director"], "realservers": ["rs1", "rs2"], "clients": ["client"], "all": list(ADDRESSES)}


def facts(host: str, **changes: Any) -> dict[str, Any]:
    """Return the preflight facts of a host as they should be."""
    lan, lo = [f"{ADDRESSES[host]}/24"], ["127.0.0.1/8"]
    (lan if host == "director" else lo).append(f"{VIP}/32")
    devices = [
        {"name": "lo", "mac": "", "up": True, "addresses": lo},
        {"name": "eth0", "mac": MACS[host], "up": True, "addresses": lan},
    ]
    owners = {VIP: [] if host == "director" else [MACS["director"]]}
    told = {"kernel": "6.1", "interfaces": devices, "gateways": [], "ip_vs": "loaded", "schedulers": {}, "managers": []}
    return {**told, "owners": owners, "unasked": {}, **changes}


def path(server: str) -> dict[str, Any]:
    """Return a good path as realserver_path_info tells it."""
    service = {"address": VIP, "port": 80, "protocol": "tcp"}
    answered = {"mac": MACS[server], "answered_by": MACS[server], "latency_ms": 1.5}
    told = {"verdict": "ok", "ok": True, "rule": "is served", "remedy": "", "sentence": ""}
    return {"service": service, "address": ADDRESSES[server], "port": 80, "forwarding": "direct", **answered, **told}


def table(*connections: int) -> dict[str, Any]:
    """Return what ipvs_info tells of the director."""
    servers = [ADDRESSES["rs1"], ADDRESSES["rs2"]]
    service = {
        "address": VIP, "port": 80, "protocol": "tcp", "scheduler": "rr", "scheduler_flags": [], "one_packet": False,
        "persistence_timeout": 0, "persistence_netmask": "255.255.255.255", "persistence_engine": "",
        "real_servers": [
            {"address": one, "port": 80, "forwarding": "direct", "weight": 1, "upper_threshold": 0, "lower_threshold": 0}
            for one in servers
        ],
    }  # fmt: skip
    counted = [
        {"server": f"{one}:80", "totals": {"connections": count}}
        for one, count in zip(servers, connections, strict=True)
    ]
    counters = [{"service": f"tcp {VIP}:80", "real_servers": counted}]
    return {"services": [service], "counters": counters, "drained": [], "sysctls": {"conn_reuse_mode": 2}}


def boot(name: str, **changes: Any) -> dict[str, Any]:
    """Return what a host keeps for its next boot."""
    held = table(0, 0) if name == "director" else {"services": [], "sysctls": {}}
    declared = {"vips": [{"interface": "lo", "addresses": [VIP]}], "timeouts": {}}
    declared.update({what: held[what] for what in ("services", "sysctls")})
    command = ["/usr/bin/python3", "/usr/local/lib/lvs-cluster/restore.pyz"]
    program = checksum_of(restore_program())
    start = {"command": command, "missing": [], "hidden": [], "current": True, "program": program}
    good = {"active": True, "enabled": True, "declared": declared, "start": start}
    return {name: {"unit": f"lvs-cluster-{name}.service", **good, **changes}}


def sysctls(**changes: int) -> dict[str, Any]:
    """Return the sysctls of both devices of a host that is as it should be."""
    values = {"arp_ignore": 1, "arp_announce": 2, "forwarding": 0, "send_redirects": 0, "rp_filter": 0, **changes}
    return {"lo": values, "eth0": values}


def good_cluster() -> dict[str, Any]:
    """Return hostvars of a cluster that works, as the playbook registers it."""
    found: dict[str, Any] = {host: {"ansible_host": address} for host, address in ADDRESSES.items()}
    for host, name in (("director", "director"), ("rs1", "realserver"), ("rs2", "realserver")):
        paths = [path("rs1"), path("rs2")] if host == "director" else []
        found[host]["__verify_look"] = {
            "facts": facts(host), "sysctls": sysctls(), "boots": boot(name), "paths": paths, "neighbors": [],
            "table": table(10, 20) if paths else {},
        }  # fmt: skip
    visit = {"server": "rs1", "error": "", "milliseconds": 1}
    visited = {"service": f"{VIP}:80", "failed": 0, "servers": {"rs1": 6, "rs2": 6}, "visits": [visit] * 12}
    client = facts("client")
    client["interfaces"][0]["addresses"].pop()
    found["client"].update(__verify_look={"facts": client, "sysctls": sysctls(), "boots": {}, "paths": [], "table": {}})
    found["client"].update(__verify_visits={"services": [visited]})
    found["director"].update(__verify_after=table(16, 26))
    return found


def judge(hosts: dict[str, Any], services: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return what the filter makes of it, once the page is well formed."""
    told = verify_checks(services or SERVICES, GROUPS, hosts, "today")
    assert_well_formed(told["html"])
    return told


def heard_by_client(hosts: dict[str, Any]) -> list[str]:
    """Return the MACs that answered the client for the VIP."""
    heard: list[str] = hosts["client"]["__verify_look"]["facts"]["owners"][VIP]
    return heard


def assert_well_formed(page: str) -> None:
    """The drawing is XML, and the page asks for nothing from anywhere."""
    drawing = re.search(r"<svg.*</svg>", page, re.DOTALL)
    assert drawing, "the page has no drawing"
    ET.fromstring(drawing[0])
    assert not re.search(r"https?:|<script|<link|<img|@import|url\((?!#to-)", page)


def fails(hosts: dict[str, Any], server: int, verdict: str, rule: str, remedy: str = "mend it") -> None:
    """Have the path of a server fail, and with it every second request of the client."""
    changes = {"verdict": verdict, "ok": False, "rule": rule, "remedy": remedy, "answered_by": ""}
    hosts["director"]["__verify_look"]["paths"][server].update(changes)
    visited = hosts["client"]["__verify_visits"]["services"][0]
    lost = {"server": "", "error": "timed out", "milliseconds": 5000}
    visited.update(failed=6, servers={"rs1": 6}, visits=[lost, *visited["visits"][:1]] * 6)
