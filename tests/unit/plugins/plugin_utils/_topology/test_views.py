# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology that is written once: what each host is told of it."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from described_hosts import BOTH, GROUPS, VARS, WEB
from hypothesis import given
from hypothesis import strategies as st

BOTH_FAR = ["192.0.2.33", "2001:db8::33"]


def pool(options):
    found = read_topology([{**WEB, "ports": [80], **options}], GROUPS, VARS)
    return views.director_services(found, "lb1")[0]["real_servers"]


def test_services_of_a_director():
    found = views.director_services(read_topology([WEB], GROUPS, VARS), "lb1")
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
    found = read_topology([item], GROUPS, VARS)
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
    found = read_topology([WEB], GROUPS, VARS)
    assert (views.director_vips(found, "lb1"), views.director_standby_vips(found, "lb1")) == (["192.0.2.30"], [])
    assert (views.director_vips(found, "lb2"), views.director_standby_vips(found, "lb2")) == ([], ["192.0.2.30"])
    found = read_topology([WEB], GROUPS, {**VARS, "lb1": {**VARS["lb1"], "director_state": "absent"}})
    assert views.director_vips(found, "lb2") == ["192.0.2.30"]


def test_a_server_wins_over_its_host_and_the_host_over_the_pool():
    servers = pool({"weight": 9, "real_servers": ["rs1", {"host": "rs2", "weight": 5}, "192.0.2.9"]})
    assert [server["weight"] for server in servers] == [9, 5, 9]
    assert pool({"weight": 9})[1]["weight"] == 3


WAYS = [
    {**WEB, "ports": [80]},
    {"name": "far", "address": BOTH_FAR, "ports": [80], "forwarding": "tunnel", "real_servers": ["rs2"]},
    {"name": "marked", "address": "192.0.2.31", "fwmark": 7, "forwarding": "tunnel", "tunnel_type": "gre"},
    {"name": "nat", "address": "192.0.2.32", "ports": [80], "forwarding": "masquerade"},
]


def test_a_vip_is_where_its_packets_come_out():
    found = read_topology(WAYS, GROUPS, VARS)
    gre = {"interface": "lvs-gre", "kind": "gre", "addresses": ["192.0.2.31"]}
    assert views.realserver_vips(found, "rs1") == views.realserver_vips(found, "rs2") == ["192.0.2.30"]
    assert views.realserver_tunnels(found, "rs1") == [gre]
    assert views.realserver_tunnels(found, "rs2") == [
        gre,
        {"interface": "lvs-ip6tnl", "kind": "ip6tnl", "addresses": [BOTH_FAR[1]]},
        {"interface": "lvs-ipip", "kind": "ipip", "addresses": [BOTH_FAR[0]]},
    ]


def test_a_vip_that_comes_in_several_ways_is_there_once():
    tunneled = {**WEB, "name": "two", "ports": [81], "forwarding": "tunnel"}
    masqueraded = {**WEB, "name": "three", "ports": [82], "forwarding": "masquerade"}
    found = read_topology([WEB, tunneled, masqueraded], GROUPS, VARS)
    assert views.realserver_vips(found, "rs1") == []
    assert views.realserver_tunnels(found, "rs1") == [
        {"interface": "lvs-ipip", "kind": "ipip", "addresses": ["192.0.2.30"]}
    ]
    assert views.realserver_vips(read_topology([masqueraded, WEB], GROUPS, VARS), "rs1") == ["192.0.2.30"]


def test_a_director_that_masquerades_forwards():
    assert views.director_forwarding(read_topology(WAYS, GROUPS, VARS), "lb1") == 1
    assert views.director_forwarding(read_topology(WAYS[:3], GROUPS, VARS), "lb1") == 0
    elsewhere = [WAYS[0], {**WAYS[3], "directors": ["lb2"]}]
    assert [views.director_forwarding(read_topology(elsewhere, GROUPS, VARS), host) for host in ("lb1", "lb2")] == [
        0,
        1,
    ]


def test_drained_and_kept_weights_in_the_kernel():
    """A drain from the description is remembered; an operator's weight is kept where that is asked for."""
    hostvars = {**VARS, "rs1": {**VARS["rs1"], "realserver_state": "drained"}}

    def plan(table, services, known):
        wanted = [parse_service(one) for one in views.director_services(read_topology(services, GROUPS, known), "lb1")]
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


