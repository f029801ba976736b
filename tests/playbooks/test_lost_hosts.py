# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are down or hang, in every playbook: what a run says, what it changes on the others, and how it ends.

The playbooks run with stand-ins for the modules, over connections of Ansible. A dead host is a port of this machine at
which nobody listens.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from configparser import ConfigParser
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import DRAIN_OPTIONS
from commands import PROJECT, Outcome
from stand_in_modules import StandIns
from verified_hosts import ADDRESSES, SERVICES, VIP, boot, facts, good_cluster, path

DEAD = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
READS = ("preflight_info", "verify_info", "vip_client_info", "ipvs_info", "realserver_path_info")
GROUP = {"director": "directors", "lb2": "directors", "rs1": "realservers", "rs2": "realservers"}
GROUP.update(client="clients", gw="gateways")


def described(host: str) -> dict[str, Any]:
    """Return a host of the inventory that answers as one of a cluster that is as it should be."""
    seen = deepcopy(good_cluster().get(host, {}))
    look, after, visits = (seen.pop(f"__verify_{name}", {}) for name in ("look", "after", "visits"))
    answers: dict[str, Any] = {
        "preflight_info": {"facts": facts(host) if host in ADDRESSES else {}},
        "verify_info": look,
        "vip_client_info": visits,
        "ipvs_info": {**after, "version": "1.2.1", "timeouts": {}} if after else {},
        "boot_restore": {"active": True, "unit": "x.service", "stale": False, "former_gate": False},
        "vrrp_instances": {"active": False, "unit": "y.service"},
        "realserver_path_info": {"ok": True, "paths": [path("rs1"), path("rs2")]},
        "vip_owner_info": {"owners": {}},
    }
    return {**seen, "answers": answers}


def second_director() -> dict[str, Any]:
    """Return the director on standby."""
    own = described("director")
    look = own["answers"]["verify_info"]
    look["facts"] = facts("director")
    look["facts"]["interfaces"][1].update(mac="02:00:00:00:00:02", addresses=["192.0.2.2/24"])
    look["boots"] = boot("director", declared={**boot("director")["director"]["declared"], "vips": []})
    own["answers"]["preflight_info"]["facts"] = look["facts"]
    return {**own, "ansible_host": "192.0.2.2"}


def inventory(hosts: str = "director rs1 rs2", services: Any = None, **own: dict[str, Any]) -> dict[str, Any]:
    """Return an inventory of these hosts, of which some have variables of their own."""
    children: dict[str, Any] = {}
    for host in hosts.split():
        variables = second_director() if host == "lb2" else described(host)
        children.setdefault(GROUP[host], {"hosts": {}})["hosts"][host] = {**variables, **own.get(host, {})}
    for host, variables in [(host, one) for group in children.values() for host, one in group["hosts"].items()]:
        # The address of the cluster stays what it is where the one of the connection is another.
        address = {**ADDRESSES, "lb2": "192.0.2.2"}.get(host, "192.0.2.9")
        variables.update(
            {f"{role}_address": address for role in ("director", "realserver") if GROUP[host] == f"{role}s"}
        )
    packages = {f"{role}_packages": [] for role in ("director", "realserver", "gateway")}
    common = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    common.update(director_interface="eth0", gateway_interface="eth0", **packages)
    return {"all": {"vars": {**common, "lvs_services": services or SERVICES}, "children": children}}


@pytest.fixture(name="stand_ins")
def made_stand_ins(tmp_path: Path) -> StandIns:
    return StandIns(tmp_path)


def said(run: Outcome) -> str:
    return " ".join(run.output.split())


def changes(stand_ins: StandIns) -> list[tuple[str, str]]:
    """Return host and module of what a run would have changed."""
    return [(call.host, call.module) for call in stand_ins.calls() if call.module not in READS and not call.check]


def test_preflight_names_a_dead_host_and_the_ways_to_go_on(stand_ins: StandIns) -> None:
    run = stand_ins.run("site", inventory("director rs1 rs2 gw", rs2=DEAD, gw=DEAD))
    assert run.status != 0
    assert "rs2: host could not be reached (ssh: connect to host 127.0.0.1 port 9: Connection refused)" in said(run)
    assert "declare realserver_state: drained or absent" in said(run)
    assert "gw: host could not be reached" in said(run)
    assert changes(stand_ins) == []


