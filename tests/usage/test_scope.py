# SPDX-License-Identifier: GPL-3.0-or-later
"""Legal edits of the inventory of a cluster that stands: none takes clients' servers away, and none is passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path

VIP = "192.168.91.30"
WEB = {"name": "web", "address": VIP, "ports": [80], "protocol": "tcp", "scheduler": "rr", "forwarding": "direct"}
SITE = ("ansible-playbook", "site.yml", "-i", "lab")


def services(*servers: str) -> tuple[str, str]:
    """Return the arguments of a run whose service has these servers."""
    return "-e", json.dumps({"lvs_services": [{**WEB, "real_servers": list(servers)}]})


def words(output: str) -> str:
    return " ".join(output.replace("''", "'").split())


def has_vip(on_host, host: str) -> bool:
    return VIP in on_host(host, f"ip -brief address show to {VIP}")


def test_servers_named_by_their_addresses_stay(typed, on_host, lab_table):
    before = lab_table()
    run = typed(*SITE, *services("192.168.91.4", "192.168.91.5"))
    assert run.status == 0, run.output
    assert set(run.changed().values()) == {0}
    assert "192.168.91.4 in lvs_services (web).real_servers is the host rs1." in words(run.output)
    assert lab_table() == before
    assert has_vip(on_host, "rs1")
    assert has_vip(on_host, "rs2")


def test_a_server_that_gets_clients_keeps_its_vip(typed, on_host, lab_table):
    """The director keeps servers that are not declared any more, so the server that leaves would fail all its clients."""
    before = lab_table()
    run = typed(*SITE, *services("rs1"), "-e", "director_purge_servers=false")
    assert run.status != 0
    told = f"rs2: VIP: '{VIP}' would be removed from this host, and director director sends clients to it"
    assert told in words(run.output)
    assert set(run.changed().values()) == {0}
    assert (lab_table(), has_vip(on_host, "rs2")) == (before, True)


def test_a_server_does_not_leave_without_its_director(typed, on_host, tmp_path: Path):
    more = tmp_path / "more.yml"
    more.write_text(json.dumps({"all": {"hosts": {"rs2": {"realserver_state": "absent"}}}}))
    run = typed(*SITE, "-i", str(more), "--limit", "rs2")
    assert run.status != 0
    told = f"rs2: VIP: '{VIP}' would be removed from this host, and director director, which can still use it, was not read"
    assert told in words(run.output)
    assert has_vip(on_host, "rs2")


def test_groups_without_hosts(typed):
    run = typed(*SITE, "-e", "lvs_directors_group=balancers", "-e", "lvs_realservers_group=webs")
    assert run.status != 0
    assert "the inventory has no host in any of the groups balancers (lvs_directors_group)" in words(run.output)
    run = typed(*SITE, "-e", "lvs_realservers_group=clients")
    assert run.status != 0
    assert set(run.changed().values()) <= {0}


def test_groups_of_any_name(typed, tmp_path: Path):
    more = tmp_path / "more.yml"
    more.write_text(json.dumps({"balancers": {"hosts": {"director": {}}}, "webs": {"hosts": {"rs1": {}, "rs2": {}}}}))
    names = ("-e", "lvs_directors_group=balancers", "-e", "lvs_realservers_group=webs")
    run = typed(*SITE, "-i", str(more), *names)
    assert run.status == 0, run.output
    assert set(run.changed().values()) == {0}
    assert "This run includes directors director; real servers rs1, rs2." in words(run.output)


def test_two_clusters_are_judged_each_on_its_own(typed, tmp_path: Path):
    """The second one names a device that its director does not have."""
    mail = {**WEB, "name": "mail", "address": "192.168.91.31"}
    client = {"director_address": "192.168.91.6", "director_interface": "lan9"}
    # Variables of hosts, since the lab's group_vars/all.yml wins over those of a group in an inventory file.
    west = {"hosts": {"client": {**client, "lvs_services": [mail]}, "rs2": {"lvs_services": [mail]}}}
    more = tmp_path / "more.yml"
    more.write_text(json.dumps({"west": west, "directors": {"hosts": {"client": {}}}}))
    run = typed("ansible-playbook", "lvs.cluster.preflight", "-i", "lab", "-i", str(more))
    assert run.status != 0
    assert "client: director_interface: 'lan9' does not exist on this host" in words(run.output)
    assert "No error found. Read 2 hosts: director, rs1." in words(run.output)
    assert "west: 1 error found. Read 2 hosts: client, rs2." in words(run.output)
