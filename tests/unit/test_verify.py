# SPDX-License-Identifier: GPL-3.0-or-later
"""verify's judgement, its table and its page: a cluster that is good, and each mistake in one sentence."""

from __future__ import annotations

import copy
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.filter.verify import verify_checks
from ansible_collections.lvs.cluster.plugins.module_utils._verify_declared import declare
from ansible_collections.lvs.cluster.plugins.module_utils._verify_html import render
from ansible_collections.lvs.cluster.plugins.module_utils._verify_model import Check, Seen
from ansible_collections.lvs.cluster.plugins.module_utils._verify_share import Share, fits
from ansible_collections.lvs.cluster.plugins.module_utils._verify_svg import Host, draw
from hypothesis import given
from hypothesis import strategies as st

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
    return {
        name: {"unit": f"lvs-cluster-{name}.service", "active": True, "enabled": True, "declared": declared, **changes}
    }


def sysctls(**changes: int) -> dict[str, Any]:
    """Return the sysctls of both devices of a host that is as it should be."""
    values = {"arp_ignore": 1, "arp_announce": 2, "forwarding": 0, "send_redirects": 0, "rp_filter": 0, **changes}
    return {"lo": values, "eth0": values}


@pytest.fixture
def hosts() -> dict[str, Any]:
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
    ET.fromstring(re.search(r"<svg.*</svg>", page, re.DOTALL)[0])  # type: ignore[index]
    assert not re.search(r"https?:|<script|<link|<img|@import|url\((?!#to-)", page)


def test_a_good_cluster(hosts: dict[str, Any]) -> None:
    told = judge(hosts)
    assert (told["errors"], told["warnings"]) == ([], [])
    assert told["lines"][-1] == f"All {len(told['checks'])} checks are good."
    text = "\n".join(told["lines"])
    assert (
        f"ok    director  {VIP} is answered for by director (02:00:00:00:00:03) alone (asked by rs1, rs2, client)"
        in text
    )
    assert f"ok    client    12 requests to {VIP}:80: rs1 6, rs2 6" in text
    assert "12 connections to tcp 192.0.2.30:80 (rr): rs1 6, rs2 6" in text
    assert "All " in told["html"]


def fails(hosts: dict[str, Any], server: int, verdict: str, rule: str, remedy: str = "mend it") -> None:
    """Have the path of a server fail, and with it every second request of the client."""
    changes = {"verdict": verdict, "ok": False, "rule": rule, "remedy": remedy, "answered_by": ""}
    hosts["director"]["__verify_look"]["paths"][server].update(changes)
    visited = hosts["client"]["__verify_visits"]["services"][0]
    lost = {"server": "", "error": "timed out", "milliseconds": 5000}
    visited.update(failed=6, servers={"rs1": 6}, visits=[lost, *visited["visits"][:1]] * 6)


def bad_lines(told: dict[str, Any]) -> list[str]:
    return [line for line in told["lines"] if line.startswith("  BAD")]


def test_vip_forgotten_on_a_server(hosts: dict[str, Any]) -> None:
    """What follows from it is shown red, and not told as one more thing to mend."""
    look = hosts["rs2"]["__verify_look"]
    look["facts"]["interfaces"][0]["addresses"] = ["127.0.0.1/8"]
    look["boots"]["realserver"]["active"] = False
    fails(hosts, 1, "silent", "gets no answer")
    told = judge(hosts)
    remedy = "run lvs.cluster.site, or the role lvs.cluster.realserver, for this host."
    assert told["errors"] == [
        f"rs2: VIP: '{VIP}' is missing on this host, which has to have it on lo to serve it; {remedy}",
    ]
    assert len(bad_lines(told)) == 4
    assert f"4 of {len(told['checks'])} checks failed:" in told["lines"]


