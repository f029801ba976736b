# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology that is written once: its mistakes, and what each host is told of it."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _topology_views as views
from ansible_collections.lvs.cluster.plugins.module_utils._finding import Findings
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_services, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._topology import findings, topology
from hypothesis import given
from hypothesis import strategies as st

WEB = {"name": "web", "address": "192.0.2.30", "ports": [80, "443"], "scheduler": "rr"}
VARS = {
    "lb1": {"ansible_host": "192.0.2.3"},
    "lb2": {"director_address": ["192.0.2.2", "2001:db8::2"]},
    "rs1": {"realserver_address": "192.0.2.4", "ansible_host": "127.0.0.1"},
    "rs2": {"realserver_address": ["192.0.2.5", "2001:DB8::5"], "realserver_weight": "3"},
}
GROUPS = {"all": list(VARS), "directors": ["lb1", "lb2"], "realservers": ["rs1", "rs2"], "empty": []}


def sentences(services, **changes):
    hostvars = {host: {**own, **changes.get(host, {})} for host, own in VARS.items()}
    return [finding.sentence for finding in findings(services, GROUPS, hostvars)]


def pool(options):
    found = topology([{**WEB, "ports": [80], **options}], GROUPS, VARS)
    return views.director_services(found, "lb1")[0]["real_servers"]


def test_services_of_a_director():
    found = views.director_services(topology([WEB], GROUPS, VARS), "lb1")
    assert [(one["address"], one["port"], one["protocol"], one["scheduler"]) for one in found] == [
        ("192.0.2.30", 80, "tcp", "rr"),
        ("192.0.2.30", 443, "tcp", "rr"),
    ]
    assert found[0]["real_servers"] == [
        {"address": "192.0.2.4", "forwarding": "direct", "state": "present", "weight": 1},
        {"address": "192.0.2.5", "forwarding": "direct", "state": "present", "weight": 3},
    ]


def test_both_families_and_marks():
    item = {
        **WEB,
        "address": ["192.0.2.30", "2001:db8::30"],
        "fwmark": 7,
        "real_servers": ["rs2"],
        "persistence_netmask": 64,
    }
    found = topology([item], GROUPS, VARS)
    services = views.director_services(found, "lb2")
    assert [(one["fwmark"], one["address_family"], one.get("persistence_netmask")) for one in services] == [
        (7, "ipv4", None),
        (7, "ipv6", "64"),
    ]
    assert [one["real_servers"][0]["address"] for one in services] == ["192.0.2.5", "2001:db8::5"]
    assert views.director_marks(found, "lb1")[1] == {
        "address": "2001:db8::30",
        "ports": [80, 443],
        "protocol": "tcp",
        "mark": 7,
    }


def test_the_first_director_that_is_there_has_the_vips():
    found = topology([WEB], GROUPS, VARS)
    assert (views.director_vips(found, "lb1"), views.director_standby_vips(found, "lb1")) == (["192.0.2.30"], [])
    assert (views.director_vips(found, "lb2"), views.director_standby_vips(found, "lb2")) == ([], ["192.0.2.30"])
    found = topology([WEB], GROUPS, {**VARS, "lb1": {**VARS["lb1"], "director_state": "absent"}})
    assert views.director_vips(found, "lb2") == ["192.0.2.30"]


def test_a_server_wins_over_its_host_and_the_host_over_the_pool():
    servers = pool({"weight": 9, "real_servers": ["rs1", {"host": "rs2", "weight": 5}, "192.0.2.9"]})
    assert [server["weight"] for server in servers] == [9, 5, 9]
    assert pool({"weight": 9})[1]["weight"] == 3