def test_a_tunnel_has_the_other_family_outside_where_a_server_has_no_other():
    pool = [{"host": "rs1", "tunnel_type": "gre"}, "rs2"]
    web = {**WEB, "address": BOTH, "ports": [80], "forwarding": "tunnel", "real_servers": pool}
    found = read_topology([web], GROUPS, VARS)
    four, six = views.director_services(found, "lb1")
    assert [server["address"] for server in four["real_servers"]] == ["192.0.2.4", "192.0.2.5"]
    assert [server["address"] for server in six["real_servers"]] == ["192.0.2.4", "2001:db8::5"]


@st.composite
def topologies(draw):
    """Return lvs_services without a mistake, and the variables of hosts that all have both families."""
    names = [f"rs{number}" for number in range(draw(st.integers(1, 5)))]
    hostvars = {
        host: {"realserver_address": [f"192.0.2.{number + 1}", f"2001:db8::{number + 1}"]}
        | draw(st.fixed_dictionaries({}, optional={
            "realserver_weight": st.integers(0, 100),
            "realserver_state": st.sampled_from(["present", "drained", "absent"]),
        }))
        for number, host in enumerate(names)
    }  # fmt: skip
    for number in range(3):
        state = draw(st.sampled_from(["present", "present", "absent"]))
        hostvars[f"lb{number}"] = {"ansible_host": f"192.0.2.{number + 101}", "director_state": state}
    items = []
    for number in range(draw(st.integers(1, 4))):
        vips = draw(st.sampled_from([[4], [6], [4, 6], [6, 4]]))
        item = {
            "name": f"s{number}",
            "forwarding": draw(st.sampled_from(["direct", "tunnel", "masquerade"])),
            "address": [f"198.51.100.{number + 1}" if family == 4 else f"2001:db8:1::{number + 1}" for family in vips],
            "ports": sorted(draw(st.sets(st.integers(1, 65535), min_size=1, max_size=4))),
            "directors": draw(st.lists(st.sampled_from(["lb0", "lb1", "lb2"]), min_size=1, unique=True)),
            "real_servers": draw(st.lists(st.sampled_from(names), unique=True)),
            "protocol": draw(st.lists(st.sampled_from(["tcp", "udp", "sctp"]), min_size=1, unique=True)),
            "keep_weight": draw(st.booleans()),
            "may_be_empty": True,
        }
        items.append({**item, "fwmark": number + 1} if draw(st.booleans()) else item)
    return items, hostvars


@given(topologies())
def test_views_agree(drawn):
    items, hostvars = drawn
    found = read_topology(items, {}, hostvars)
    assert found == read_topology(items, {}, hostvars)
    answered = []
    for director in ("lb0", "lb1", "lb2"):
        mine = [item for item in items if director in item["directors"]]
        services = views.director_services(found, director)
        for one in services:
            parse_service(one)
        keys = [one.get("fwmark") or (one["address"], one["port"], one["protocol"]) for one in services]
        plain = [item for item in mine if "fwmark" not in item]
        wanted = [
            (vip, port, protocol)
            for item in plain
            for vip in item["address"]
            for port in item["ports"]
            for protocol in item["protocol"]
        ]
        wanted += [item["fwmark"] for item in mine if "fwmark" in item for _vip in item["address"]]
        assert sorted(map(str, keys)) == sorted(map(str, wanted))
        listed = views.director_openings(found, director)
        WantedFirewall.from_options({"name": "director", "open": listed})
        to_vips = {(one["address"], one["port"], one["protocol"]) for one in listed if "direction" not in one}
        assert to_vips == {
            (vip, port, protocol)
            for item in mine
            for vip in item["address"]
            for port in item["ports"]
            for protocol in item["protocol"]
        }
        ways = {"tunnel": "out", "masquerade": "through"}
        pools = {item["forwarding"] for item in mine if any(one["forwarding"] == item["forwarding"] and one.get("state") != "absent"
                 for service in services for one in service["real_servers"])}  # fmt: skip
        assert {one["direction"] for one in listed if "direction" in one} == {ways[way] for way in pools if way in ways}
        marked = {(one["address"], one["mark"]) for one in views.director_marks(found, director)}
        assert marked == {(vip, item["fwmark"]) for item in mine if "fwmark" in item for vip in item["address"]}
        own, others = views.director_vips(found, director), views.director_standby_vips(found, director)
        assert sorted(own + others) == sorted({vip for item in mine for vip in item["address"]})
        assert not own or hostvars[director]["director_state"] == "present"
        answered += own
    assert len(set(answered)) == len(answered)
    for host in hostvars:
        listed = views.realserver_openings(found, host)
        WantedFirewall.from_options({"name": "realserver", "open": listed})
        accepted = {
            *views.realserver_vips(found, host),
            *(vip for one in views.realserver_tunnels(found, host) for vip in one["addresses"]),
        }
        assert {one["address"] for one in listed if one["protocol"] in ("tcp", "udp", "sctp")} == accepted
    for service in found.services:
        assert (set(service.vips) <= set(answered)) == (not set(service.directors) <= found.absent)
        for server in service.servers:
            tunneled = [vip for one in views.realserver_tunnels(found, server.host) for vip in one["addresses"]]
            accepted = [*views.realserver_vips(found, server.host), *tunneled]
            assert service.forwarding == "masquerade" or set(service.vips) <= set(accepted)
            assert len(set(accepted)) == len(accepted)