def test_a_server_in_the_wrong_network(hosts: dict[str, Any]) -> None:
    """What the host itself has tells more than that nobody answers."""
    look = hosts["rs2"]["__verify_look"]
    look["facts"]["interfaces"][1]["addresses"] = ["198.51.100.5/24", "fe80::5/64"]
    fails(hosts, 1, "no_mac", "can't be sent to this server")
    assert judge(hosts)["errors"] == [
        "rs2: RIP: '192.0.2.5' is on no interface of this host, which has 198.51.100.5/24 on eth0; give it an address on the "
        "director's segment, or correct realserver_address.",
    ]


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["192.0.2.5/24"], "is on eth0, which is down; bring eth0 up."),
        ([], "is on no interface of this host, which has eth0, which is down; give it an address on the director's segment, or "
        "correct realserver_address."),
    ],
)  # fmt: skip
def test_a_server_whose_link_is_down(hosts: dict[str, Any], addresses: list[str], words: str) -> None:
    """A network manager may have taken the address away with it."""
    hosts["rs2"]["__verify_look"]["facts"]["interfaces"][1].update(up=False, addresses=addresses)
    fails(hosts, 1, "no_mac", "can't be sent to this server")
    assert judge(hosts)["errors"] == [f"rs2: RIP: '192.0.2.5' {words}"]


def test_a_web_server_that_listens_on_the_rip_alone(hosts: dict[str, Any]) -> None:
    rule = "is refused by this server: the service there listens only on the server's own address 192.0.2.5:80"
    fails(hosts, 1, "rip_only", rule, f"let it listen on all addresses, or on {VIP} too")
    assert judge(hosts)["errors"] == [
        f"rs2: path of: 'tcp {VIP}:80' {rule}; let it listen on all addresses, or on {VIP} too.",
    ]


def test_arp_sysctl_undone(hosts: dict[str, Any]) -> None:
    hosts["rs2"]["__verify_look"]["sysctls"] = sysctls(arp_ignore=0)
    heard_by_client(hosts).append(MACS["rs2"])
    assert judge(hosts)["errors"] == [
        "rs2: sysctls in effect on eth0: 'arp_ignore 0' have to be arp_ignore 1, else this host answers ARP for the VIPs, as only "
        "the director may; run lvs.cluster.site for this host, and find what undid it (sysctl.d, another program).",
    ]


@pytest.mark.parametrize(("mode", "failed"), [("sysctl", 1), ("arptables", 0), ("none", 0)])
def test_sysctls_are_judged_where_they_are_declared(hosts: dict[str, Any], mode: str, failed: int) -> None:
    hosts["rs2"]["__verify_look"]["sysctls"] = sysctls(arp_ignore=0, arp_announce=0)
    hosts["rs2"]["realserver_arp_mode"] = mode
    assert len(judge(hosts)["errors"]) == failed


def test_a_server_answers_in_spite_of_its_sysctls(hosts: dict[str, Any]) -> None:
    heard_by_client(hosts).append(MACS["rs2"])
    assert judge(hosts)["errors"] == [
        f"rs2: VIP: '{VIP}' is answered for by this host ({MACS['rs2']}), and only director director may answer (heard by "
        "client); set its ARP sysctls again (arp_ignore: 1, arp_announce: 2): run lvs.cluster.site.",
    ]


@pytest.mark.parametrize("verdict", ["rip_only", "no_mac", "off_segment"])
def test_a_path_says_why(hosts: dict[str, Any], verdict: str) -> None:
    """The web server is bound to the RIP; the server is on another network: the path's own words are taken."""
    failed = {"verdict": verdict, "ok": False, "rule": f"is {verdict}", "remedy": "mend it", "answered_by": ""}
    hosts["director"]["__verify_look"]["paths"][1].update(failed)
    assert judge(hosts)["errors"] == [f"rs2: path of: 'tcp {VIP}:80' is {verdict}; mend it."]


def test_a_stranger_answers(hosts: dict[str, Any]) -> None:
    hosts["rs1"]["__verify_look"]["facts"]["owners"][VIP].append("02:00:00:00:00:99")
    (error,) = judge(hosts)["errors"]
    assert "is answered for by 02:00:00:00:00:99 too, which is no host of the cluster (heard by rs1)" in error


