# SPDX-License-Identifier: GPL-3.0-or-later
"""A server is who it is, however lvs_services writes it: which host an address or name is, and what follows from that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.operations import cluster_servers
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.adopt import adopt
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.host_view import host_view
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.identity import Identity
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.inventory import Inventory
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_findings, read_topology

BOTH = ["192.0.2.30", "2001:db8::30"]
GROUPS = {
    "all": ["lb1", "rs1", "rs2", "rs3", "rs4", "192.0.2.8", "twin1", "twin2", "near"],
    "directors": ["lb1"],
    "realservers": ["rs1", "rs2", "rs3"],
}
VARS: dict[str, dict[str, Any]] = {
    "lb1": {"director_address": "192.0.2.3", "ansible_host": "10.0.0.3"},
    "rs1": {"realserver_address": "192.0.2.4", "ansible_host": "10.0.0.4", "realserver_weight": 3},
    "rs2": {"realserver_address": ["192.0.2.5", "2001:DB8::5"], "ansible_host": "127.0.0.1"},
    "rs3": {"ansible_host": "192.0.2.6", "realserver_state": "drained"},
    "rs4": {"realserver_address": "192.0.2.7", "ansible_host": "rs4.example"},
    "192.0.2.8": {},
    "twin1": {"ansible_host": "192.0.2.9"},
    "twin2": {"ansible_host": "192.0.2.9"},
    "near": {"ansible_host": "127.0.0.1"},
}


def read(*servers: Any, **options: Any) -> Any:
    service = {"name": "web", "address": "192.0.2.30", "ports": [80], "real_servers": list(servers), **options}
    return read_topology([service], GROUPS, VARS)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("rs1", ["rs1"]),
        ("192.0.2.4", ["rs1"]),
        ("10.0.0.4", ["rs1"]),
        (" 192.0.2.4 ", ["rs1"]),
        ("::ffff:192.0.2.4", ["rs1"]),
        ("2001:db8:0:0::5", ["rs2"]),
        ("192.0.2.3", ["lb1"]),
        ("192.0.2.6", ["rs3"]),
        ("rs4.example", ["rs4"]),
        ("192.0.2.8", ["192.0.2.8"]),
        ("::ffff:c000:208", ["192.0.2.8"]),
        ("192.0.2.9", ["twin1", "twin2"]),
        ("127.0.0.1", []),
        ("::1", []),
        ("localhost", []),
        ("192.0.2.99", []),
        ("rs9.example", []),
        ("", []),
    ],
)
def test_which_host_it_is(text: str, hosts: list[str]) -> None:
    assert Identity(Inventory(GROUPS, VARS)).hosts(text) == hosts


@pytest.mark.parametrize(
    "entry", ["rs1", "192.0.2.4", "::ffff:192.0.2.4", {"address": "192.0.2.4"}, {"host": "192.0.2.4"}]
)
def test_an_address_of_a_host_is_that_host(entry: Any) -> None:
    """With its weight and state; and the host has the VIP, which `site` otherwise takes away from it."""
    topology = read(entry)
    (server,) = topology.services[0].servers
    assert (server.host, server.address, server.options["weight"]) == ("rs1", "192.0.2.4", 3)
    assert host_view(topology, GROUPS, "rs1", VARS["rs1"])["roles"] == ["realserver"]
    written = entry if isinstance(entry, str) else next(iter(entry.values()))
    said = [] if entry == "rs1" else [f"{written} in lvs_services (web).real_servers is the host rs1."]
    assert list(topology.identified) == said


def test_the_options_of_an_entry_win_over_those_of_its_host() -> None:
    (server,) = read({"address": "192.0.2.6", "weight": 7, "state": "present"}).services[0].servers
    assert (server.host, dict(server.options)) == ("rs3", {"weight": 7, "state": "present"})
    (server,) = read("192.0.2.6", "rs1").services[0].servers[:1]
    assert server.options["state"] == "drained"


def test_a_director_can_be_an_address_too() -> None:
    topology = read("rs1", directors=["192.0.2.3"])
    assert topology.services[0].directors == ("lb1",)
    assert topology.dips == {"lb1": ("192.0.2.3",)}
    assert topology.identified == ("192.0.2.3 in lvs_services (web).directors is the host lb1.",)


def test_what_is_no_host_remains_an_address() -> None:
    (server,) = read("192.0.2.99").services[0].servers
    assert (server.host, server.address, server.written) == ("", "192.0.2.99", "")


def test_both_addresses_of_a_host_are_one_server() -> None:
    """A bare address served the VIPs of its own family alone, so that both had to be written."""
    topology = read("192.0.2.5", "2001:db8::5", address=BOTH)
    assert [server.host for server in topology.services[0].servers] == ["rs2"]
    # Of a host with one family, the other VIP's clients go to others.
    assert len(read("192.0.2.4", "2001:db8::5", address=BOTH).services[0].servers) == 2


@pytest.mark.parametrize(
    ("servers", "about"),
    [
        (["rs1", "192.0.2.4"], "192.0.2.4"),
        (["192.0.2.4", "rs1"], "rs1"),
        (["192.0.2.4", "::ffff:192.0.2.4"], "::ffff:192.0.2.4"),
        (["192.0.2.5", {"address": "2001:db8::5", "weight": 9}], "2001:db8::5"),
        (["192.0.2.99", {"address": "192.0.2.99"}], "192.0.2.99"),
        (["192.0.2.9"], "192.0.2.9"),  # of two hosts
        (["10.0.0.4"], "10.0.0.4"),  # is rs1, which clients do not reach there
        (["192.0.2.3"], "192.0.2.3"),  # is the director, which has no such address as a real server
        (["rs9.example"], "rs9.example"),
    ],
)
def test_mistakes(servers: list[Any], about: str, error_words: Any) -> None:
    service = {"name": "web", "address": ["192.0.2.31", "2001:db8::31"], "ports": [80], "real_servers": servers}
    service["may_be_empty"] = True  # of one family, where an address serves the other one alone
    if "192.0.2.3" in servers or "10.0.0.4" in servers or "rs1" in servers:
        service["address"] = "192.0.2.31"
    (mistake,) = read_findings([service], GROUPS, VARS)
    assert error_words(mistake.error) == ("lvs_services (web).real_servers", about)


def test_a_director_that_two_hosts_can_be(error_words: Any) -> None:
    service = {"name": "web", "address": "192.0.2.30", "ports": [80], "directors": ["192.0.2.9"]}
    (mistake,) = read_findings([service], GROUPS, VARS)
    assert error_words(mistake.error) == ("lvs_services (web).directors", "192.0.2.9")


@pytest.mark.parametrize(
    ("names", "addresses"),
    [
        ("rs2", ["192.0.2.5", "2001:db8::5"]),
        ("192.0.2.5", ["192.0.2.5", "2001:db8::5"]),
        ("2001:DB8::5,10.0.0.4", ["192.0.2.5", "2001:db8::5", "192.0.2.4"]),
        (["192.0.2.99"], ["192.0.2.99"]),
    ],
)
def test_servers_that_an_operator_names(names: Any, addresses: list[str]) -> None:
    service = {"name": "web", "address": BOTH, "ports": [80], "real_servers": ["192.0.2.4", "rs2", "192.0.2.99"]}
    assert cluster_servers([service], GROUPS, VARS, names, "lb1") == addresses


def test_what_adopt_writes_is_read_as_the_hosts() -> None:
    server = {"port": 80, "forwarding": "direct", "weight": 2}
    table = {
        "address": "192.0.2.30", "port": 80, "protocol": "tcp", "scheduler": "rr", "persistence_netmask": "255.255.255.255",
        "real_servers": [{**server, "address": "192.0.2.4"}, {**server, "address": "192.0.2.5"}],
    }  # fmt: skip
    topology = read_topology(adopt([table]).services, GROUPS, VARS)
    assert [(one.host, one.options["weight"]) for one in topology.services[0].servers] == [("rs1", 2), ("rs2", 2)]
