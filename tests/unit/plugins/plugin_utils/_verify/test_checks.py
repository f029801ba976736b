# SPDX-License-Identifier: GPL-3.0-or-later
"""verify's judgement and its table: a cluster that is good, and each mistake in one sentence."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.verify import verify_checks
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.distribution import Share, fits
from verified_hosts import (
    ADDRESSES,
    GROUPS,
    MACS,
    SERVICES,
    VIP,
    facts,
    fails,
    good_cluster,
    heard_by_client,
    judge,
    sysctls,
    table,
)


@pytest.fixture
def hosts() -> dict[str, Any]:
    """Return hostvars of a cluster that works."""
    return good_cluster()


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


def requests_of(hosts: dict[str, Any], source: str, failed: int) -> None:
    """Have the client's requests come from an address, and some of them fail."""
    visited = hosts["client"]["__verify_visits"]["services"][0]
    lost = {"server": "", "error": "timed out", "milliseconds": 5000}
    visited.update(source=source, failed=failed, visits=[*[lost] * failed, *visited["visits"][failed:]])


@pytest.mark.parametrize(
    ("sources", "source", "failed", "errors", "warnings"),
    [
        (["198.51.100.0/24"], "192.0.2.6", 12, 0, 0),
        (["198.51.100.0/24"], "192.0.2.6", 3, 0, 1),
        (["192.0.2.0/24"], "192.0.2.6", 12, 1, 0),
        (["192.0.2.0/24"], "192.0.2.6", 0, 0, 0),
        (["198.51.100.0/24"], "", 12, 1, 0),
        (None, "192.0.2.6", 12, 1, 0),
    ],
)
def test_a_client_that_sources_do_not_admit(
    hosts: dict[str, Any], sources: Any, source: str, failed: int, errors: int, warnings: int
) -> None:
    """That it gets no answer is what was asked for; that it gets one is worth a look."""
    hosts["director"]["__verify_after"]["counters"] = table(10 + 12 - failed, 20)["counters"]
    hosts["director"]["__verify_after"]["services"][0]["scheduler"] = "sh"  # which one gets them does not matter
    requests_of(hosts, source, failed)
    told = judge(hosts, [{**SERVICES[0], "sources": sources}])
    assert (len(told["errors"]), len(told["warnings"])) == (errors, warnings)
    text = "\n".join(told["lines"])
    assert ("which sources do not admit" in text) == (sources == ["198.51.100.0/24"] and bool(source))


@pytest.mark.parametrize(
    ("change", "note"),
    [({"prove_ports": []}, True), ({"fwmark": 7, "ports": None}, True), ({"protocol": "udp"}, False), ({}, False)],
)
def test_a_service_that_nothing_proves_is_told_of(hosts: dict[str, Any], change: dict[str, Any], note: bool) -> None:
    told = judge(hosts, [{**SERVICES[0], **change}])
    assert any("service web: no port proves its servers" in one for one in told["warnings"]) == note


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


def test_director_that_lost_its_vip_and_redirects(hosts: dict[str, Any]) -> None:
    look = hosts["director"]["__verify_look"]
    look["facts"]["interfaces"][1]["addresses"].pop()
    look["sysctls"] = sysctls(send_redirects=1)
    errors = judge(hosts)["errors"]
    assert errors[0].startswith(f"director: VIP: '{VIP}' is on no interface of the active director; ")
    assert errors[1].startswith("director: sysctls in effect on eth0: 'send_redirects 1' have to be send_redirects 0; ")


@pytest.mark.parametrize(("declared", "failed"), [(None, 0), (1, 0), (0, 1), ("0", 1)])
def test_routing_is_judged_where_it_is_declared(hosts: dict[str, Any], declared: Any, failed: int) -> None:
    """A director may route for other reasons (containers, a VPN, NAT)."""
    hosts["director"]["__verify_look"]["sysctls"] = sysctls(forwarding=1)
    hosts["director"]["director_forwarding"] = declared
    errors = judge(hosts)["errors"]
    assert len(errors) == failed
    assert all("'forwarding 1' have to be forwarding 0" in error for error in errors)


@pytest.mark.parametrize(("value", "good"), [(0, False), (1, True), (2, True), (3, False), (8, True)])
def test_a_stricter_arp_ignore_is_as_good(hosts: dict[str, Any], value: int, good: bool) -> None:
    hosts["rs2"]["__verify_look"]["sysctls"] = sysctls(arp_ignore=value)
    assert bool(judge(hosts)["errors"]) != good


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


