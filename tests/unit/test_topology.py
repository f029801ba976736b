# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology that is written once: its mistakes, and what each host is told of it."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _topology_views as views
from ansible_collections.lvs.cluster.plugins.module_utils._finding import Findings
from ansible_collections.lvs.cluster.plugins.module_utils._firewall_wanted import WantedFirewall
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
BOTH_FAR = ["192.0.2.33", "2001:db8::33"]
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


WAYS = [
    {**WEB, "ports": [80]},
    {"name": "far", "address": BOTH_FAR, "ports": [80], "forwarding": "tunnel", "real_servers": ["rs2"]},
    {"name": "marked", "address": "192.0.2.31", "fwmark": 7, "forwarding": "tunnel", "tunnel_type": "gre"},
    {"name": "nat", "address": "192.0.2.32", "ports": [80], "forwarding": "masquerade"},
]


def test_a_vip_is_where_its_packets_come_out():
    found = topology(WAYS, GROUPS, VARS)
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
    found = topology([WEB, tunneled, masqueraded], GROUPS, VARS)
    assert views.realserver_vips(found, "rs1") == []
    assert views.realserver_tunnels(found, "rs1") == [
        {"interface": "lvs-ipip", "kind": "ipip", "addresses": ["192.0.2.30"]}
    ]
    assert views.realserver_vips(topology([masqueraded, WEB], GROUPS, VARS), "rs1") == ["192.0.2.30"]


def test_a_director_that_masquerades_forwards():
    assert views.director_forwarding(topology(WAYS, GROUPS, VARS), "lb1") == 1
    assert views.director_forwarding(topology(WAYS[:3], GROUPS, VARS), "lb1") == 0
    elsewhere = [WAYS[0], {**WAYS[3], "directors": ["lb2"]}]
    assert [views.director_forwarding(topology(elsewhere, GROUPS, VARS), host) for host in ("lb1", "lb2")] == [0, 1]


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


