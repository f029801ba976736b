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


def sentences(services, **changes):
    hostvars = {host: {**own, **changes.get(host, {})} for host, own in VARS.items()}
    return [finding.sentence for finding in read_findings(services, GROUPS, hostvars)]


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
    assert set(asked) == {
        "realserver_address", "realserver_weight", "realserver_state", "director_address", "director_state",
    }  # fmt: skip
    assert set(asked.values()) == {2}
