# SPDX-License-Identifier: GPL-3.0-or-later
"""What a director has, taken into lvs_services: these make the same table again, and what they can't say is told."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.filter.adopt import FilterModule
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import service_options
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.adopt import adopt
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from hypothesis import given
from ipvs_strategies import tables

GROUPS = {"all": ["lb1"], "directors": ["lb1"]}
VARS = {"lb1": {"ansible_host": "198.51.100.3"}}
SERVER = {
    "address": "192.0.2.4",
    "port": 80,
    "forwarding": "direct",
    "weight": 2,
    "upper_threshold": 0,
    "lower_threshold": 0,
}
WEB = {
    "address": "192.0.2.30",
    "port": 80,
    "protocol": "tcp",
    "scheduler": "wlc",
    "scheduler_flags": [],
    "one_packet": False,
    "persistence_timeout": 0,
    "persistence_netmask": "255.255.255.255",
    "persistence_engine": "",
    "real_servers": [SERVER],
}
TLS = {**WEB, "port": 443, "real_servers": [{**SERVER, "port": 443}]}


def made(services):
    """Return the table that the director role makes of lvs_services where there was none."""
    wanted = views.director_services(read_topology(services, GROUPS, VARS), "lb1")
    return simulate({}, plan_services({}, [parse_service(one) for one in wanted]).operations)


def apart(table):
    """Return the table with VIPs that no server has for its own address, as everywhere but in random tables."""
    blocks = (("192.0.2.", "203.0.113."), ("2001:db8::", "2001:db8:f::"))

    def moved(address):
        return next((new + address[len(old) :] for old, new in blocks if address.startswith(old)), address)

    return {key._replace(address=moved(key.address)): state for key, state in table.items()}


@given(tables().map(apart))
def test_what_is_adopted_makes_the_same_table(table):
    read = {key: service_options(key, *state) for key, state in table.items()}
    adopted = adopt(read.values())
    again = made(adopted.services) if adopted.services else {}
    assert again.items() <= table.items()
    assert len(again) + len(adopted.left_out) == len(table)
    for key in table.keys() - again.keys():
        ways = {settings.forwarding for settings in table[key].servers.values()}
        twice = len({server.address for server in table[key].servers}) < len(table[key].servers)
        assert key.fwmark or len(ways) > 1 or twice, "nothing is left out that could be said"


def test_ports_of_one_pool_share_an_item():
    assert adopt([WEB, TLS]) == (
        [
            {
                "name": "tcp-192.0.2.30-80-443",
                "address": "192.0.2.30",
                "ports": [80, 443],
                "scheduler": "wlc",
                "forwarding": "direct",
                "real_servers": [{"address": "192.0.2.4", "weight": 2}],
            }
        ],
        [],
    )


def test_a_pool_without_weights_is_meant_to_be_so():
    """lvs_services would take it for a mistake otherwise."""
    (item,) = adopt([{**WEB, "real_servers": [{**SERVER, "weight": 0}]}]).services
    assert item["may_be_empty"] is True
    assert made([item])
    assert "may_be_empty" not in adopt([WEB]).services[0]


def test_the_filter_gives_both():
    adopted = adopt([WEB, {**WEB, "port": 0}])
    assert FilterModule().filters()["adopted_services"]([WEB, {**WEB, "port": 0}]) == {
        "lvs_services": adopted.services,
        "left_out": adopted.left_out,
    }


def test_ports_of_different_pools_do_not():
    heavier = {**TLS, "real_servers": [{**SERVER, "port": 443, "weight": 3}]}
    assert [item["ports"] for item in adopt([WEB, heavier]).services] == [[80], [443]]


@pytest.mark.parametrize(
    ("service", "sentence"),
    [
        (
            {"fwmark": 7, "address_family": "ipv4", "real_servers": []},
            "fwmark 7 (ipv4) is left out: the table does not tell which packets get the mark; write it with its address, ports and fwmark.",
        ),
        (
            {**WEB, "port": 0},
            "tcp 192.0.2.30 port 0 is left out: it is for every port; write it with a fwmark and no ports.",
        ),
        (
            {**WEB, "real_servers": [SERVER, {**SERVER, "address": "192.0.2.5", "forwarding": "masquerade"}]},
            "tcp 192.0.2.30 port 80 is left out: its servers are reached in several ways (direct, masquerade); give it one, or use ipvs_table.",
        ),
        (
            {**WEB, "real_servers": [{**SERVER, "forwarding": "local"}]},
            "tcp 192.0.2.30 port 80 is left out: the kernel reports forwarding local; write its servers as hosts of the inventory.",
        ),
        (
            {**WEB, "real_servers": [{**SERVER, "forwarding": "masquerade", "port": port} for port in (8080, 8081)]},
            "tcp 192.0.2.30 port 80 is left out: one of its servers is there with several ports; use ipvs_table.",
        ),
    ],
)
def test_what_cannot_be_said_is_told(service, sentence):
    assert adopt([service]) == ([], [sentence])