W = "lvs_services (web)"
BOTH = ["192.0.2.30", "2001:db8::30"]
AN_ADDRESS = "write one such as 192.0.2.30 or 2001:db8::30, without a prefix length."
ONE_HOST = "name the unicast address of one host."
NAMED = "write it as it stands in the inventory"
ONLY_RS1 = {"real_servers": ["rs1"]}
TUNNEL = {"forwarding": "tunnel", **ONLY_RS1}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"colour": 1}, f"{W}: 'colour' is not an option; choose from address, directors, forwarding, fwmark, keep_weight, lower_threshold, may_be_empty, name, one_packet, persistence_engine, persistence_netmask, persistence_timeout, ports, protocol, real_servers, scheduler, scheduler_flags, tunnel_checksum, tunnel_port, tunnel_type, upper_threshold, weight."),
        ({"name": None}, "lvs_services[0]: 'name' is missing; give it name."),
        ({"address": []}, f"{W}: 'address' is missing; give it address."),
        ({"ports": None}, f"{W}: 'ports' is missing; give it ports."),
        ({"address": "192.0.2.0/24"}, f"{W}.address: '192.0.2.0/24' is not an IP address; {AN_ADDRESS}"),
        ({"address": 5}, f"{W}.address: '5' is not an IP address; {AN_ADDRESS}"),
        ({"address": "127.0.0.9"}, f"{W}.address: '127.0.0.9' is a loopback address; name an address that clients reach."),
        ({"address": "224.0.0.1"}, f"{W}.address: '224.0.0.1' is a multicast address; {ONE_HOST}"),
        ({"address": "0.0.0.0"}, f"{W}.address: '0.0.0.0' is the unspecified address; {ONE_HOST}"),
        ({"address": "255.255.255.255"}, f"{W}.address: '255.255.255.255' is the broadcast address; {ONE_HOST}"),
        ({"address": "fe80::1%eth0"}, f"{W}.address: 'fe80::1%eth0' carries a zone; write the address without %eth0."),
        ({"address": ["192.0.2.30", "192.0.2.30"]}, f"{W}.address: '192.0.2.30' is listed twice; keep one."),
        ({"address": "192.0.2.3"}, f"{W}.address: '192.0.2.3' is the own address of host lb1; choose a VIP that no host has for itself."),
        ({"address": "192.0.2.4"}, f"{W}.address: '192.0.2.4' is the own address of host rs1; choose a VIP that no host has for itself."),
        ({"address": "192.0.2.9", "real_servers": ["192.0.2.9"]}, f"{W}.address: '192.0.2.9' is the own address of a real server; choose a VIP that no host has for itself."),
        ({"ports": 80}, f"{W}.ports: '80' is not a list; write it as a list."),
        ({"ports": [0]}, f"{W}.ports: '0' is out of range; give a number from 1 to 65535."),
        ({"ports": [65536]}, f"{W}.ports: '65536' is out of range; give a number from 1 to 65535."),
        ({"ports": ["http"]}, f"{W}.ports: 'http' is not a whole number; write digits."),
        ({"ports": [80, "80"]}, f"{W}.ports: '80' is listed twice; keep one."),
        ({"protocol": "icmp"}, f"{W}.protocol: 'icmp' is not known; choose from tcp, udp, sctp."),
        ({"fwmark": 0}, f"{W}.fwmark: '0' is out of range; give a number from 1 to 4294967295."),
        ({"fwmark": 1 << 32}, f"{W}.fwmark: '4294967296' is out of range; give a number from 1 to 4294967295."),
        ({"scheduler": 5}, f"{W}.scheduler: '5' is not a text; write it as one word."),
        ({"scheduler_flags": "sh-port"}, f"{W}.scheduler_flags: 'sh-port' is not a list; write it as a list."),
        ({"scheduler_flags": ["mh-port"]}, f"{W}.scheduler_flags: 'mh-port' is no flag of scheduler rr; choose from flag-1, flag-2, flag-3."),
        ({"one_packet": "maybe"}, f"{W}.one_packet: 'maybe' is not a boolean; write true or false."),
        ({"one_packet": True}, f"{W}.one_packet: 'True' schedules single datagrams and does not go with tcp; use it with udp only."),
        ({"persistence_timeout": -1}, f"{W}.persistence_timeout: '-1' is out of range; give a number from 0 to 2678400."),
        ({"persistence_netmask": True}, f"{W}.persistence_netmask: 'True' is not a netmask; write an IPv4 mask or an IPv6 prefix length."),
        ({"may_be_empty": "now"}, f"{W}.may_be_empty: 'now' is not a boolean; write true or false."),
        ({"keep_weight": "often"}, f"{W}.keep_weight: 'often' is not a boolean; write true or false."),
        ({"weight": "many"}, f"{W}.weight: 'many' is not a whole number; write digits."),
        ({"weight": -1, **ONLY_RS1}, f"rs1: {W}.weight of server 192.0.2.4: '-1' is out of range; give a number from 0 to 2147483647."),
        ({"lower_threshold": 3, **ONLY_RS1}, f"rs1: {W}.lower_threshold of server 192.0.2.4: '3' is above upper_threshold 0; lower it, or raise upper_threshold."),
        ({"forwarding": "nat"}, f"{W}.forwarding: 'nat' is not known; choose from direct, tunnel, masquerade."),
        ({"tunnel_type": "gre", **ONLY_RS1}, f"rs1: {W}.tunnel_type of server 192.0.2.4: 'gre' does not go with forwarding direct; leave it out."),
        ({"tunnel_type": "vxlan", **TUNNEL}, f"rs1: {W}.tunnel_type of server 192.0.2.4: 'vxlan' is not known; choose from ipip, gue, gre."),
        ({"tunnel_port": 5555, **TUNNEL}, f"rs1: {W}.tunnel_port of server 192.0.2.4: '5555' does not go with tunnel type ipip; leave it out."),
        ({"tunnel_type": "gue", **TUNNEL}, f"rs1: {W}.tunnel_port of server 192.0.2.4 is missing for tunnel type gue; name the UDP port of the server's fou device."),
        ({"tunnel_checksum": "md5", **TUNNEL}, f"rs1: {W}.tunnel_checksum of server 192.0.2.4: 'md5' is not known; choose from none, plain, remote."),
        ({"real_servers": [{"host": "rs1", "port": 8080}]}, f"rs1: {W}.port of server 192.0.2.4: '8080' is not the service's port 80, and forwarding direct leaves the packet as it is, so the server would get it for port 80; let the server listen on the service's port and leave port out, or use forwarding masquerade."),
        ({"real_servers": "rs1"}, f"{W}.real_servers: 'rs1' is not a list; write it as a list."),
        ({"real_servers": ["rs1", "192.0.2.4"]}, f"{W}.real_servers: '192.0.2.4' is listed twice; keep one entry for each server."),
        ({"address": BOTH, "real_servers": ["2001:db8::5", "rs2"]}, f"{W}.real_servers: 'rs2' is listed twice; keep one entry for each server."),
        ({"real_servers": ["rs1", "realservers"]}, f"{W}.real_servers: 'rs1' is listed twice; keep one entry for each server."),
        ({"real_servers": ["rs9.example"]}, f"{W}.real_servers: 'rs9.example' is neither a host nor a group of the inventory, nor an IP address; {NAMED}, or name the server's address."),
        ({"real_servers": [{"address": "rs9"}]}, f"{W}.real_servers: 'rs9' is not an IP address; {AN_ADDRESS}"),
        ({"real_servers": ["127.0.0.1"]}, f"{W}.real_servers: '127.0.0.1' is a loopback address; name the server's own address."),
        ({"real_servers": ["224.0.0.1"]}, f"{W}.real_servers: '224.0.0.1' is a multicast address; {ONE_HOST}"),
        ({"real_servers": ["empty"]}, f"{W}.real_servers is empty; put a host into its group, or write real_servers: []."),
        ({"real_servers": [{"weight": 1}]}, f"{W}.real_servers: \"{{'weight': 1}}\" names not exactly one server; give it either host or address."),
        ({"real_servers": [{"host": "rs1", "colour": 1}]}, f"{W}.real_servers: 'colour' is not an option of a server; choose from address, host, lower_threshold, port, state, tunnel_checksum, tunnel_port, tunnel_type, upper_threshold, weight."),
        ({"real_servers": [{"host": "rs1", "state": "off"}]}, f"rs1: {W}.real_servers.state: 'off' is not known; choose from present, drained, absent."),
        ({"directors": "lb1"}, f"{W}.directors: 'lb1' is not a list; write it as a list."),
        ({"directors": ["lb9"]}, f"{W}.directors: 'lb9' is neither a host nor a group of the inventory; {NAMED}."),
        ({"directors": []}, f"{W}.directors is empty; put a host into its group, or name one."),
        ({"address": "2001:db8::30"}, f"rs1: {W}.real_servers: 'rs1' has no IPv6 address for VIP 2001:db8::30, which forwarding direct needs; give realserver_address one of each family."),
        ({"address": BOTH, "forwarding": "masquerade"}, f"rs1: {W}.real_servers: 'rs1' has no IPv6 address for VIP 2001:db8::30, which forwarding masquerade needs; give realserver_address one of each family."),
        ({"address": BOTH, **TUNNEL}, f"rs1: {W}.real_servers: '192.0.2.4' gets VIP 2001:db8::30 by ipip over IPv4, for which the role makes no device; give realserver_address an IPv6 address too, or use tunnel_type gre."),
        ({"address": "2001:db8::30", "tunnel_type": "gre", "forwarding": "tunnel", "real_servers": ["rs2"]}, f"rs2: {W}.real_servers: '2001:db8::5' gets VIP 2001:db8::30 by gre over IPv6, for which the role makes no device; use tunnel_type ipip, or give it an IPv4 address alone."),
        ({"address": "2001:db8::30", "real_servers": ["192.0.2.9"]}, f"{W}.real_servers: '192.0.2.9' has no IPv6 address for VIP 2001:db8::30, which forwarding direct needs; name one of the VIP's family."),
    ],
)  # fmt: skip
def test_mistakes(change, expected):
    assert sentences([{**WEB, **change}]) == [expected]


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
    assert sentences([{**WEB, **change}]) == []


