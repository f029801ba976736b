# SPDX-License-Identifier: GPL-3.0-or-later
"""What a director has, taken into lvs_services: these make the same table again, and what they can't say is told."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.filter.adopt import FilterModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import service_options
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services, plan_sysctls
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import KERNEL_TIMEOUTS
from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults
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


@given(tables())
def test_what_is_adopted_is_taken_by_the_roles_whatever_the_table(table):
    adopted = adopt([service_options(key, *state) for key, state in table.items()], GROUPS, VARS)
    again = made(adopted.services) if adopted.services else {}
    assert again.items() <= table.items()
    assert bool(adopted.left_out) == (len(again) < len(table))


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


REFUSED = {
    # The kernel takes another port with direct routing, and sends to the service's.
    "another port": (
        [{**WEB, "real_servers": [{**SERVER, "port": 8080}]}, TLS],
        ["tcp-192.0.2.30-443"],
        "tcp 192.0.2.30 port 80 is left out: port of server 192.0.2.4: '8080' is not the service's port 80",
    ),
    "a VIP that is the DIP": (
        [{**WEB, "address": "198.51.100.3"}, TLS],
        ["tcp-192.0.2.30-443"],
        "tcp 198.51.100.3 port 80 is left out: address: '198.51.100.3' is the own address of host lb1",
    ),
    "a VIP that is a server": (
        [{**WEB, "address": "192.0.2.9"}, {**TLS, "real_servers": [{**SERVER, "address": "192.0.2.9", "port": 443}]}],
        ["tcp-192.0.2.30-443"],
        "tcp 192.0.2.9 port 80 is left out: address: '192.0.2.9' is the own address of a real server",
    ),
    "everything": (
        [{**WEB, "address": "198.51.100.3"}],
        [],
        "tcp 198.51.100.3 port 80 is left out: address: '198.51.100.3' is the own address of host lb1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_roles_refuse_is_left_out_with_their_words(name):
    services, kept, sentence = REFUSED[name]
    adopted = adopt(services, GROUPS, VARS)
    assert [item["name"] for item in adopted.services] == kept
    (told,) = adopted.left_out
    assert told.startswith(sentence)
    if kept:
        read_topology(adopted.services, GROUPS, VARS)


def test_mistakes_of_the_inventory_are_not_those_of_the_table():
    adopted = adopt([WEB], GROUPS, {"lb1": {"ansible_host": "127.0.0.1"}})
    assert [item["name"] for item in adopted.services] == ["tcp-192.0.2.30-80"]
    assert adopted.left_out == []


def test_an_inventory_is_not_needed():
    services = [{**WEB, "address": f"198.18.0.{number}"} for number in (1, 2)]
    assert len(adopt(services).services) == 2


INFO = {
    "services": [WEB],
    "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300},
    "sysctls": {"conn_reuse_mode": 2, "expire_nodest_conn": 0, "expire_quiescent_template": 0},
    "sync_daemons": [],
    "drained": [],
}
DAEMON = {"state": "master", "interface": "eth0", "sync_id": 7, "max_length": 1472, "group": "224.0.0.81"}
DRAINED = {
    "service": "tcp 192.0.2.30:80",
    "server": "192.0.2.4:80",
    "former_weight": 2,
    "since": None,
    "declared": False,
}


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({}, {}),
        ({"timeouts": {"tcp": 1800, "tcp_fin": 120, "udp": 300}}, {"director_timeouts": {"tcp": 1800}}),
        # The role would set 2.
        ({"sysctls": {**INFO["sysctls"], "conn_reuse_mode": 1}}, {"director_sysctls": {"conn_reuse_mode": 1}}),
        # A variable replaces the default as a whole.
        ({"sysctls": {**INFO["sysctls"], "expire_nodest_conn": 1}}, {"director_sysctls": {"conn_reuse_mode": 2, "expire_nodest_conn": 1}}),
    ],
)  # fmt: skip
def test_what_holds_for_all_services_is_adopted_where_the_role_would_change_it(changes, settings):
    info = {**INFO, **changes}
    found = FilterModule().filters()["adopted_services"](info, GROUPS, VARS)
    assert found["variables"] == {"lvs_services": adopt([WEB]).services, **settings}
    assert found["left_out"] == []
    sysctls = settings.get("director_sysctls", role_defaults("director")["director_sysctls"])
    timeouts = settings.get("director_timeouts", role_defaults("director")["director_timeouts"])
    steps = plan_sysctls(Plan({}, {}), info["sysctls"], sysctls).operations
    assert {**KERNEL_TIMEOUTS, **timeouts} == info["timeouts"]
    assert steps == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sync_daemons": [DAEMON]}, "The sync daemon (master, on eth0, sync ID 7) is left out: "),
        ({"drained": [DRAINED]}, "The weight of server 192.0.2.4:80 of tcp 192.0.2.30:80 is left out: it is drained and had weight 2, "),
    ],
)  # fmt: skip
def test_what_no_variable_can_say_is_told(changes, sentence):
    (told,) = FilterModule().filters()["adopted_services"]({**INFO, **changes})["left_out"]
    assert told.startswith(sentence)


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