def test_a_stranger_may_be_a_host_that_was_not_looked_at(hosts: dict[str, Any]) -> None:
    """As with --limit: nobody knows the MACs of the hosts outside it."""
    del hosts["rs2"]["__verify_look"]
    hosts["rs1"]["__verify_look"]["facts"]["owners"][VIP].append("02:00:00:00:00:99")
    errors = [error for error in judge(hosts)["errors"] if "02:00:00:00:00:99" in error]
    assert len(errors) == 1
    assert (
        "02:00:00:00:00:99 too, which is no host that was looked at, as rs2 was not (heard by rs1); find " in errors[0]
    )


def test_a_host_that_is_to_have_no_vip_answers(hosts: dict[str, Any]) -> None:
    hosts["rs1"]["__verify_look"]["facts"]["owners"][VIP].append(MACS["client"])
    assert (
        f"client: VIP: '{VIP}' is answered for by this host ({MACS['client']}), and only director director may answer (heard by "
        "rs1); take the VIP away from it: it is declared to have none."
    ) in judge(hosts)["errors"]


def test_nobody_answers(hosts: dict[str, Any]) -> None:
    for host in ("rs1", "rs2", "client"):
        hosts[host]["__verify_look"]["facts"]["owners"][VIP] = []
    (error,) = judge(hosts)["errors"]
    assert error.startswith(
        f"director: VIP: '{VIP}' is not answered for by the active director (asked by rs1, rs2, client)"
    )


def test_director_that_lost_its_vip_and_routes(hosts: dict[str, Any]) -> None:
    look = hosts["director"]["__verify_look"]
    look["facts"]["interfaces"][1]["addresses"].pop()
    look["sysctls"] = sysctls(forwarding=1)
    errors = judge(hosts)["errors"]
    assert errors[0].startswith(f"director: VIP: '{VIP}' is on no interface of the active director; ")
    assert errors[1].startswith("director: sysctls in effect on eth0: 'forwarding 1' have to be forwarding 0; ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight": 3}, "change server 192.0.2.5:80 of tcp 192.0.2.30:80: weight 3 -> 1"),
        ({"address": "192.0.2.9"}, "add server 192.0.2.5:80 to tcp 192.0.2.30:80 (direct, weight 1)"),
    ],
    ids=str,
)
def test_drift_of_the_table(hosts: dict[str, Any], change: dict[str, Any], words: str) -> None:
    declared = [{**SERVICES[0], "weight": 1}]
    hosts["director"]["__verify_look"]["table"]["services"][0]["real_servers"][1].update(change)
    errors = judge(hosts, declared)["errors"]
    assert (
        f"director: table differs from what is declared (a run would: {words}); run lvs.cluster.site, which puts it right."
        in errors
    )


def test_what_was_drained_by_hand_is_only_told(hosts: dict[str, Any]) -> None:
    before = hosts["director"]["__verify_look"]["table"]
    before["services"][0]["real_servers"][1]["weight"] = 0
    before["drained"] = [{"service": f"tcp {VIP}:80", "server": "192.0.2.5:80", "former_weight": 1}]
    told = judge(hosts, [{**SERVICES[0], "weight": 1}])
    assert told["errors"] == []
    assert told["warnings"][0].startswith("rs2: server: '192.0.2.5:80' is drained (it had weight 1); ")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"active": False}, "is not active"),
        ({"enabled": False}, "is not enabled"),
        ({"declared": None}, "has no declaration on disk"),
        ({"declared": {"vips": [], "services": []}}, "does not bring VIP 192.0.2.30 back at boot"),
    ],
    ids=str,
)
def test_nothing_comes_back(hosts: dict[str, Any], change: dict[str, Any], rule: str) -> None:
    hosts["rs1"]["__verify_look"]["boots"]["realserver"].update(change)
    (error,) = judge(hosts)["errors"]
    assert error.startswith(f"rs1: unit: 'lvs-cluster-realserver.service' {rule}")


def test_director_that_would_bring_another_table_back(hosts: dict[str, Any]) -> None:
    hosts["director"]["__verify_look"]["boots"]["director"]["declared"]["services"][0]["scheduler"] = "wlc"
    (error,) = judge(hosts)["errors"]
    assert (
        "would bring another table back at boot (a run would: change service tcp 192.0.2.30:80: scheduler wlc -> rr)"
        in error
    )