def test_a_tunnel_has_the_other_family_outside_where_a_server_has_no_other():
    pool = [{"host": "rs1", "tunnel_type": "gre"}, "rs2"]
    web = {**WEB, "address": BOTH, "ports": [80], "forwarding": "tunnel", "real_servers": pool}
    found = topology([web], GROUPS, VARS)
    four, six = views.director_services(found, "lb1")
    assert [server["address"] for server in four["real_servers"]] == ["192.0.2.4", "192.0.2.5"]
    assert [server["address"] for server in six["real_servers"]] == ["192.0.2.4", "2001:db8::5"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {"name": "web", "ports": [81]}, "lvs_services.name: 'web' is there twice; name each service differently."),
        ({}, {"ports": [80]}, "lvs_services (two): '192.0.2.30 port 80/tcp' is that of service web too; leave it to one of the two."),
        ({}, {"ports": [443], "fwmark": 7}, "lvs_services (two): '192.0.2.30 port 443/tcp' is that of service web too; leave it to one of the two."),
        ({}, {"ports": None, "fwmark": 7}, "lvs_services (two): '192.0.2.30 any port/tcp' is that of service web too; leave it to one of the two."),
        ({"ports": None, "fwmark": 7}, {"ports": [81]}, "lvs_services (two): '192.0.2.30 port 81/tcp' is that of service web too; leave it to one of the two."),
        ({"fwmark": 7}, {"fwmark": "7", "ports": [81]}, "lvs_services (two): 'fwmark 7 (IPv4)' is that of service web too; leave it to one of the two."),
        ({}, {"ports": [81], "directors": ["lb1"]}, "lvs_services (two): '192.0.2.30' has other directors in service web; give each service of a VIP the same directors in the same order."),
        ({}, 5, "lvs_services[1]: '5' is not a service; write name, address and ports."),
    ],
)  # fmt: skip
def test_mistakes_of_two_services(first, second, expected):
    services = [{**WEB, **first}, {**WEB, "name": "two", **second} if isinstance(second, dict) else second]
    assert sentences(services) == [expected]


