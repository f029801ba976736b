# SPDX-License-Identifier: GPL-3.0-or-later
"""verify's comparison of what is, and of what a boot brings back, with what is declared."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from verified_hosts import SERVICES, VIP, good_cluster, judge, sysctls


@pytest.fixture
def hosts() -> dict[str, Any]:
    """Return hostvars of a cluster that works."""
    return good_cluster()


@pytest.mark.parametrize(("mode", "failed"), [("sysctl", 1), ("arptables", 0), ("none", 0)])
def test_sysctls_are_judged_where_they_are_declared(hosts: dict[str, Any], mode: str, failed: int) -> None:
    hosts["rs2"]["__verify_look"]["sysctls"] = sysctls(arp_ignore=0, arp_announce=0)
    hosts["rs2"]["realserver_arp_mode"] = mode
    assert len(judge(hosts)["errors"]) == failed


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


@pytest.mark.parametrize(
    ("start", "rule"),
    [
        (None, "has no file, so that nothing comes back after a reboot"),
        ({"missing": ["/usr/bin/python3.11"]}, "starts /usr/bin/python3.11, which does not exist"),
        ({"hidden": ["/root/venv/bin/python"]}, "starts /root/venv/bin/python, which a unit does not see at boot"),
    ],
    ids=str,
)
def test_a_unit_that_cannot_start(hosts: dict[str, Any], start: dict[str, Any] | None, rule: str) -> None:
    boot = hosts["rs1"]["__verify_look"]["boots"]["realserver"]
    boot["start"] = {**boot["start"], **start} if start else None
    (error,) = judge(hosts)["errors"]
    assert error.startswith(f"rs1: unit: 'lvs-cluster-realserver.service' {rule}")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"program": "of another version"}, "starts a program of another version of the collection"),
        ({"current": False}, "is not as a run would write it now (it starts /usr/bin/python3 "),
    ],
    ids=str,
)
def test_a_unit_that_a_run_would_change_is_worth_a_look(
    hosts: dict[str, Any], change: dict[str, Any], rule: str
) -> None:
    hosts["rs1"]["__verify_look"]["boots"]["realserver"]["start"].update(change)
    told = judge(hosts)
    assert told["errors"] == []
    assert [f"'lvs-cluster-realserver.service' {rule}" in warning for warning in told["warnings"]] == [True]


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
        ({"director_forwarding": 0}, {}, ""),
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


@pytest.mark.parametrize(("owner", "failed"), [("mail", 0), ("default", 1)])
def test_a_service_of_another_cluster_is_no_drift(hosts: dict[str, Any], owner: str, failed: int) -> None:
    """Also where the director purges what nobody declares."""
    hosts["director"]["director_purge"] = True
    look = hosts["director"]["__verify_look"]
    for table in (look["table"], hosts["director"].get("__verify_after", {})):
        table.setdefault("services", []).append(
            {"address": "192.0.2.31", "port": 25, "protocol": "tcp", "scheduler": "rr", "real_servers": []}
        )
    summary = {"owner": owner, "name": "director", "vips": [], "services": ["tcp 192.0.2.31:25"], "problem": ""}
    look["facts"]["declarations"] = [summary]
    errors = judge(hosts)["errors"]
    assert len(errors) == failed
    assert all("a run would: remove service tcp 192.0.2.31:25" in error for error in errors)
