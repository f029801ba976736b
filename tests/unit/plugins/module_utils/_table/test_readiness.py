# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are proved before they get clients: who is asked, who is held back, and that no pool is emptied for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_services
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._path import run as path_run
from ansible_collections.lvs.cluster.plugins.module_utils._path.run import ask_patiently
from ansible_collections.lvs.cluster.plugins.module_utils._table.readiness import (
    Readiness,
    parse_prove_ports,
    plan_ready,
    without_held,
)

RS1, RS2 = {"address": "192.0.2.4"}, {"address": "192.0.2.5", "weight": 3}
WEB = {"address": "192.0.2.30", "port": 80, "real_servers": [RS1, RS2], "purge": True}
MARKED = {"fwmark": 7, "address_family": "ipv4", "real_servers": [RS1]}
MARKS = [{"address": "192.0.2.31", "ports": [80, 443], "protocol": "tcp", "mark": 7}]


class Servers:
    """Answers for servers as it is told to, and remembers what it was asked."""

    def __init__(self, *bad: Any) -> None:
        self.bad, self.asked = bad, []

    def __call__(self, services: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        paths = []
        for service in services:
            for server in service["real_servers"]:
                port = server.get("port", service["port"])
                self.asked.append((service["address"], service["port"], server["address"], port))
                ok = server["address"] not in self.bad and (server["address"], service["port"]) not in self.bad
                told = {"ok": ok, "sentence": f"{server['address']} does not serve."}
                paths.append({"service": service, "address": server["address"], "port": port, **told})
        return paths


def table_of(*services: Mapping[str, Any]) -> dict[Any, Any]:
    return simulate({}, plan_services({}, parse_services(services)).operations)


def planned(
    before: Sequence[Mapping[str, Any]], services: Sequence[Mapping[str, Any]], ask: Any, prove_ports: Any = ()
):
    table, readiness = table_of(*before), Readiness(MARKS, ask, parse_prove_ports(prove_ports))
    return plan_ready(table, services, parse_services(services), lambda some: plan_services(table, some), readiness)


def test_who_begins_to_get_clients_is_asked():
    servers = Servers()
    plan = planned([], [WEB], servers)
    assert servers.asked == [("192.0.2.30", 80, "192.0.2.4", 80), ("192.0.2.30", 80, "192.0.2.5", 80)]
    assert (plan.results["held"], plan.warnings) == ([], ())
    assert plan.words == plan_services({}, parse_services([WEB])).words


@pytest.mark.parametrize(
    "changed",
    [WEB, {**WEB, "scheduler": "rr"}, {**WEB, "real_servers": [{**RS1, "weight": 9}]}, {**WEB, "real_servers": [RS1, {**RS2, "state": "drained"}]}],
    ids=str,
)  # fmt: skip
def test_who_gets_clients_already_is_not_asked(changed):
    servers = Servers("192.0.2.4", "192.0.2.5")
    assert planned([WEB], [changed], servers).warnings == ()
    assert servers.asked == []


def test_one_that_does_not_serve_is_held_back_and_the_others_come():
    plan = planned([], [WEB], Servers("192.0.2.5"))
    assert plan.words == [
        "add service tcp 192.0.2.30:80 (scheduler wlc)",
        "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 1)",
    ]
    sentence = "192.0.2.5 does not serve. So 192.0.2.5:80 gets no clients of tcp 192.0.2.30:80 yet."
    assert plan.warnings == (sentence,)
    assert plan.results["held"] == [
        {
            "service": {"address": "192.0.2.30", "port": 80, "protocol": "tcp"},
            "server": {"address": "192.0.2.5", "port": 80},
            "enrolled": False,
            "sentence": sentence,
        }
    ]


def test_the_next_run_asks_again_and_enrols_it():
    first = planned([], [WEB], Servers("192.0.2.5"))
    held = without_held([WEB], first.results["held"])
    servers = Servers()
    assert planned(held, [WEB], servers).words == ["add server 192.0.2.5:80 to tcp 192.0.2.30:80 (direct, weight 3)"]
    assert servers.asked == [("192.0.2.30", 80, "192.0.2.5", 80)]


def test_one_that_gets_its_weight_back_is_asked_too():
    before = [{**WEB, "real_servers": [RS1, {**RS2, "weight": 0}]}]
    plan = planned(before, [WEB], Servers("192.0.2.5"))
    assert (plan.words, plan.results["held"][0]["enrolled"]) == ([], True)
    (kept,) = without_held([WEB], plan.results["held"])
    assert kept["real_servers"] == [RS1, {**RS2, "weight": 0}]


def test_a_service_is_not_emptied_for_it(error_words):
    """The one that serves is to leave, and the one that takes its place does not serve."""
    before = [{**WEB, "real_servers": [RS1]}]
    with pytest.raises(LvsError) as caught:
        planned(before, [{**WEB, "real_servers": [RS2]}], Servers("192.0.2.5"))
    assert error_words(caught.value) == ("services", "tcp 192.0.2.30:80")
    # One that has nobody now, or is new, begins with nobody; other services go on.
    other = {**WEB, "port": 443, "real_servers": [RS1]}
    plan = planned([], [{**WEB, "real_servers": [RS2]}, other], Servers("192.0.2.5"))
    assert [word.split(" (")[0] for word in plan.words] == [
        "add service tcp 192.0.2.30:80",
        "add service tcp 192.0.2.30:443",
        "add server 192.0.2.4:443 to tcp 192.0.2.30:443",
    ]


def test_a_mark_stands_for_all_of_its_ports():
    servers = Servers(("192.0.2.4", 443))
    plan = planned([], [MARKED], servers)
    assert [asked[:2] for asked in servers.asked] == [("192.0.2.31", 80), ("192.0.2.31", 443)]
    assert [one["service"] for one in plan.results["held"]] == [{"fwmark": 7, "address_family": "ipv4"}]


def test_ports_that_need_not_listen_are_not_asked():
    """As those of passive FTP, and the datagrams that belong to a TCP port."""
    servers = Servers(("192.0.2.4", 443))
    proof = {"service": {"fwmark": 7}, "address": "192.0.2.31", "ports": [80]}
    plan = planned([], [MARKED], servers, [proof])
    assert [asked[:2] for asked in servers.asked] == [("192.0.2.31", 80)]
    assert plan.results["held"] == []


def test_one_port_proves_several_services():
    services = [{**WEB, "port": port, "protocol": protocol} for port in (554, 6970) for protocol in ("tcp", "udp")]
    key = ("address", "port", "protocol")
    proofs = [
        {"service": {name: one[name] for name in key}, "address": "192.0.2.30", "ports": [554]} for one in services
    ]
    servers = Servers(("192.0.2.5", 554))
    plan = planned([], services, servers, proofs)
    held = [
        (one["service"]["port"], one["service"]["protocol"], one["server"]["address"]) for one in plan.results["held"]
    ]
    assert held == [(port, protocol, "192.0.2.5") for port in (554, 6970) for protocol in ("tcp", "udp")]
    # Without it each port would have been asked for itself.
    assert {held["service"]["port"] for held in planned([], services, servers).results["held"]} == {554}


def test_nothing_proves_a_service():
    servers = Servers("192.0.2.4")
    proof = {"service": {"fwmark": 7, "address_family": "ipv4"}, "address": "192.0.2.31", "ports": []}
    assert planned([], [MARKED], servers, [proof]).results["held"] == []
    assert servers.asked == []


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"ports": [0]}, ("ports of prove_ports", 0)),
        ({"address": "192.0.2.0/24"}, ("address of prove_ports", "192.0.2.0/24")),
        ({"service": {"port": 80}}, ("address", None)),
    ],
)
def test_mistakes_of_prove_ports(change, about, error_words):
    proof = {"service": {"fwmark": 7}, "address": "192.0.2.31", "ports": [80], **change}
    with pytest.raises(InvalidValue) as raised:
        parse_prove_ports([proof])
    assert error_words(raised.value) == about