def test_a_mark_can_be_that_of_another_family_elsewhere():
    six = {**WEB, "name": "six", "address": "2001:db8::30", "real_servers": ["rs2"]}
    assert sentences([{**WEB, "fwmark": 7}, {**six, "fwmark": 7}]) == []
    assert sentences([WEB, {**WEB, "name": "udp", "protocol": "udp"}]) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rs1": {"realserver_state": "off"}}, "rs1: realserver_state: 'off' is not known; choose from present, drained, absent."),
        ({"rs1": {"realserver_state": "absent"}, "rs2": {"realserver_state": "drained"}}, f"{W}.real_servers has no server that is present (rs1 absent, rs2 drained); leave one present, or write may_be_empty: true."),
        ({"rs1": {"realserver_weight": "x"}}, "rs1: realserver_weight: 'x' is not a whole number; write digits."),
        ({"rs1": {"realserver_address": "192.0.2.5"}}, "rs2: realserver_address: '192.0.2.5' is the address of rs1 too; give each host an address of its own."),
        ({"rs1": {"realserver_address": "192.0.2.3"}}, "rs1: realserver_address: '192.0.2.3' is the address of lb1 too; give each host an address of its own."),
        ({"rs1": {"realserver_address": None}}, "rs1: ansible_host: '127.0.0.1' is a loopback address; set realserver_address to the host's own address."),
        ({"rs1": {"realserver_address": "rs1.example"}}, "rs1: realserver_address: 'rs1.example' is not an IP address; set realserver_address to the host's own address."),
        ({"rs1": {"realserver_address": []}}, "rs1: realserver_address is empty; set realserver_address to the host's own address."),
        ({"rs1": {"realserver_address": ["192.0.2.4", "192.0.2.7"]}}, "rs1: realserver_address: '192.0.2.7' is the second IPv4 address; name one of a family."),
        ({"lb1": {"director_state": "off"}}, "lb1: director_state: 'off' is not known; choose from present, absent."),
        ({"lb1": {"director_address": "127.0.0.1"}}, "lb1: director_address: '127.0.0.1' is a loopback address; set director_address to the host's own address."),
        ({"lb2": {"director_address": "192.0.2.3"}}, "lb2: director_address: '192.0.2.3' is the address of lb1 too; give each host an address of its own."),
    ],
)  # fmt: skip
def test_mistakes_of_hosts(changes, expected):
    assert sentences([WEB], **changes) == [expected]


