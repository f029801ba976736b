# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers an operator means, on which directors; and what the playbooks make of a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.filter import operations
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.servers import (
    directors_of,
    left_alone,
    path_failures,
    paths_of,
    servers_of,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from commands import execute

GROUPS = {
    "directors": ["lb1", "lb2", "lb3"],
    "realservers": ["rs1", "rs2", "rs3"],
    "rack": ["rs1", "rs2", "db"],
    "empty": [],
}
HOSTVARS = {
    "lb1": {"director_address": "192.0.2.1"},
    "lb2": {"director_address": "192.0.2.2"},
    "lb3": {"director_address": "192.0.2.3", "director_state": "absent"},
    "rs1": {"realserver_address": ["192.0.2.4", "2001:db8::4"]},
    "rs2": {"realserver_address": "192.0.2.5"},
    "rs3": {"realserver_address": "192.0.2.6", "realserver_state": "absent"},
    "db": {"ansible_host": "192.0.2.7"},
}
READ = read_topology(
    [
        {"name": "web", "address": "192.0.2.30", "ports": [80, 443]},
        {"name": "six", "address": "2001:db8::30", "ports": [80], "real_servers": ["rs1"]},
        {
            "name": "mail",
            "address": "192.0.2.31",
            "ports": [25],
            "directors": ["lb2"],
            "real_servers": ["rs2", "192.0.2.9"],
        },
    ],
    GROUPS,
    HOSTVARS,
)


@pytest.mark.parametrize(
    ("names", "lb1", "lb2"),
    [
        ("rs1", ["192.0.2.4", "2001:db8::4"], ["192.0.2.4", "2001:db8::4"]),
        (" rs2 ,rs1,", ["192.0.2.5", "192.0.2.4", "2001:db8::4"], ["192.0.2.5", "192.0.2.4", "2001:db8::4"]),
        (["rs2", "192.0.2.5"], ["192.0.2.5"], ["192.0.2.5"]),
        (["192.0.2.9"], [], ["192.0.2.9"]),
        (["rack"], ["192.0.2.4", "2001:db8::4", "192.0.2.5"], ["192.0.2.4", "2001:db8::4", "192.0.2.5"]),
        ("2001:DB8:0::4", ["2001:db8::4"], ["2001:db8::4"]),
    ],
)
def test_names(names, lb1, lb2):
    assert servers_of(READ, GROUPS, names, "lb1") == lb1
    assert servers_of(READ, GROUPS, names, "lb2") == lb2
    assert servers_of(READ, GROUPS, names, "lb3") == []


@pytest.mark.parametrize("name", ["rs3", "rs9", "192.0.2.6", "db", "empty", "lb1"])
def test_a_name_that_is_no_server(name, error_words):
    with pytest.raises(InvalidValue) as caught:
        servers_of(READ, GROUPS, ["rs1", name], "lb1")
    assert error_words(caught.value) == ("servers", name)


@pytest.mark.parametrize("names", ["", " , ", [], None])
def test_no_name(names, error_words):
    with pytest.raises(InvalidValue) as caught:
        servers_of(READ, GROUPS, names, "lb1")
    assert error_words(caught.value) == ("servers", None)


def test_directors():
    assert directors_of(READ) == ["lb1", "lb2"]


def test_what_was_drained_before():
    answers = [{"already_drained": []}, {"already_drained": ["192.0.2.5"]}, {"skipped": True}]
    assert left_alone(READ, ["rs1", "rs2"], answers) == ["rs2"]


def test_paths():
    six = {
        "address": "2001:db8::30",
        "port": 80,
        "protocol": "tcp",
        "real_servers": [{"address": "2001:db8::4", "forwarding": "direct"}],
    }
    pool = [{"address": address, "forwarding": "direct"} for address in ("192.0.2.4", "192.0.2.5")]
    web = [{"address": "192.0.2.30", "port": port, "protocol": "tcp", "real_servers": pool} for port in (80, 443)]
    mail = {
        "address": "192.0.2.31",
        "port": 25,
        "protocol": "tcp",
        "real_servers": [pool[1], {**pool[0], "address": "192.0.2.9"}],
    }
    assert paths_of(READ, "lb1") == [*web, six]
    assert paths_of(READ, "lb2") == [*web, six, mail]
    assert paths_of(READ, "lb2", ["192.0.2.9"]) == [{**mail, "real_servers": mail["real_servers"][1:]}]
    assert paths_of(READ, "lb1", []) == []


def test_paths_of_marks_and_tunnels():
    marked = {"name": "all", "address": "192.0.2.30", "fwmark": 7, "real_servers": ["rs2"], "forwarding": "tunnel"}
    tunnel = {"tunnel_type": "gue", "tunnel_port": 6080, "weight": 5}
    (path,) = paths_of(read_topology([{**marked, **tunnel, "ports": [80]}], GROUPS, HOSTVARS), "lb1")
    assert path == {
        "address": "192.0.2.30",
        "port": 80,
        "protocol": "tcp",
        "real_servers": [{"address": "192.0.2.5", "forwarding": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080}],
    }
    assert paths_of(read_topology([marked], GROUPS, HOSTVARS), "lb1") == []


def test_why_a_server_does_not_serve():
    def path(address: str, ok: bool | None) -> dict:
        return {"address": address, "ok": ok, "sentence": f"{address} is {ok}"}

    good = {"paths": [path("192.0.2.4", True), path("192.0.2.5", None), path("2001:db8::4", True)]}
    bad = {"paths": [path("192.0.2.4", True), path("192.0.2.5", False), path("2001:db8::4", False)], "failed": True}
    assert path_failures(READ, "rs1", [good, {"skipped": True}]) == []
    assert path_failures(READ, "rs1", [good, bad, bad]) == ["2001:db8::4 is False"]
    assert path_failures(READ, "rs2", [bad]) == ["192.0.2.5 is False"]
    for answer, told in (
        ({"failed": True, "msg": "no right"}, "no right"),
        ({"unreachable": True}, "its path could not be proved"),
    ):
        assert path_failures(READ, "rs2", [good, answer]) == [told]


TWO_GROUPS = {"all": ["lb1", "lb2", "rs1", "rs2"], "directors": ["lb1", "lb2"], "realservers": ["rs1", "rs2"]}
TWO = {
    host: {**HOSTVARS[host], "lvs_services": [{"name": "web", "address": f"192.0.2.3{number}", "ports": [80]}]}
    for number, hosts in enumerate((("lb1", "rs1"), ("lb2", "rs2")))
    for host in hosts
}


def test_each_director_has_the_servers_of_its_own_cluster():
    services = TWO["lb1"]["lvs_services"]
    for host, other in (("lb1", "lb2"), ("lb2", "lb1")):
        server, own = (("rs1", services), ("rs2", TWO["lb2"]["lvs_services"]))[host == "lb2"]
        first = HOSTVARS[server]["realserver_address"]
        assert operations.cluster_servers(own, TWO_GROUPS, TWO, server, host)[:1] == [
            first[0] if server == "rs1" else first
        ]
        assert operations.cluster_servers(TWO[other]["lvs_services"], TWO_GROUPS, TWO, server, other) == []
        assert operations.cluster_directors(services, TWO_GROUPS, TWO, server) == [host]
        assert operations.cluster_members(own, TWO_GROUPS, TWO, "directors") == [host]
    assert operations.cluster_directors(services, TWO_GROUPS, TWO) == ["lb1", "lb2"]
    batch = operations.rolling_batch(services, TWO_GROUPS, TWO, ["rs1", "rs2"])
    assert [(one["director"], one["servers"]) for one in batch["drain"]] == [
        ("lb1", ["192.0.2.4"]),
        ("lb2", ["192.0.2.5"]),
    ]
    for step in batch["check"]:
        assert step["hosts"] == ["rs1", "rs2"]


def test_status_of_two_clusters():
    status = operations.cluster_status(TWO["lb1"]["lvs_services"], TWO_GROUPS, TWO)
    assert [one["director"] for one in status["directors"]] == ["lb1", "lb2"]
    assert status["lines"] == [
        "lb1, rs1:",
        "  lb1: not reached, so nothing is known of it",
        "lb2, rs2:",
        "  lb2: not reached, so nothing is known of it",
    ]


def test_servers_that_leave():
    view = {"roles": ["realserver"]}
    hosts = {
        "stays": {"_topology_view": view},
        "leaves": {"_topology_view": {"roles": []}},
        "changes": {"_topology_view": view, "realserver_leftovers": True},
        "outside": {},
    }
    assert operations.leaving_servers([*hosts, "unknown"], hosts) == ["leaves", "changes"]


def playbook(tmp_path: Path, name: str, *arguments: str):
    """Run one of the playbooks with an inventory whose hosts are all this machine, which is changed by none of them."""
    hosts = {"directors": {"lb1": "192.0.2.1"}, "realservers": {"rs1": "192.0.2.4", "rs2": "192.0.2.5"}}
    inventory = {
        "all": {
            "vars": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "lvs_services": [{"name": "web", "address": "192.0.2.30", "ports": [80]}],
            },
            "children": {
                group: {"hosts": {host: {"ansible_host": address} for host, address in members.items()}}
                for group, members in hosts.items()
            },
        }
    }
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps(inventory))
    return execute("ansible-playbook", f"lvs.cluster.{name}", "-i", str(path), *arguments)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("drain", [], "servers is missing; name hosts or addresses, such as -e servers=rs1,rs2"),
        (
            "restore",
            ["-e", "servers=rs1,rs7"],
            "is no real server of lvs_services, or is declared absent; it has rs1, rs2",
        ),
    ],
)
def test_mistakes_in_the_names_are_told_before_anything_is_asked(tmp_path, name, given, told):
    run = playbook(tmp_path, name, *given)
    assert run.status != 0
    assert told in " ".join(run.output.split())


@pytest.mark.parametrize("module", ["print_lines", "show_lines"])
def test_lines_are_shown_as_they_are(tmp_path, module):
    """In every form of results, and whatever they hold; no host is asked. The former name is redirected."""
    lines = ["SERVER  WEIGHT", """rs1          1  'quoted' "twice": #""", "x" * 200]
    task = {f"lvs.cluster.{module}": {"lines": lines}}
    path = tmp_path / "play.json"
    path.write_text(json.dumps([{"hosts": "nowhere", "gather_facts": False, "tasks": [task]}]))
    for form in ("json", "yaml"):
        run = execute("ansible-playbook", str(path), "-i", "nowhere,", ANSIBLE_CALLBACK_RESULT_FORMAT=form)
        assert run.status == 0, run.output
        assert "\n{}\n{}\n{}\n".format(*lines) in run.output