def test_site_goes_on_without_a_dead_server_that_is_declared_absent(stand_ins: StandIns) -> None:
    hosts = inventory("director rs1 rs2 client", rs2={**DEAD, "realserver_state": "absent"})
    director = hosts["all"]["children"]["directors"]["hosts"]["director"]["answers"]["verify_info"]
    director["table"]["services"][0]["real_servers"].pop()
    director["boots"]["director"]["declared"]["services"] = director["table"]["services"]
    director["paths"].pop()
    run = stand_ins.run("site", hosts)
    assert run.status == 0, run.output
    shown = said(run)
    assert "it is declared absent, so the run continues without it" in shown
    assert f"rs2: was not reached, and may still have VIPs ({VIP}); run lvs.cluster.site again" in shown
    ((service,),) = [call.args["services"] for call in stand_ins.calls("ipvs_table")]
    assert {one["address"]: one["state"] for one in service["real_servers"]} == {
        ADDRESSES["rs1"]: "present",
        ADDRESSES["rs2"]: "absent",
    }
    assert "rs2" not in {call.host for call in stand_ins.calls()}
    assert {host for host, _ in changes(stand_ins)} == {"director", "rs1"}
    # verify follows: what was not read is not good, and that is no mistake of the cluster.
    assert "note rs2 host could not be reached" in shown


def test_servers_keep_what_a_dead_director_that_is_absent_may_still_use(stand_ins: StandIns) -> None:
    """The others are configured."""
    services = [{**SERVICES[0], "directors": ["lb2", "director"]}]
    hosts = inventory("director lb2 rs1 rs2", services, lb2={**DEAD, "director_state": "absent"})
    hosts["all"]["children"]["realservers"]["hosts"]["rs2"]["answers"]["boot_restore"]["former"] = {
        "vips": ["192.0.2.31"]
    }
    run = stand_ins.run("site", hosts, "--skip-tags", "verify")
    assert run.status == 0, run.output
    assert f"lb2: was not reached, and may still have virtual services and VIPs ({VIP})" in said(run)
    assert "rs2: keeps VIPs and ports that are not declared any more, since director lb2 was not reached" in said(run)
    assert ("director", "ipvs_table") in changes(stand_ins)
    cleanups = [call for call in stand_ins.calls("boot_restore") if call.args.get("former") == "remove"]
    assert {call.host for call in cleanups} == {"director"}


@pytest.mark.parametrize("dead", [["director"], ["rs1"], ["director", "rs1", "rs2", "client"]], ids=" ".join)
def test_verify_reports_who_was_not_read(stand_ins: StandIns, tmp_path: Path, dead: list[str]) -> None:
    page = tmp_path / "report.html"
    hosts = inventory("director rs1 rs2 client", **dict.fromkeys(dead, DEAD))
    run = stand_ins.run("verify", hosts, "-e", f"verify_report={page}")
    assert run.status != 0
    for host in dead:
        assert f"BAD {host} host could not be reached" in said(run)
        assert (
            f"{host}: host could not be reached (ssh: connect to host 127.0.0.1 port 9: Connection refused); "
            in said(run)
        )
    assert page.read_text().count(">could not be reached</text>") == len(dead)


def test_verify_reports_who_died_on_the_way(stand_ins: StandIns) -> None:
    """One between two readings; the other one before, so that Ansible has taken it out of the run."""
    hosts = inventory("director rs1 rs2 client", director={"dies_at": ["ipvs_info"]}, rs1={"dies_at": ["boot_restore"]})
    run = stand_ins.run("site", hosts)
    assert run.status != 0
    assert "BAD director host could not be reached (director died)" in said(run)
    assert "BAD rs1 host could not be read (an earlier task of this run failed there or could not reach it)" in said(
        run
    )


@pytest.mark.parametrize("dead", [["director"], ["director", "lb2"]], ids=" ".join)
def test_status_reports_who_was_not_read(stand_ins: StandIns, tmp_path: Path, dead: list[str]) -> None:
    file = tmp_path / "status.json"
    hosts = inventory("director lb2 rs1 rs2", **dict.fromkeys(dead, DEAD))
    run = stand_ins.run("status", hosts, "-e", f"status_file={file}")
    assert run.status != 0
    told = {one["director"]: one for one in json.loads(file.read_text())["directors"]}
    assert {host for host, one in told.items() if not one["reached"]} == set(dead)
    for host in dead:
        assert f"{host}: UNKNOWN, since it could not be reached" in said(run)
        assert "Connection refused" in told[host]["problem"]


@pytest.mark.parametrize(("playbook", "state"), [("drain", "drained"), ("restore", "restored")])
def test_a_dead_standby_blocks_nothing(stand_ins: StandIns, playbook: str, state: str) -> None:
    run = stand_ins.run(playbook, inventory("director lb2 rs1 rs2", lb2=DEAD), "-e", "servers=rs1")
    assert run.status == 0, run.output
    assert "lb2: standby director could not be reached" in said(run)
    assert f"run lvs.cluster.{playbook} again when it is reachable" in said(run)
    assert changes(stand_ins) == [("director", "ipvs_drain")]