def test_all_may_leave_with_the_directors():
    changes = {host: {"realserver_state": "absent"} for host in ("rs1", "rs2")}
    assert sentences([WEB], **changes, lb1={"director_state": "absent"}) != []
    assert sentences([WEB], **changes, lb1={"director_state": "absent"}, lb2={"director_state": "absent"}) == []


def test_all_mistakes_at_once():
    with pytest.raises(Findings) as raised:
        topology([{**WEB, "protocol": "icmp", "ports": [0]}], GROUPS, VARS)
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
    topology(items, GROUPS, hostvars)
    assert asked.pop("ansible_host") == 1  # that of lb1
    assert set(asked) == {
        "realserver_address", "realserver_weight", "realserver_state", "director_address", "director_state",
    }  # fmt: skip
    assert set(asked.values()) == {2}


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
            "protocol": draw(st.sampled_from(["tcp", "udp", "sctp"])),
            "keep_weight": draw(st.booleans()),
            "may_be_empty": True,
        }
        items.append({**item, "fwmark": number + 1} if draw(st.booleans()) else item)
    return items, hostvars


@given(topologies())
def test_views_agree(drawn):
    items, hostvars = drawn
    found = topology(items, {}, hostvars)
    assert found == topology(items, {}, hostvars)
    answered = []
    for director in ("lb0", "lb1", "lb2"):
        mine = [item for item in items if director in item["directors"]]
        services = views.director_services(found, director)
        for one in services:
            parse_service(one)
        keys = [one.get("fwmark") or (one["address"], one["port"], one["protocol"]) for one in services]
        plain = [item for item in mine if "fwmark" not in item]
        wanted = [(vip, port, item["protocol"]) for item in plain for vip in item["address"] for port in item["ports"]]
        wanted += [item["fwmark"] for item in mine if "fwmark" in item for _vip in item["address"]]
        assert sorted(map(str, keys)) == sorted(map(str, wanted))
        listed = views.director_openings(found, director)
        WantedFirewall.from_options({"name": "director", "open": listed})
        to_vips = {(one["address"], one["port"], one["protocol"]) for one in listed if "direction" not in one}
        assert to_vips == {
            (vip, port, item["protocol"]) for item in mine for vip in item["address"] for port in item["ports"]
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
    listed = view(topology(services or WAYS, GROUPS, hostvars or VARS), host)
    openings = WantedFirewall.from_options({"name": "x", "open": listed}).openings
    vips = views.cluster_vips(topology(services or WAYS, GROUPS, hostvars or VARS))
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
    assert views.realserver_openings(topology([mapped], GROUPS, VARS), "rs1") == []


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
    found = topology([WEB], groups, {**hostvars, "lb1": VARS["lb1"]})
    assert [len(one["real_servers"]) for one in views.director_services(found, "lb1")] == [200, 200]
