# SPDX-License-Identifier: GPL-3.0-or-later
"""The mistakes of a topology: each is told in one sentence, all at once, and nothing else is one."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Findings
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_findings, read_topology
from described_hosts import BOTH, GROUPS, VARS, WEB

W = "lvs_services (web)"
AN_ADDRESS = "write one such as 192.0.2.30 or 2001:db8::30, without a prefix length."
ONE_HOST = "name the unicast address of one host."
NAMED = "write it as it stands in the inventory"
ONLY_RS1 = {"real_servers": ["rs1"]}
TUNNEL = {"forwarding": "tunnel", **ONLY_RS1}


def mistakes(services, **changes):
    hostvars = {host: {**own, **changes.get(host, {})} for host, own in VARS.items()}
    return [finding.error for finding in read_findings(services, GROUPS, hostvars)]


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"colour": 1}, ("lvs_services (web)", "colour")),
        ({"name": None}, ("lvs_services[0]", "name")),
        ({"address": []}, ("lvs_services (web)", "address")),
        ({"ports": None}, ("lvs_services (web)", "ports")),
        ({"address": "192.0.2.0/24"}, ("lvs_services (web).address", "192.0.2.0/24")),
        ({"address": 5}, ("lvs_services (web).address", "5")),
        ({"address": "127.0.0.9"}, ("lvs_services (web).address", "127.0.0.9")),
        ({"address": "224.0.0.1"}, ("lvs_services (web).address", "224.0.0.1")),
        ({"address": "0.0.0.0"}, ("lvs_services (web).address", "0.0.0.0")),
        ({"address": "255.255.255.255"}, ("lvs_services (web).address", "255.255.255.255")),
        ({"address": "fe80::1%eth0"}, ("lvs_services (web).address", "fe80::1%eth0")),
        ({"address": ["192.0.2.30", "192.0.2.30"]}, ("lvs_services (web).address", "192.0.2.30")),
        ({"address": "192.0.2.3"}, ("lvs_services (web).address", "192.0.2.3")),
        ({"address": "192.0.2.4"}, ("lvs_services (web).address", "192.0.2.4")),
        ({"address": "192.0.2.9", "real_servers": ["192.0.2.9"]}, ("lvs_services (web).address", "192.0.2.9")),
        ({"ports": 80}, ("lvs_services (web).ports", "80")),
        ({"ports": [0]}, ("lvs_services (web).ports", "0")),
        ({"ports": [65536]}, ("lvs_services (web).ports", "65536")),
        ({"ports": ["http"]}, ("lvs_services (web).ports", "http")),
        ({"ports": [80, "80"]}, ("lvs_services (web).ports", "80")),
        ({"protocol": "icmp"}, ("lvs_services (web).protocol", "icmp")),
        ({"fwmark": 0}, ("lvs_services (web).fwmark", "0")),
        ({"fwmark": 1 << 32}, ("lvs_services (web).fwmark", "4294967296")),
        ({"scheduler": 5}, ("lvs_services (web).scheduler", "5")),
        ({"scheduler_flags": "sh-port"}, ("lvs_services (web).scheduler_flags", "sh-port")),
        ({"scheduler_flags": ["mh-port"]}, ("lvs_services (web).scheduler_flags", "mh-port")),
        ({"one_packet": "maybe"}, ("lvs_services (web).one_packet", "maybe")),
        ({"one_packet": True}, ("lvs_services (web).one_packet", "True")),
        ({"persistence_timeout": -1}, ("lvs_services (web).persistence_timeout", "-1")),
        ({"persistence_netmask": True}, ("lvs_services (web).persistence_netmask", "True")),
        ({"may_be_empty": "now"}, ("lvs_services (web).may_be_empty", "now")),
        ({"keep_weight": "often"}, ("lvs_services (web).keep_weight", "often")),
        ({"weight": "many"}, ("lvs_services (web).weight", "many")),
        ({"weight": -1, **ONLY_RS1}, ("rs1: lvs_services (web).weight of server 192.0.2.4", "-1")),
        ({"lower_threshold": 3, **ONLY_RS1}, ("rs1: lvs_services (web).lower_threshold of server 192.0.2.4", "3")),
        ({"forwarding": "nat"}, ("lvs_services (web).forwarding", "nat")),
        ({"tunnel_type": "gre", **ONLY_RS1}, ("rs1: lvs_services (web).tunnel_type of server 192.0.2.4", "gre")),
        ({"tunnel_type": "vxlan", **TUNNEL}, ("rs1: lvs_services (web).tunnel_type of server 192.0.2.4", "vxlan")),
        ({"tunnel_port": 5555, **TUNNEL}, ("rs1: lvs_services (web).tunnel_port of server 192.0.2.4", "5555")),
        ({"tunnel_type": "gue", **TUNNEL}, ("rs1: lvs_services (web).tunnel_port of server 192.0.2.4", None)),
        ({"tunnel_checksum": "md5", **TUNNEL}, ("rs1: lvs_services (web).tunnel_checksum of server 192.0.2.4", "md5")),
        ({"real_servers": [{"host": "rs1", "port": 8080}]}, ("rs1: lvs_services (web).port of server 192.0.2.4", "8080")),
        ({"real_servers": "rs1"}, ("lvs_services (web).real_servers", "rs1")),
        ({"real_servers": ["rs1", "192.0.2.4"]}, ("lvs_services (web).real_servers", "192.0.2.4")),
        ({"address": BOTH, "real_servers": ["2001:db8::5", "rs2"]}, ("lvs_services (web).real_servers", "rs2")),
        ({"real_servers": ["rs1", "realservers"]}, ("lvs_services (web).real_servers", "rs1")),
        ({"real_servers": ["rs9.example"]}, ("lvs_services (web).real_servers", "rs9.example")),
        ({"real_servers": [{"address": "rs9"}]}, ("lvs_services (web).real_servers", "rs9")),
        ({"real_servers": ["127.0.0.1"]}, ("lvs_services (web).real_servers", "127.0.0.1")),
        ({"real_servers": ["224.0.0.1"]}, ("lvs_services (web).real_servers", "224.0.0.1")),
        ({"real_servers": ["empty"]}, ("lvs_services (web).real_servers", None)),
        ({"real_servers": [{"weight": 1}]}, ("lvs_services (web).real_servers", "{'weight': 1}")),
        ({"real_servers": [{"host": "rs1", "colour": 1}]}, ("lvs_services (web).real_servers", "colour")),
        ({"real_servers": [{"host": "rs1", "state": "off"}]}, ("rs1: lvs_services (web).real_servers.state", "off")),
        ({"directors": "lb1"}, ("lvs_services (web).directors", "lb1")),
        ({"directors": ["lb9"]}, ("lvs_services (web).directors", "lb9")),
        ({"directors": []}, ("lvs_services (web).directors", None)),
        ({"address": "2001:db8::30"}, ("rs1: lvs_services (web).real_servers", "rs1")),
        ({"address": BOTH, "forwarding": "masquerade"}, ("rs1: lvs_services (web).real_servers", "rs1")),
        ({"address": BOTH, **TUNNEL}, ("rs1: lvs_services (web).real_servers", "192.0.2.4")),
        ({"address": "2001:db8::30", "tunnel_type": "gre", "forwarding": "tunnel", "real_servers": ["rs2"]}, ("rs2: lvs_services (web).real_servers", "2001:db8::5")),
        ({"address": "2001:db8::30", "real_servers": ["192.0.2.9"]}, ("lvs_services (web).real_servers", "192.0.2.9")),
    ],
)  # fmt: skip
def test_mistakes(change, about, error_words):
    (mistake,) = mistakes([{**WEB, **change}])
    assert error_words(mistake) == about


@pytest.mark.parametrize(
    "change",
    [
        {"real_servers": []},
        {"real_servers": [{"host": "rs1", "state": "absent"}, "rs2"]},
        {"real_servers": [{"host": "rs1", "state": "absent"}], "may_be_empty": True},
        {"address": BOTH, "real_servers": ["rs2", "192.0.2.9", {"address": "2001:db8::9"}]},
        {"address": BOTH, "forwarding": "tunnel", "real_servers": ["rs2"]},
        {"address": BOTH, "forwarding": "tunnel", "tunnel_type": "gre", **ONLY_RS1},
        # What a server has that is not of the inventory, is not known.
        {"address": "2001:db8::30", "forwarding": "tunnel", "real_servers": ["192.0.2.9"]},
        {"fwmark": 7, "ports": None},
        {"directors": ["lb1"], "real_servers": [{"host": "lb1"}, "rs1"]},
        {"forwarding": "masquerade", "real_servers": [{"host": "rs1", "port": "8080"}]},
    ],
)
def test_no_mistakes(change):
    assert mistakes([{**WEB, **change}]) == []


@pytest.mark.parametrize(
    ("first", "second", "about"),
    [
        ({}, {"name": "web", "ports": [81]}, ("lvs_services.name", "web")),
        ({}, {"ports": [80]}, ("lvs_services (two)", "192.0.2.30 port 80/tcp")),
        ({}, {"ports": [443], "fwmark": 7}, ("lvs_services (two)", "192.0.2.30 port 443/tcp")),
        ({}, {"ports": None, "fwmark": 7}, ("lvs_services (two)", "192.0.2.30 any port/tcp")),
        ({"ports": None, "fwmark": 7}, {"ports": [81]}, ("lvs_services (two)", "192.0.2.30 port 81/tcp")),
        ({"fwmark": 7}, {"fwmark": "7", "ports": [81], "scheduler": "wlc"}, ("lvs_services (two)", "fwmark 7 (IPv4)")),
        ({"fwmark": 7}, {"fwmark": 7, "ports": [81], "real_servers": ["rs1"]}, ("lvs_services (two)", "fwmark 7 (IPv4)")),
        ({"fwmark": 7}, {"fwmark": 7, "ports": [81], "weight": 9}, ("lvs_services (two)", "fwmark 7 (IPv4)")),
        ({"fwmark": 7}, {"fwmark": 7, "ports": [81], "forwarding": "tunnel"}, ("lvs_services (two)", "fwmark 7 (IPv4)")),
        ({"fwmark": 7}, {"fwmark": 7, "ports": [443]}, ("lvs_services (two)", "192.0.2.30 port 443/tcp")),
        ({"ports": ["70-90"]}, {"ports": [80]}, ("lvs_services (two)", "192.0.2.30 port 80/tcp")),
        ({"ports": [80]}, {"ports": ["70-90"]}, ("lvs_services (two)", "192.0.2.30 port 70-90/tcp")),
        ({"protocol": ["tcp", "udp"], "ports": [80]}, {"protocol": "udp", "ports": [80]}, ("lvs_services (two)", "192.0.2.30 port 80/udp")),
        ({}, {"ports": [81], "directors": ["lb1"]}, ("lvs_services (two)", "192.0.2.30")),
        ({}, 5, ("lvs_services[1]", "5")),
    ],
)  # fmt: skip
def test_mistakes_of_two_services(first, second, about, error_words):
    services = [{**WEB, **first}, {**WEB, "name": "two", **second} if isinstance(second, dict) else second]
    (mistake,) = mistakes(services)
    assert error_words(mistake) == about


def test_a_mark_can_be_that_of_another_family_elsewhere():
    six = {**WEB, "name": "six", "address": "2001:db8::30", "real_servers": ["rs2"]}
    assert mistakes([{**WEB, "fwmark": 7}, {**six, "fwmark": 7}]) == []
    assert mistakes([WEB, {**WEB, "name": "udp", "protocol": "udp"}]) == []


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"rs1": {"realserver_state": "off"}}, ("rs1: realserver_state", "off")),
        ({"rs1": {"realserver_state": "absent"}, "rs2": {"realserver_state": "drained"}}, ("lvs_services (web).real_servers", None)),
        ({"rs1": {"realserver_weight": "x"}}, ("rs1: realserver_weight", "x")),
        ({"rs1": {"realserver_address": "192.0.2.5"}}, ("rs2: realserver_address", "192.0.2.5")),
        ({"rs1": {"realserver_address": "192.0.2.3"}}, ("rs1: realserver_address", "192.0.2.3")),
        ({"rs1": {"realserver_address": None}}, ("rs1: ansible_host", "127.0.0.1")),
        ({"rs1": {"realserver_address": "rs1.example"}}, ("rs1: realserver_address", "rs1.example")),
        ({"rs1": {"realserver_address": []}}, ("rs1: realserver_address", None)),
        ({"rs1": {"realserver_address": ["192.0.2.4", "192.0.2.7"]}}, ("rs1: realserver_address", "192.0.2.7")),
        ({"rs1": {"realserver_address": ["192.0.2.4", "192.0.2.4"]}}, ("rs1: realserver_address", "192.0.2.4")),
        ({"lb1": {"director_address": ["192.0.2.3", "198.51.100.3", "192.0.2.3"]}}, ("lb1: director_address", "192.0.2.3")),
        ({"lb1": {"director_state": "off"}}, ("lb1: director_state", "off")),
        ({"lb1": {"director_address": "127.0.0.1"}}, ("lb1: director_address", "127.0.0.1")),
        ({"lb2": {"director_address": "192.0.2.3"}}, ("lb2: director_address", "192.0.2.3")),
    ],
)  # fmt: skip
def test_mistakes_of_hosts(changes, about, error_words):
    (mistake,) = mistakes([WEB], **changes)
    assert error_words(mistake) == about


def test_all_may_leave_with_the_directors():
    changes = {host: {"realserver_state": "absent"} for host in ("rs1", "rs2")}
    assert mistakes([WEB], **changes, lb1={"director_state": "absent"}) != []
    assert mistakes([WEB], **changes, lb1={"director_state": "absent"}, lb2={"director_state": "absent"}) == []


@pytest.mark.parametrize(
    ("change", "hosts", "states"),
    [
        ({"weight": 0, **ONLY_RS1}, {}, "rs1 weight 0"),
        ({"weight": 0, "keep_weight": True, **ONLY_RS1}, {}, "rs1 weight 0"),
        ({"weight": 0, "upper_threshold": 5, **ONLY_RS1}, {}, "rs1 weight 0"),
        ({"real_servers": [{"host": "rs1", "weight": 0}, {"address": "192.0.2.9", "weight": "0"}]}, {}, "rs1 weight 0, 192.0.2.9 weight 0"),
        ({"real_servers": [{"host": "rs1", "weight": 0}, {"host": "rs2", "state": "drained"}]}, {}, "rs1 weight 0, rs2 drained"),
        ({"real_servers": [{"host": "rs1", "state": "absent"}]}, {}, "rs1 absent"),
        ({}, {"rs1": {"realserver_weight": 0}, "rs2": {"realserver_weight": "0"}}, "rs1 weight 0, rs2 weight 0"),
        ({"weight": 9}, {"rs1": {"realserver_weight": 0}, "rs2": {"realserver_state": "absent"}}, "rs1 weight 0, rs2 absent"),
        ({"fwmark": 7, "weight": 0, **ONLY_RS1}, {}, "rs1 weight 0"),
        ({"forwarding": "masquerade", "weight": 0, **ONLY_RS1}, {}, "rs1 weight 0"),
        # One family of two
        ({"address": BOTH, "real_servers": ["192.0.2.9"]}, {}, "none has an IPv6 address"),
        ({"address": BOTH, "real_servers": ["192.0.2.9", {"address": "2001:db8::9", "weight": 0}]}, {}, "2001:db8::9 weight 0"),
        ({"address": BOTH, "real_servers": ["2001:db8::9", {"host": "rs2", "state": "drained"}]}, {}, "rs2 drained"),
    ],
    ids=str,
)  # fmt: skip
def test_clients_would_find_nobody(change, hosts, states, error_words):
    (mistake,) = mistakes([{**WEB, **change}], **hosts)
    assert error_words(mistake) == ("lvs_services (web).real_servers", None)
    assert f"({states})" in mistake.rule
    assert mistakes([{**WEB, **change, "may_be_empty": True}], **hosts) == []


@pytest.mark.parametrize(
    "change",
    [
        {"real_servers": [{"host": "rs1", "weight": 0}, "rs2"]},
        {"real_servers": [{"host": "rs1", "weight": 1}], "weight": 0},
        {"keep_weight": True, "real_servers": [{"host": "rs1", "weight": 0}, "rs2"]},
        {"address": BOTH, "real_servers": ["rs2", {"address": "192.0.2.9", "weight": 0}]},
        {"address": BOTH, "real_servers": []},
    ],
    ids=str,
)
def test_clients_would_find_somebody_or_a_pool_that_is_meant_to_be_empty(change):
    assert mistakes([{**WEB, **change}]) == []


def test_all_mistakes_at_once():
    with pytest.raises(Findings) as raised:
        read_topology([{**WEB, "protocol": "icmp", "ports": [0]}], GROUPS, VARS)
    assert len(str(raised.value).splitlines()) == len(raised.value.findings) == 2


def test_a_host_is_asked_for_each_variable_once_and_for_no_other():
    """Ansible templates a variable each time that it is asked for, and others may need what is being made here."""
    asked = Counter()

    class Own(dict):
        def get(self, name, default=None):
            asked[name] += 1
            return super().get(name, default)

        def __getitem__(self, name):
            raise AssertionError(name)

    hostvars = {host: Own({**own, "director_vips": ""}) for host, own in VARS.items()}
    items = [{**WEB, "name": f"s{port}", "ports": [port], "real_servers": ["rs1", "rs2"]} for port in (80, 81)]
    read_topology(items, GROUPS, hostvars)
    assert asked.pop("ansible_host") == 1  # that of lb1
    # Whose group is which, and whether all have one description
    assert {name: asked.pop(name) for name in ("lvs_directors_group", "lvs_services")} == {
        "lvs_directors_group": len(VARS), "lvs_services": len(VARS),
    }  # fmt: skip
    assert set(asked) == {
        "realserver_address", "realserver_weight", "realserver_state", "director_address", "director_state",
        "director_failover", "director_vrid",
    }  # fmt: skip
    assert set(asked.values()) == {2}
