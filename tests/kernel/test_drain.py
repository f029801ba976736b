# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining on real kernels, with connections that are really open."""

from __future__ import annotations

from kernels import command, run

WEB = {"address": "192.0.2.30", "port": 80}
# The director's own address: connections to the VIP are served by the test itself.
SERVER = {"address": "192.0.2.254", "forwarding": "masquerade", "weight": 5, "upper_threshold": 100}
ONE = {"service": WEB, "address": "192.0.2.254"}
NAME = "server 192.0.2.254:80 of tcp 192.0.2.30:80"


def drained(open_for: float, **options) -> dict:
    """Return the request to drain the server while two connections are open for so many seconds."""
    request = run("ipvs_realserver", **ONE, state="drained", **options)
    return {
        **request,
        "kind": "drained",
        "address": "192.0.2.30",
        "listen": "192.0.2.254",
        "visits": 2,
        "open_for": open_for,
    }


def everywhere(open_for: float, **options) -> dict:
    """Return the request to drain the server in all services, while two connections are open for so many seconds."""
    request = run("ipvs_drain", servers=["192.0.2.254"], may_be_empty=True, **options)
    return {**drained(open_for), **{name: request[name] for name in ("module", "params")}}


def weight(kernel) -> list[int]:
    """Return the weights that ipvsadm shows."""
    return [int(line.split()[3]) for line in kernel.command("ipvsadm", "-Ln").splitlines()[3:] if "->" in line]


def test_it_waits_for_the_connections_and_gives_the_weight_back(kernel):
    kernel.module("ipvs_service", **WEB, scheduler="rr", real_servers=[SERVER])
    rehearsed = kernel.check("ipvs_realserver", **ONE, state="drained", drain_timeout=60)
    assert (rehearsed["writes"], weight(kernel)) == (0, [5])
    done = kernel.ask(drained(1.0, drain_timeout=60))
    assert done["operations"] == rehearsed["operations"]
    assert done["operations"] == [
        f"drain {NAME}: weight 5 -> 0",
        f"wait until {NAME} has no active connections (at most 60 s)",
    ]
    assert done["drain"]["progress"][0]["active"] == 2
    assert done["drain"]["connections"]["active"] == 0
    assert 0.5 <= done["drain"]["seconds"] < 60
    assert weight(kernel) == [0]
    again = kernel.module("ipvs_realserver", **ONE, state="drained")
    assert (again["operations"], again["writes"]) == ([], 0)
    (told,) = kernel.module("ipvs_info")["drained"]
    began, now = (int(kernel.command("date", "+%s", "-d", moment)) for moment in (told.pop("since"), "now"))
    assert 0 <= now - began < 300
    assert told == {"service": "tcp 192.0.2.30:80", "server": "192.0.2.254:80", "former_weight": 5, "declared": False}
    back, twice = kernel.batch(*(run("ipvs_realserver", **ONE, restore_weight=True) for _ in range(2)))
    assert back["operations"] == [f"give {NAME} its weight 5 back"]
    assert twice["operations"] == []
    assert weight(kernel) == [5]
    assert kernel.module("ipvs_info")["drained"] == []


def test_the_deadline(kernel):
    """The run fails and says so, the server stays drained, and a later run goes on waiting."""
    kernel.module("ipvs_service", **WEB, scheduler="rr", real_servers=[SERVER])
    late = kernel.ask(drained(5.0, drain_timeout=1, drain_remove=True))
    assert late["msg"] == (
        "drain_timeout: 1 s passed, but server 192.0.2.254:80 of tcp 192.0.2.30:80 still has 2 active connections; the "
        "server keeps weight 0: run the task again to wait longer, or end these connections."
    )
    assert late["operations"] == [f"drain {NAME}: weight 5 -> 0"]
    assert late["drain"]["connections"]["active"] == 2
    assert weight(kernel) == [0]
    assert kernel.module("ipvs_realserver", **ONE, state="drained", drain_remove=True)["operations"] == [
        f"remove drained {NAME}"
    ]


def test_a_drained_server_that_was_removed_comes_back_as_it_was(kernel):
    kernel.module("ipvs_service", **WEB, scheduler="rr", real_servers=[SERVER])
    gone = kernel.module("ipvs_realserver", **ONE, state="drained", drain_remove=True)
    assert gone["operations"][-1] == f"remove drained {NAME}"
    assert weight(kernel) == []
    assert kernel.module("ipvs_realserver", **ONE, state="drained", drain_remove=True)["operations"] == []
    back = kernel.module("ipvs_realserver", **ONE, restore_weight=True)
    assert back["operations"] == ["add server 192.0.2.254:80 to tcp 192.0.2.30:80 (masquerade, weight 5)"]
    assert back["services"][0]["real_servers"][0]["upper_threshold"] == 100


def test_no_run_that_does_not_name_the_weight_ends_a_drain(kernel):
    """Not even one that has to add the server anew, because somebody emptied the table."""
    plain = {name: SERVER[name] for name in ("address", "forwarding")}
    pool = {**WEB, "scheduler": "rr", "real_servers": [plain]}
    kernel.module("ipvs_service", **{**pool, "real_servers": [SERVER]})
    kernel.module("ipvs_realserver", **ONE, state="drained")
    for request in (run("ipvs_service", **pool), run("ipvs_table", services=[pool], purge=True)):
        assert kernel.ask(request)["operations"] == []
        kernel.command("ipvsadm", "--clear")
        assert kernel.ask(request)["operations"] == [
            "add service tcp 192.0.2.30:80 (scheduler rr)",
            "add server 192.0.2.254:80 to tcp 192.0.2.30:80 (masquerade, weight 0, it was drained)",
        ]
    assert weight(kernel) == [0]
    named, again = kernel.batch(
        *(run("ipvs_service", **{**pool, "real_servers": [{**plain, "weight": 2}]}) for _ in "12")
    )
    assert named["operations"] == ["change server 192.0.2.254:80 of tcp 192.0.2.30:80: weight 0 -> 2"]
    assert again["operations"] == []
    assert kernel.module("ipvs_info")["drained"] == []