def test_an_absent_director_is_not_asked(stand_ins: StandIns) -> None:
    hosts = inventory("director lb2 rs1 rs2", lb2={**DEAD, "director_state": "absent"})
    run = stand_ins.run("drain", hosts, "-e", "servers=rs1")
    assert run.status == 0, run.output
    assert "UNREACHABLE" not in run.output
    assert changes(stand_ins) == [("director", "ipvs_drain")]


@pytest.mark.parametrize(
    ("playbook", "hosts", "done"),
    [
        ("drain", "director lb2", []),
        ("drain", "director", []),
        ("restore", "director lb2", [("lb2", "ipvs_drain")]),
        ("restore", "director", []),
    ],
)
def test_a_dead_active_director_is_an_error(stand_ins: StandIns, playbook: str, hosts: str, done: Any) -> None:
    run = stand_ins.run(playbook, inventory(f"{hosts} rs1 rs2", director=DEAD), "-e", "servers=rs1")
    assert run.status != 0
    assert (
        f"director could not be reached (ssh: connect to host 127.0.0.1 port 9: Connection refused), and answers for {VIP}"
        in said(run)
    )
    assert ("or declare director_state: absent" in said(run)) == ("lb2" in hosts)
    assert changes(stand_ins) == done


@pytest.fixture(name="update")
def made_update(tmp_path: Path) -> str:
    """Return tasks of an operator, in which rs1 dies if it is to."""
    file = tmp_path / "update.json"
    file.write_text(json.dumps([{"name": "Ask", "lvs.cluster.vip_owner_info": {"addresses": [VIP]}}]))
    return f"rolling_tasks={file}"


def test_rolling_looks_at_all_servers_before_it_changes_one(stand_ins: StandIns, update: str) -> None:
    run = stand_ins.run("rolling", inventory(rs2=DEAD), "-e", update)
    assert run.status != 0
    assert "rs2: host could not be reached" in said(run)
    assert stand_ins.calls() == []


def test_rolling_skips_who_is_drained_and_dead_and_leaves_a_dead_standby_out(stand_ins: StandIns, update: str) -> None:
    hosts = inventory("director lb2 rs1 rs2", rs1={**DEAD, "realserver_state": "drained"}, lb2=DEAD)
    run = stand_ins.run("rolling", hosts, "-e", update)
    assert run.status == 0, run.output
    assert "rs1: host could not be reached" in said(run)
    assert "it is declared drained, so the run continues without it" in said(run)
    assert "lb2: standby director could not be reached" in said(run)
    steps = [(call.host, call.module) for call in stand_ins.calls() if not call.check]
    assert steps == [
        ("director", "ipvs_drain"),
        ("rs2", "vip_owner_info"),
        ("director", "realserver_path_info"),
        ("director", "ipvs_drain"),
    ]


def test_rolling_needs_the_active_director(stand_ins: StandIns, update: str) -> None:
    run = stand_ins.run("rolling", inventory("director lb2 rs1 rs2", director=DEAD), "-e", update)
    assert run.status != 0
    assert f"and answers for {VIP}" in said(run)
    assert changes(stand_ins) == []


def test_rolling_ends_with_a_batch_of_which_one_died(stand_ins: StandIns, update: str) -> None:
    """Whoever was updated gets clients again; who died stays drained, and those after it are not touched."""
    hosts = inventory(rs1={"dies_at": ["vip_owner_info"]})
    run = stand_ins.run("rolling", hosts, "-e", update, "-e", "rolling_serial=2", "-e", "servers=rs1,rs2")
    assert run.status != 0
    assert "rs1 stays drained, since rs1 became unreachable during its tasks - " in said(run)
    restored = [call.args["servers"] for call in stand_ins.calls("ipvs_drain") if call.args.get("state") == "restored"]
    assert restored == [[ADDRESSES["rs2"]]]


def without_units(hosts: dict[str, Any]) -> dict[str, Any]:
    """Return an inventory of hosts whose units do not run, so that no task asks systemd to stop one."""
    for group in hosts["all"]["children"].values():
        for own in group["hosts"].values():
            own["answers"]["boot_restore"]["active"] = False
    return hosts


def test_teardown_leaves_the_servers_of_a_dead_director(stand_ins: StandIns) -> None:
    run = stand_ins.run("teardown", without_units(inventory("director lb2 rs1 rs2 gw", lb2=DEAD)))
    assert run.status != 0
    assert {host for host, _ in changes(stand_ins)} == {"director"}
    assert "lb2 still has its virtual services and VIPs, since it could not be reached" in said(run)
    for server in ("rs1", "rs2"):
        assert f"{server} keeps its VIPs, since this run has not removed lb2, which can still send clients" in said(run)
    assert "gw keeps its neighbour entries, since lb2, rs1, rs2 can still have the VIPs" in said(run)