def opened(host: str, view, services=None, hostvars=None) -> list[str]:
    """Return what a host opens beside the VIPs, in words."""
    listed = view(read_topology(services or WAYS, GROUPS, hostvars or VARS), host)
    openings = WantedFirewall.from_options({"name": "x", "open": listed}).openings
    vips = views.cluster_vips(read_topology(services or WAYS, GROUPS, hostvars or VARS))
    return sorted(f"{one.direction} {one.words}" for one in openings if one.address not in vips)


def test_what_tunnels_and_masquerade_need_of_packet_filters():
    to_servers, from_directors = views.director_openings, views.realserver_openings
    assert opened("lb1", to_servers) == [
        *("out gre 192.0.2.4", "out gre 192.0.2.5", "out ipip 192.0.2.5", "out ipv6 2001:db8::5"),
        *("through tcp 192.0.2.4:80", "through tcp 192.0.2.5:80"),
    ]
    assert opened("rs1", from_directors) == ["in gre 192.0.2.4 from 192.0.2.2", "in gre 192.0.2.4 from 192.0.2.3"]
    assert opened("rs2", from_directors) == [
        *("in gre 192.0.2.5 from 192.0.2.2", "in gre 192.0.2.5 from 192.0.2.3"),
        *("in ipip 192.0.2.5 from 192.0.2.2", "in ipip 192.0.2.5 from 192.0.2.3"),
        "in ipv6 2001:db8::5",  # lb1 has no IPv6 address that is known
    ]
    assert opened("rs1", to_servers) == opened("lb1", from_directors) == []


def test_what_other_tunnels_and_ports_need_of_packet_filters():
    gue = {**WEB, "forwarding": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080, "directors": ["lb2"]}
    assert opened("lb2", views.director_openings, [gue]) == ["out udp 192.0.2.4:6080", "out udp 192.0.2.5:6080"]
    assert opened("rs1", views.realserver_openings, [gue]) == ["in udp 192.0.2.4:6080 from 192.0.2.2"]
    mapped = {**WAYS[3], "ports": [80, 443], "real_servers": [{"host": "rs1", "port": 8080}, "192.0.2.9"]}
    assert opened("lb1", views.director_openings, [mapped]) == [
        *("through tcp 192.0.2.4:8080", "through tcp 192.0.2.9:443", "through tcp 192.0.2.9:80"),
    ]
    assert views.realserver_openings(read_topology([mapped], GROUPS, VARS), "rs1") == []


def test_a_director_that_leaves_sends_until_it_has_left_and_a_server_that_left_gets_nothing():
    absent = {**VARS, "lb1": {**VARS["lb1"], "director_state": "absent"}}
    ipip = [{**WEB, "forwarding": "tunnel", "real_servers": ["rs1"]}]
    senders = ["in ipip 192.0.2.4 from 192.0.2.2", "in ipip 192.0.2.4 from 192.0.2.3"]
    assert opened("rs1", views.realserver_openings, ipip, absent) == senders
    left = {**VARS, "rs1": {**VARS["rs1"], "realserver_state": "absent"}}
    assert opened("rs1", views.realserver_openings, [{**ipip[0], "may_be_empty": True}], left) == senders
    assert opened("lb1", views.director_openings, [{**ipip[0], "may_be_empty": True}], left) == []


def test_two_hundred_servers():
    hostvars = {
        f"rs{number}": {"realserver_address": f"10.0.{number // 100}.{number % 100 + 1}"} for number in range(200)
    }
    groups = {"directors": ["lb1"], "realservers": list(hostvars)}
    found = read_topology([WEB], groups, {**hostvars, "lb1": VARS["lb1"]})
    assert [len(one["real_servers"]) for one in views.director_services(found, "lb1")] == [200, 200]
