# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles are told of the topology by the filters that they use until they take those of _topology_views."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _topology_former as topology
from ansible_collections.lvs.cluster.plugins.module_utils._errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import SERVICE_OPTIONS, parse_service

WEB = {"name": "web", "address": "192.0.2.30", "ports": [80, 443], "scheduler": "rr", "forwarding": "direct"}
DNS = {
    "name": "dns",
    "address": "192.0.2.30",
    "ports": [53],
    "protocol": "udp",
    "real_servers": [{"address": "192.0.2.9"}],
}
POOL = [{"address": "192.0.2.4"}, {"address": "192.0.2.5", "weight": 3}]


def test_vips_once_each():
    assert topology.vips([WEB, DNS, {**WEB, "address": "2001:DB8::30"}]) == ["192.0.2.30", "2001:db8::30"]


def test_one_service_for_each_port():
    found = topology.ipvs_services([WEB, DNS], POOL)
    assert [(service["protocol"], service["port"]) for service in found] == [("tcp", 80), ("tcp", 443), ("udp", 53)]
    assert found[0]["real_servers"] == [
        {"forwarding": "direct", "address": "192.0.2.4"},
        {"forwarding": "direct", "address": "192.0.2.5", "weight": 3},
    ]
    assert found[2]["real_servers"] == [{"address": "192.0.2.9"}]
    for service in found:
        assert service.keys() <= SERVICE_OPTIONS.keys()
        parse_service(service)


def test_pool_of_the_inventory():
    hostvars = {
        "rs1": {"realserver_address": "192.0.2.4", "ansible_host": "127.0.0.1"},
        "rs2": {"ansible_host": "192.0.2.5", "realserver_weight": "3", "realserver_state": "absent"},
        "192.0.2.6": {},
    }
    assert topology.real_servers(hostvars, hostvars) == [
        {"address": "192.0.2.4", "state": "present"},
        {"address": "192.0.2.5", "state": "absent", "weight": 3},
        {"address": "192.0.2.6", "state": "present"},
    ]


def test_dips():
    hostvars = {
        "lb1": {"director_address": "192.0.2.3", "ansible_host": "lb1.example"},
        "lb2": {"ansible_host": "192.0.2.2"},
    }
    assert topology.dips(hostvars, hostvars) == ["192.0.2.3", "192.0.2.2"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: topology.dips(["lb1"], {"lb1": {}}),
            "host lb1, ansible_host: 'lb1' is not the address of a director; set director_address.",
        ),
        (
            lambda: topology.real_servers(["rs1"], {"rs1": {"ansible_host": "rs1.example"}}),
            "host rs1, ansible_host: 'rs1.example' is not the address of a real server; set realserver_address.",
        ),
        (
            lambda: topology.vips([{"name": "web", "ports": [80]}]),
            "lvs_services (web): 'address' is missing; give it address.",
        ),
        (
            lambda: topology.vips([{**WEB, "address": "192.0.2.0/24"}]),
            "lvs_services (web) address: '192.0.2.0/24' is not an IP address; "
            "write one such as 192.0.2.30 or 2001:db8::30, without a prefix length.",
        ),
        (
            lambda: topology.ipvs_services([{**WEB, "schedular": "rr"}], POOL),
            "lvs_services (web): 'schedular' is not an option; choose from address, forwarding, name, one_packet, "
            "persistence_netmask, persistence_timeout, ports, protocol, real_servers, scheduler, scheduler_flags.",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(InvalidValue) as refusal:
        call()
    assert str(refusal.value) == message