def test_drained_and_kept_weights_in_the_kernel():
    """A drain from the description is remembered; an operator's weight is kept where that is asked for."""
    hostvars = {**VARS, "rs1": {**VARS["rs1"], "realserver_state": "drained"}}

    def plan(table, services, known):
        wanted = [parse_service(one) for one in views.director_services(topology(services, GROUPS, known), "lb1")]
        return plan_services(table, wanted)

    web = [{**WEB, "ports": [80]}]
    table = simulate({}, plan({}, web, VARS).operations)
    drain = plan(table, web, hostvars)
    assert drain.words == ["drain server 192.0.2.4:80 of tcp 192.0.2.30:80: weight 1 -> 0"]
    drained = simulate(table, drain.operations)
    assert plan(drained, web, hostvars).words == []
    assert plan(drained, web, VARS).words == ["change server 192.0.2.4:80 of tcp 192.0.2.30:80: weight 0 -> 1"]
    kept = [{**WEB, "ports": [80], "keep_weight": True}]
    assert plan(drained, kept, VARS).words == []
    assert simulate({}, plan({}, kept, VARS).operations) == table


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"colour": 1}, "'colour' is not an option; choose from "),
        ({"ports": None}, "'ports' is missing; give it ports."),
        ({"ports": 80}, "lvs_services (web).ports: '80' is not a list; write it as a list."),
        ({"ports": [0]}, "lvs_services (web).ports: '0' is out of range; give a number from 1 to 65535."),
        ({"weight": "many"}, "lvs_services (web).weight: 'many' is not a whole number; write digits."),
        ({"address": "192.0.2.0/24"}, "'192.0.2.0/24' is not an IP address; "),
        ({"address": "127.0.0.9"}, "'127.0.0.9' is a loopback address; name an address that clients reach."),
        ({"address": "224.0.0.1"}, "'224.0.0.1' is a multicast address; "),
        ({"protocol": "icmp"}, "lvs_services (web).protocol: 'icmp' is not known; choose from tcp, udp, sctp."),
        ({"address": "192.0.2.4"}, "'192.0.2.4' is the own address of host rs1; "),
        (
            {"address": "2001:db8::30"},
            "'rs1' has no IPv6 address for VIP 2001:db8::30, which forwarding direct needs; ",
        ),
        ({"real_servers": [{"host": "rs1", "port": 8080}]}, "'8080' is not the service's port 80, "),
        ({"real_servers": ["rs1", "192.0.2.4"]}, "'192.0.2.4' is listed twice; keep one entry for each server."),
        ({"real_servers": ["rs9"]}, "'rs9' is neither a host nor a group of the inventory, nor an IP address; "),
        ({"directors": ["lb9"]}, "'lb9' is neither a host nor a group of the inventory; "),
        ({"real_servers": ["empty"]}, "lvs_services (web).real_servers is empty; "),
        ({"lower_threshold": 3}, "'3' is above upper_threshold 0; "),
        ({"tunnel_type": "gre"}, "'gre' does not go with forwarding direct; leave it out."),
        ({"one_packet": True}, "'True' schedules single datagrams and does not go with tcp; use it with udp only."),
    ],
)
def test_mistakes(change, expected):
    found = sentences([{**WEB, **change}])
    assert any(expected in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"name": "web", "ports": [81]}, "lvs_services.name: 'web' is there twice; name each service differently."),
        ({"ports": [80]}, "lvs_services (two): '192.0.2.30 port 80/tcp' is that of service web too; "),
        (
            {"ports": [81], "directors": ["lb1"]},
            "lvs_services (two): '192.0.2.30' has other directors in service web; ",
        ),
    ],
)
def test_two_services(second, expected):
    (sentence,) = sentences([WEB, {**WEB, "name": "two", **second}])
    assert sentence.startswith(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rs1": {"realserver_state": "off"}}, "rs1: realserver_state: 'off' is not known; choose from present, drained, absent."),
        ({"lb1": {"director_state": "off"}}, "lb1: director_state: 'off' is not known; choose from present, absent."),
        ({"rs1": {"realserver_address": "192.0.2.5"}}, "rs2: realserver_address: '192.0.2.5' is the address of rs1 too; give each host an address of its own."),
        ({"rs1": {"realserver_address": None}}, "rs1: ansible_host: '127.0.0.1' is a loopback address; set realserver_address to the host's own address."),
    ],
)  # fmt: skip
def test_mistakes_of_hosts(changes, expected):
    assert sentences([WEB], **changes) == [expected]


def test_all_mistakes_at_once():
    with pytest.raises(Findings) as raised:
        topology([{**WEB, "protocol": "icmp", "ports": [0]}], GROUPS, VARS)
    assert len(str(raised.value).splitlines()) == len(raised.value.findings) == 2


@given(
    st.lists(st.sets(st.integers(1, 65535), min_size=1, max_size=4), min_size=1, max_size=4),
    st.sampled_from([["rs1"], ["rs2"], ["rs1", "rs2"], ["realservers"]]),
)
def test_views_agree(port_sets, servers):
    items = [
        {"name": f"s{number}", "address": f"198.51.100.{number + 1}", "ports": sorted(ports), "real_servers": servers}
        for number, ports in enumerate(port_sets)
    ]
    found = topology(items, GROUPS, VARS)
    assert found == topology(items, GROUPS, VARS)
    for host in GROUPS["directors"]:
        keys = [(one["address"], one["port"], one["protocol"]) for one in views.director_services(found, host)]
        assert len(set(keys)) == len(keys) == sum(map(len, port_sets))
        openings = [(one["address"], one["port"], one["protocol"]) for one in views.director_openings(found, host)]
        assert sorted(openings) == sorted(keys)
    for service in found.services:
        for server in service.servers:
            assert set(service.vips) <= set(views.realserver_vips(found, server.host))