def test_another_port_behind_masquerade():
    servers = Servers("192.0.2.4")
    server = {**RS1, "port": 8080, "forwarding": "masquerade"}
    plan = planned([], [{**WEB, "real_servers": [server]}], servers)
    assert servers.asked == [("192.0.2.30", 80, "192.0.2.4", 8080)]
    assert plan.results["held"][0]["server"] == {"address": "192.0.2.4", "port": 8080}
    assert without_held([{**WEB, "real_servers": [server]}], plan.results["held"])[0]["real_servers"] == []


def test_in_a_rehearsal_nobody_is_asked():
    plan = planned([], [WEB], None)
    assert plan.words == plan_services({}, parse_services([WEB])).words
    assert plan.warnings == (
        "In a rehearsal nobody can be proved to serve. Before a real run gives them clients it asks 192.0.2.4:80 of tcp 192.0.2.30:80, "
        "192.0.2.5:80 of tcp 192.0.2.30:80.",
    )
    assert planned([WEB], [WEB], None).warnings == ()


def test_those_that_are_not_ready_are_asked_again(monkeypatch):
    """Only they, and not for ever."""
    monkeypatch.setattr(path_run.time, "sleep", lambda _seconds: None)
    rounds: list[list[str]] = []

    def once(inquiry):
        rounds.append([probe.rip for probe in inquiry.probes])
        ready = len(rounds) >= 3
        return {"paths": [{"address": probe.rip, "ok": ready or probe.rip == "192.0.2.4"} for probe in inquiry.probes]}

    web = {**WEB, "protocol": "tcp", "real_servers": [RS1, {"address": "192.0.2.5"}]}
    paths = ask_patiently([web], 10, once)
    assert [path["ok"] for path in paths] == [True, True]
    assert rounds == [["192.0.2.4", "192.0.2.5"], ["192.0.2.5"], ["192.0.2.5"]]
    rounds.clear()
    assert [path["ok"] for path in ask_patiently([web], 0, once)] == [True, False]
    assert ask_patiently([], 10, once) == []