def test_a_boot_leaves_it_drained(kernel):
    """Even with its weight in what was declared."""
    pool = {**WEB, "scheduler": "rr", "real_servers": [SERVER]}
    kernel.module("ipvs_service", **pool)
    kernel.module("ipvs_realserver", **ONE, state="drained")
    kernel.command("ipvsadm", "--clear")
    assert kernel.ask({"kind": "booted", "state": {"services": [pool], "vips": []}}) == 0
    assert weight(kernel) == [0]


def test_it_is_gone_while_we_wait(kernel):
    kernel.module("ipvs_service", **WEB, scheduler="rr", real_servers=[SERVER])
    request = run("ipvs_realserver", **ONE, state="drained", drain_remove=True)
    clear = {"before": "dump", "calls": [4], "commands": ["ipvsadm --clear"]}
    done = kernel.ask({**request, "kind": "interfered", "interfere": clear})
    assert "msg" not in done
    assert "Another program changed the IPVS table" in done["warnings"][0]


def test_a_file_that_is_damaged(kernel):
    kernel.batch(
        command("mkdir", "-p", "/var/lib/lvs-cluster"), command("tee", "/var/lib/lvs-cluster/drained.json", stdin="{")
    )
    answer = kernel.module("ipvs_service", **WEB, scheduler="rr")
    assert answer["msg"].startswith("/var/lib/lvs-cluster/drained.json is damaged or of another version")
    assert answer["writes"] == 0


def test_a_server_is_drained_in_all_services_at_once(kernel):
    """One run, which can end on the way to tell how many are left; and one run gives all the weights back."""
    other = {"address": "192.0.2.9", "forwarding": "masquerade"}
    pools = [{**WEB, "port": port, "scheduler": "rr", "real_servers": [SERVER, other]} for port in (80, 443)]
    kernel.module("ipvs_table", services=[*pools, {**WEB, "port": 25, "real_servers": [SERVER]}])
    refused = kernel.module("ipvs_drain", servers=["192.0.2.254"])
    assert "would leave nobody to serve tcp 192.0.2.30:25 (192.0.2.254:25); drain fewer" in refused["msg"]
    assert refused["writes"] == 0
    kernel.module("ipvs_service", **WEB, real_servers=[{**other, "state": "absent"}])
    kernel.module("ipvs_service", **{**WEB, "port": 25}, state="absent")
    rehearsed = kernel.check("ipvs_drain", servers=["192.0.2.254"], may_be_empty=True, drain_timeout=60)
    on_the_way = kernel.ask(everywhere(3.0, drain_interval=1, drain_timeout=60))
    assert on_the_way["operations"] == rehearsed["operations"]
    assert len(rehearsed["operations"]) == 3
    assert on_the_way["drain"]["left"] == [f"{NAME} still has 2 active connections"]
    assert sorted(weight(kernel)) == [0, 0, 1]
    end = kernel.module("ipvs_drain", servers=["192.0.2.254"])
    assert (end["operations"], end["drain"]["left"], end["already_drained"]) == ([], [], ["192.0.2.254"])
    back = kernel.module("ipvs_drain", servers=["192.0.2.254"], state="restored")
    assert len(back["operations"]) == 2
    assert sorted(weight(kernel)) == [1, 5, 5]
    assert kernel.module("ipvs_drain", servers=["192.0.2.254"], state="restored")["operations"] == []


def test_the_deadline_of_a_drain_in_all_services(kernel):
    kernel.module("ipvs_service", **WEB, scheduler="rr", real_servers=[SERVER])
    late = kernel.ask(everywhere(5.0, drain_timeout=1))
    assert late["msg"].startswith(
        f"drain_timeout: 1 s passed, but {NAME} still has 2 active connections; the server keeps weight 0"
    )
    assert (late["already_drained"], weight(kernel)) == ([], [0])


def test_a_declared_weight_ends_a_drain_by_hand_only_where_it_is_not_kept(kernel):
    pool = {**WEB, "scheduler": "rr", "real_servers": [SERVER]}
    kernel.module("ipvs_table", services=[pool])
    kernel.module("ipvs_drain", servers=["192.0.2.254"], may_be_empty=True, drain_connections=[])
    kept = kernel.module("ipvs_table", services=[pool], keep_drained=True)
    assert (kept["operations"], weight(kernel)) == ([], [0])
    assert "stays so, whatever weight is declared; lvs.cluster.restore gives" in kept["warnings"][0]
    assert kernel.module("ipvs_table", services=[pool])["operations"] == [
        "change server 192.0.2.254:80 of tcp 192.0.2.30:80: weight 0 -> 5"
    ]
    drained_pool = {**pool, "real_servers": [{**SERVER, "state": "drained"}]}
    kernel.module("ipvs_table", services=[drained_pool], keep_drained=True)
    declared = kernel.module("ipvs_table", services=[pool], keep_drained=True)
    assert (weight(kernel), declared.get("warnings", [])) == ([5], [])