@pytest.mark.parametrize(
    ("variables", "change", "words"),
    [
        ({"director_services": [{"address": VIP, "port": "80", "scheduler": "wlc", "real_servers": []}], "director_purge_servers": "no"}, {}, "scheduler rr -> wlc"),
        ({"director_purge_servers": False, "director_services": [{"address": VIP, "port": 80, "real_servers": []}]}, {}, ""),
        ({"director_timeouts": {"tcp": 1800}}, {"timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}}, "tcp 900 -> 1800"),
        ({"director_timeouts": {"tcp": "900"}}, {"timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}}, ""),
        ({}, {"sysctls": {"conn_reuse_mode": 1}}, "conn_reuse_mode 1 -> 2"),
        ({"director_sysctls": {}}, {"sysctls": {"conn_reuse_mode": 1}}, ""),
        ({"director_sysctls": {"conn_reuse_mode": "2", "expire_nodest_conn": "1"}}, {"sysctls": {"conn_reuse_mode": 2, "expire_nodest_conn": 0}}, "expire_nodest_conn 0 -> 1"),
        ({"director_forwarding": 1}, {}, "'forwarding 0' have to be forwarding 1"),
        ({"director_vips": []}, {}, ""),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_director_declares_for_itself_counts(
    hosts: dict[str, Any], variables: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    hosts["director"].update(variables)
    look = hosts["director"]["__verify_look"]
    look["table"].update(change)
    declared = look["boots"]["director"]["declared"]
    for what in ("timeouts", "sysctls"):
        kept = variables.get(f"director_{what}", declared[what])
        declared[what] = {name: int(value) for name, value in kept.items()}
    errors = judge(hosts)["errors"]
    assert bool(errors) == bool(words)
    assert all(words in error for error in errors)


@pytest.mark.parametrize(("declared", "failed"), [(2, 1), ("2", 1), (1, 0), (0, 0)])
def test_what_a_server_declares_for_itself_counts(hosts: dict[str, Any], declared: Any, failed: int) -> None:
    hosts["rs2"]["realserver_arp_ignore"] = declared
    errors = judge(hosts)["errors"]
    assert len(errors) == failed
    assert all("'arp_ignore 1' have to be arp_ignore 2" in error for error in errors)


def test_options_of_its_own_that_no_module_would_take(hosts: dict[str, Any]) -> None:
    hosts["director"]["director_services"] = [{"address": VIP, "port": "http"}]
    with pytest.raises(AnsibleFilterError, match=r"director: director_services: .*port"):
        judge(hosts)


def test_a_server_of_masquerade_alone_is_an_ordinary_host(hosts: dict[str, Any]) -> None:
    """It has no VIP, no sysctls and no unit, and its answers go back through the director, which routes."""
    for host in ("rs1", "rs2"):
        look = hosts[host]["__verify_look"]
        look.update(sysctls=sysctls(arp_ignore=0, arp_announce=0), boots={})
        look["facts"]["interfaces"][0]["addresses"] = ["127.0.0.1/8"]
        look["facts"]["owners"] = {}
    director = hosts["director"]["__verify_look"]
    director["sysctls"] = sysctls(forwarding=1)
    for held in (director["table"]["services"], director["boots"]["director"]["declared"]["services"]):
        for server in held[0]["real_servers"]:
            server["forwarding"] = "masquerade"
    told = judge(hosts, [{**SERVICES[0], "forwarding": "masquerade"}])
    assert told["errors"] == []
    assert "back through the director" in told["html"]
    assert "is missing" not in told["html"]


def test_servers_that_may_answer_where_gateways_know_better(hosts: dict[str, Any]) -> None:
    """With realserver_arp_mode none several answer; that is told, and is no mistake. A gateway has to know who is meant."""
    hosts["rs2"]["realserver_arp_mode"] = "none"
    heard_by_client(hosts).append(MACS["rs2"])
    told = judge(hosts)
    assert told["errors"] == []
    (warning,) = told["warnings"]
    assert warning == (
        f"rs2: {VIP} is answered for by rs2 ({MACS['rs2']}) too, as realserver_arp_mode none has it; whoever sends to the VIP has to "
        "know the director's MAC"
    )
    assert told["lines"][-1] == f"{len(told['checks'])} checks: none failed, 1 worth a look."


@pytest.mark.parametrize(
    ("mac", "words"),
    [
        (MACS["director"], f"ok    gate      {VIP} is bound to director ({MACS['director']}) on eth0"),
        (
            MACS["rs1"],
            f"{VIP}' is bound to {MACS['rs1']} on this gateway, which is not director director; run lvs.cluster.site",
        ),
        ("", f"'{VIP}' is not bound to the MAC of director director on this gateway; run lvs.cluster.site"),
    ],
)
def test_a_gateway_knows_the_director(hosts: dict[str, Any], mac: str, words: str) -> None:
    told_facts = {**facts("client"), "interfaces": []}
    entries = [{"interface": "eth0", "address": VIP, "mac": mac}] if mac else []
    hosts["gate"] = {
        "__verify_look": {"facts": told_facts, "sysctls": {}, "boots": {}, "paths": [], "neighbors": entries}
    }
    told = verify_checks(SERVICES, {**GROUPS, "gateways": ["gate"]}, hosts)
    assert words in "\n".join(told["lines"])
    assert len(told["errors"]) == int(mac != MACS["director"])


def test_a_director_that_stands_by_has_no_vip(hosts: dict[str, Any]) -> None:
    hosts["second"] = copy.deepcopy(hosts["director"])
    hosts["second"]["ansible_host"] = "192.0.2.9"
    del hosts["second"]["__verify_after"]
    look = hosts["second"]["__verify_look"]
    look["facts"]["interfaces"][1].update(mac="02:00:00:00:00:09", addresses=["192.0.2.9/24", f"{VIP}/32"])
    look["boots"]["director"]["declared"]["vips"] = []
    told = verify_checks(SERVICES, {**GROUPS, "directors": ["director", "second"]}, hosts)
    (error,) = told["errors"]
    assert error.startswith(f"second: VIP: '{VIP}' is on eth0, and this director stands by for director; ")


def test_a_server_that_gets_no_clients_may_be_off(hosts: dict[str, Any]) -> None:
    fails(hosts, 1, "no_mac", "can't be sent to this server")
    hosts["client"].pop("__verify_visits")
    table_of = hosts["director"]["__verify_look"]["table"]
    table_of["services"][0]["real_servers"][1]["weight"] = 0
    table_of["drained"] = [{"service": f"tcp {VIP}:80", "server": "192.0.2.5:80", "former_weight": 1}]
    told = judge(hosts, [{**SERVICES[0], "weight": 1}])
    assert told["errors"] == []
    assert len(told["warnings"]) == 2
    assert "(it is drained, so no new client is sent there)" in told["warnings"][0]


def test_a_server_that_is_held_back_is_told_by_its_path(hosts: dict[str, Any]) -> None:
    fails(hosts, 1, "refused", "is refused by this server")
    director = hosts["director"]["__verify_look"]
    for held in (director["table"]["services"], director["boots"]["director"]["declared"]["services"]):
        held[0]["real_servers"].pop()
    director["table"]["counters"][0]["real_servers"].pop()
    told = judge(hosts)
    assert told["errors"] == [f"rs2: path of: 'tcp {VIP}:80' is refused by this server; mend it."]
    assert (
        f"BAD   rs2       server 192.0.2.5:80 gets no clients of tcp {VIP}:80 yet, since its path is not good"
        in "\n".join(told["lines"])
    )


def test_a_server_that_is_held_back_with_weight_0(hosts: dict[str, Any]) -> None:
    """Nobody drained it, so that its path is an error."""
    fails(hosts, 1, "refused", "is refused by this server")
    director = hosts["director"]["__verify_look"]
    for held in (director["table"]["services"], director["boots"]["director"]["declared"]["services"]):
        held[0]["real_servers"][1]["weight"] = 0
    told = judge(hosts, [{**SERVICES[0], "weight": 1}])
    assert told["errors"] == [f"rs2: path of: 'tcp {VIP}:80' is refused by this server; mend it."]


def test_a_rehearsal_says_so(hosts: dict[str, Any]) -> None:
    del hosts["rs2"]["__verify_look"]
    told = verify_checks(SERVICES, GROUPS, hosts, rehearsal=True)
    assert told["lines"][-2:] == [
        "Not looked at: rs2.",
        "This is a rehearsal: nothing was changed, and that is how it is now.",
    ]
    assert "html" not in told


def test_failed_requests(hosts: dict[str, Any]) -> None:
    visited = hosts["client"]["__verify_visits"]["services"][0]
    visited["failed"] = 1
    visited["visits"] = [*visited["visits"][1:], {"server": "", "error": "Connection refused", "milliseconds": 1}]
    (error,) = judge(hosts)["errors"]
    assert error.startswith(f"client: service: '{VIP}:80' failed in 1 of 12 requests (Connection refused); ")


def test_a_server_that_gets_nothing(hosts: dict[str, Any]) -> None:
    hosts["director"]["__verify_after"] = table(22, 20)
    errors = judge(hosts)["errors"]
    assert errors[1].startswith(
        "rs2: server: '192.0.2.5:80' got 0 of 12 connections to tcp 192.0.2.30:80, and rr gives about 6; "
    )


@pytest.mark.parametrize(
    ("scheduler", "got", "expected", "good"),
    [
        ("rr", 5, 6, True), ("rr", 4, 6, False), ("wrr", 88, 100, True), ("wrr", 79, 100, False),
        ("wlc", 1, 9, True), ("wlc", 0, 9, False), ("wlc", 0, 3, True), ("sh", 0, None, True),
    ],
)  # fmt: skip
def test_shares(scheduler: str, got: int, expected: float | None, good: bool) -> None:
    assert fits(Share("s", "a", 1, got, expected), scheduler) == good


def test_only_what_was_looked_at_is_judged(hosts: dict[str, Any]) -> None:
    """With --limit rs1 nothing is known of the others, and nothing is said of them but that they were not looked at."""
    for host in ("director", "rs2", "client"):
        hosts[host] = {"ansible_host": ADDRESSES[host]}
    told = judge(hosts)
    assert told["errors"] == []
    assert {check["host"] for check in told["checks"]} <= {"rs1"}
    assert told["lines"][-1] == "Not looked at: director, rs2."


def test_everything_is_escaped(hosts: dict[str, Any]) -> None:
    evil = "<b>\"&'</b>"
    visited = copy.deepcopy(hosts["client"]["__verify_visits"]["services"][0])
    hosts["client"]["__verify_visits"]["services"] = [{**visited, "service": evil, "servers": {evil: 12}}]
    assert evil not in judge(hosts)["html"]


texts = st.text(max_size=30)
names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=20)
drawn = st.builds(
    Host,
    names,
    st.sampled_from(["client", "director", "standby", "server"]),
    st.lists(names, max_size=4).map(tuple),
    st.booleans(),
    names,
    st.none() | st.tuples(st.floats(0, 1), names),
    st.sampled_from([None, True, False]),
)


@given(hosts=st.lists(drawn, max_size=8))
def test_any_topology_can_be_drawn(hosts: list[Host]) -> None:
    root = ET.fromstring(draw(hosts))
    cards = [one for one in root if "card" in one.get("class", "")]
    assert len(cards) == len(hosts)
    bottom = 0.0
    for card in cards:
        assert float(card.get("y", "")) > bottom
        bottom = float(card.get("y", "")) + float(card.get("height", ""))
    assert bottom <= float(root.get("viewBox", "").split()[3])


@given(host=texts, text=texts)
def test_any_words_can_be_shown(host: str, text: str) -> None:
    read = verify_topology()
    seen = Seen(read, declare(read, GROUPS, {}))
    page = render(seen, [Check("Who serves", host, text, False)], text)
    body = page.partition("<main>")[2]
    assert "<" not in re.sub(
        r"</?(main|section|h2|svg|defs|marker|path|rect|text|ul|ol|li|p|b|span|br|div|body|html)\b[^<>]*>", "", body
    )


def verify_topology() -> Any:
    from ansible_collections.lvs.cluster.plugins.module_utils._topology import topology

    return topology(SERVICES, GROUPS, {host: {"ansible_host": address} for host, address in ADDRESSES.items()})