def second_cluster(hosts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return groups and hostvars with another cluster, of which nothing was looked at."""
    groups = {
        **GROUPS,
        "all": [*GROUPS["all"], "lb2", "rs3"],
        "directors": ["director", "lb2"],
        "realservers": ["rs1", "rs2", "rs3"],
        "east": ["director", "rs1", "rs2", "client"],
        "west": ["lb2", "rs3"],
    }
    for host in groups["east"]:
        hosts[host]["lvs_services"] = SERVICES
    for host, address in (("lb2", "192.0.2.8"), ("rs3", "192.0.2.9")):
        hosts[host] = {"ansible_host": address, "lvs_services": [{**SERVICES[0], "address": "192.0.2.31"}]}
    return groups, hosts


def test_each_of_two_clusters_is_judged(hosts: dict[str, Any]) -> None:
    groups, hosts = second_cluster(hosts)
    told = verify_checks(SERVICES, groups, hosts, "now")
    assert told["errors"] == []
    lines = told["lines"]
    assert (lines[0], lines[lines.index("west:") + 2 :]) == (
        "east:",
        ["  Nothing was checked.", "  Not looked at: lb2, rs3."],
    )
    assert told["html"].count('<div class="cluster">') == 2
    hosts["lb2"]["__verify_look"] = copy.deepcopy(hosts["director"]["__verify_look"])
    told = verify_checks(SERVICES, groups, hosts)
    assert any(error.startswith("lb2: VIP: '192.0.2.31' is on no interface") for error in told["errors"])


def test_a_host_that_no_playbook_goes_through_fails(hosts: dict[str, Any]) -> None:
    (error,) = verify_checks(
        [{**SERVICES[0], "real_servers": ["rs1", "rs2", "client"]}], {**GROUPS, "clients": []}, hosts
    )["errors"][-1:]
    assert error.startswith("lvs_services (web).real_servers: 'client' is in no group whose real servers ")


DEAD = {"unreachable": True, "msg": "Failed to connect to the host via ssh: ssh: no route"}


def lost(hosts: dict[str, Any], host: str, **own: Any) -> dict[str, Any]:
    """Have verify_info return nothing of a host."""
    hosts[host] = {"ansible_host": ADDRESSES[host], "__verify_look": DEAD, **own}
    return hosts


def test_a_server_that_is_down_is_one_sentence(hosts: dict[str, Any]) -> None:
    """Its path is bad too, for the same reason."""
    fails(lost(hosts, "rs2"), 1, "no_mac", "can't be sent to this server")
    told = judge(hosts)
    assert told["errors"] == [
        "rs2: host could not be reached (ssh: no route); make it reachable, declare realserver_state: drained or absent, or "
        "exclude it with --limit 'all:!rs2'.",
    ]
    assert not any(line.startswith("Not looked at") for line in told["lines"])
    assert "could not be reached" in told["html"]
    assert 'class="card server bad unknown"' in told["html"]


def test_a_server_that_serves_and_can_not_be_read_is_not_good(hosts: dict[str, Any]) -> None:
    told = judge(lost(hosts, "rs2"))
    assert [one["host"] for one in told["checks"] if one["good"] is False] == ["rs2"]


@pytest.mark.parametrize("state", ["drained", "absent"])
def test_a_server_that_is_declared_to_leave_is_a_note(hosts: dict[str, Any], state: str) -> None:
    told = judge(lost(hosts, "rs2", realserver_state=state))
    assert not any("host could not be reached" in error for error in told["errors"])
    assert [warning for warning in told["warnings"] if f"it is declared {state}, so the run continues" in warning]


def test_a_director_that_is_down_is_one_sentence(hosts: dict[str, Any]) -> None:
    """What clients miss follows from it. Where no path was proved none is drawn as whole."""
    lost(hosts, "director")
    visited = hosts["client"]["__verify_visits"]["services"][0]
    visited.update(failed=12, servers={}, visits=[{"server": "", "error": "timed out", "milliseconds": 5000}] * 12)
    told = judge(hosts)
    assert len(told["errors"]) == 1, told["errors"]
    assert told["errors"][0].startswith(
        "director: host could not be reached (ssh: no route); make it reachable, declare "
    )
    drawing = told["html"].partition("<svg")[2].partition("</svg>")[0]
    assert 'class="lane forward"' not in drawing
    assert drawing.count('class="lane unknown"') == 3


def test_a_client_that_is_down_is_no_client_that_was_served(hosts: dict[str, Any]) -> None:
    told = judge(lost(hosts, "client"))
    assert told["errors"] == [
        "client: host could not be reached (ssh: no route); make it reachable, or exclude it with --limit 'all:!client'.",
    ]
    assert 'class="card client bad unknown"' in told["html"]


@pytest.mark.parametrize(("host", "step"), [("director", "__verify_after"), ("client", "__verify_visits")])
def test_a_host_that_died_on_the_way(hosts: dict[str, Any], host: str, step: str) -> None:
    hosts[host][step] = DEAD
    assert [error.partition(":")[0] for error in judge(hosts)["errors"]] == [host]


@pytest.mark.parametrize(("asked", "failed"), [(["rs2"], ["rs2"]), ([], [])])
def test_a_host_that_an_earlier_play_lost(hosts: dict[str, Any], asked: list[str], failed: list[str]) -> None:
    """One beyond the limit was not asked."""
    hosts["rs2"] = {"ansible_host": ADDRESSES["rs2"]}
    told = verify_checks(SERVICES, GROUPS, hosts, "today", False, asked)
    assert [error.partition(":")[0] for error in told["errors"]] == failed
    assert ("Not looked at: rs2." in told["lines"]) != bool(failed)