def test_teardown_removes_what_it_can_beside_a_dead_server(stand_ins: StandIns) -> None:
    run = stand_ins.run("teardown", without_units(inventory("director rs1 rs2 gw", rs1=DEAD)))
    assert run.status != 0
    assert {host for host, _ in changes(stand_ins)} == {"director", "rs2"}
    assert "rs1 still has its VIPs, since it could not be reached. Run lvs.cluster.teardown again" in said(run)
    assert "rs2 still" not in said(run)


def test_teardown_of_hosts_that_are_there(stand_ins: StandIns) -> None:
    run = stand_ins.run("teardown", without_units(inventory("director rs1 rs2 gw")))
    assert run.status == 0, run.output
    assert {host for host, _ in changes(stand_ins)} == {"director", "rs1", "rs2", "gw"}


def test_adopt_converts_the_tables_of_those_that_are_there(stand_ins: StandIns) -> None:
    run = stand_ins.run("adopt", inventory("director lb2 rs1 rs2", director=DEAD))
    assert run.status != 0
    assert "# lb2" in run.output
    assert "director: host could not be reached" in said(run)


@pytest.fixture(name="silent_port")
def opened_silent_port() -> Iterator[int]:
    """Return a port that accepts connections, at which nobody says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server.getsockname()[1]


def test_a_host_that_accepts_and_never_answers_is_unreachable(stand_ins: StandIns, silent_port: int) -> None:
    hangs = {**DEAD, "ansible_port": silent_port, "ansible_timeout": 1}
    run = stand_ins.run("preflight", inventory(rs2=hangs))
    assert run.status != 0
    assert "rs2: host could not be reached" in said(run)


@pytest.mark.parametrize("playbook", ["site", "verify", "teardown", "restore"])
def test_a_task_that_hangs_ends(stand_ins: StandIns, playbook: str) -> None:
    """The connection stands, and the module never returns: that is as good as no connection.

    The limit is long enough for what Ansible does beside it on a busy machine.
    """
    modules = ("preflight_info", "verify_info", "ipvs_info", "ipvs_drain", "boot_restore")
    hosts = inventory(director={"hangs": modules})
    run = stand_ins.run(playbook, hosts, "-e", "lvs_task_timeout=15", "-e", "servers=rs1")
    assert run.status != 0
    # The words of ansible-core, of 2.17 and of newer ones
    assert re.search(r"expected time frame \(15\)|Timed out after 15 second", said(run)), run.output
    if playbook != "teardown":
        assert "could not be reached (" in said(run)
    assert changes(stand_ins) == []


def plays() -> list[tuple[str, dict[str, Any]]]:
    found = [(path, yaml.safe_load(path.read_text())) for path in sorted(PROJECT.glob("playbooks/*.yml"))]
    return [
        (path.stem, play) for path, several in found for play in several if "hosts" in play and "lab" not in path.stem
    ]


@pytest.mark.parametrize(("playbook", "play"), plays(), ids=lambda one: one if isinstance(one, str) else one["name"])
def test_no_play_waits_for_ever(playbook: str, play: dict[str, Any]) -> None:
    """Each task has a limit, but for an operator's own; that of a drain has the longest wait on top."""
    limit = "{{ lvs_task_timeout | default(600) }}"
    wait = DRAIN_OPTIONS["drain_timeout"]["default"]
    drain = limit.replace(" }}", f" | int + drain_timeout | default({wait}) | int }}}}")
    if play["name"] in ("Check which servers this run includes", "Check which hosts this run includes"):
        assert all("ansible.builtin.assert" in task for task in play["tasks"])  # on this machine
        return
    if play["name"] != "Update the servers":
        assert play["timeout"] == (drain if playbook == "drain" else limit)
        return
    remote = [task for task in play["tasks"] if "delegate_to" in task]
    assert {task["name"]: task["timeout"] for task in remote} == {
        task["name"]: drain if task["name"] == "Drain the servers" else limit for task in remote
    }


def test_ssh_notices_a_machine_that_is_frozen() -> None:
    """In the checkout, in its lab, and in what the guide tells users of the collection."""
    keepalive = "-o ServerAliveInterval=15 -o ServerAliveCountMax=4"
    config = ConfigParser()
    config.read(PROJECT / "ansible.cfg")
    options = config["ssh_connection"]["ssh_args"]
    assert options.endswith(keepalive)
    assert f"ssh_args = {options}\n" in (PROJECT / "docs/docsite/rst/guide_operations.rst").read_text()
    lab = yaml.safe_load((PROJECT / "inventories/lab/group_vars/lab.yml").read_text())
    assert lab["ansible_ssh_args"].endswith(keepalive)
