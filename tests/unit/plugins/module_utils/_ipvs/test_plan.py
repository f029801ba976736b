# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of IPVS: what is asked comes about, nothing else is touched, and the order keeps services alive."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, NotSupported
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.describe import service_options
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    ServerKey,
    ServerSettings,
    ServiceSettings,
    ServiceState,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import Step, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    parse_server,
    parse_service,
    parse_service_key,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_server, plan_services, plan_sysctls
from hypothesis import given
from ipvs_strategies import tables

WEB = {"address": "192.168.91.30", "port": 80}


def table_of(*services):
    """Return the table that the options make of an empty one."""
    return simulate({}, plan_services({}, [parse_service(options) for options in services]).operations)


def words(table, *services):
    return plan_services(table, [parse_service(options) for options in services]).words


def wanted_of(table):
    """Return options that ask for exactly this table."""
    return [parse_service({**service_options(key, *state), "purge": True}) for key, state in table.items()]


def test_new_service_with_servers():
    assert words({}, {**WEB, "scheduler": "rr", "real_servers": [{"address": "192.168.91.4"}]}) == [
        "add service tcp 192.168.91.30:80 (scheduler rr)",
        "add server 192.168.91.4:80 to tcp 192.168.91.30:80 (direct, weight 1)",
    ]


def test_left_out_means_left_alone():
    table = table_of({**WEB, "scheduler": "wrr", "real_servers": [{"address": "192.168.91.4", "weight": 5}]})
    assert words(table, {**WEB, "real_servers": [{"address": "192.168.91.4"}]}) == []
    assert words(table, {**WEB, "real_servers": []}) == []


def test_sysctls():
    """Those that are asked for and differ are set, before all else; a second run does nothing."""
    services = plan_services({}, [parse_service(WEB)])
    current = {"conn_reuse_mode": 1, "expire_nodest_conn": 0, "expire_quiescent_template": 0}
    asked = {"conn_reuse_mode": 2, "expire_nodest_conn": 0}
    plan = plan_sysctls(services, current, asked)
    assert plan.words == ["change sysctls: conn_reuse_mode 1 -> 2", *services.words]
    assert plan.operations[0].sysctls == {"conn_reuse_mode": 2}
    assert plan.before["sysctls"] == {"conn_reuse_mode": 1, "expire_nodest_conn": 0}
    assert plan.after["sysctls"] == plan.results["sysctls"] == asked
    assert plan_sysctls(services, {**current, **asked}, asked).operations == services.operations
    assert plan_sysctls(services, current, {}) is services


def test_a_sysctl_that_the_kernel_lacks(error_words):
    with pytest.raises(NotSupported) as caught:
        plan_sysctls(plan_services({}, []), {}, {"conn_reuse_mode": 2})
    assert error_words(caught.value) == ("sysctls.conn_reuse_mode", 2)


def test_changes_in_words():
    table = table_of({**WEB, "scheduler": "rr", "real_servers": [{"address": "192.168.91.4"}]})
    assert words(
        table,
        {
            **WEB,
            "scheduler": "sh",
            "scheduler_flags": ["sh-port"],
            "real_servers": [{"address": "192.168.91.4", "weight": 0}],
        },
    ) == [
        "change service tcp 192.168.91.30:80: scheduler rr -> sh, scheduler_flags none -> sh-port",
        "change server 192.168.91.4:80 of tcp 192.168.91.30:80: weight 1 -> 0",
    ]


def test_flags_of_the_old_scheduler_do_not_live_on():
    table = table_of({**WEB, "scheduler": "sh", "scheduler_flags": ["sh-port"]})
    (state,) = simulate(table, plan_services(table, [parse_service({**WEB, "scheduler": "rr"})]).operations).values()
    assert (state.settings.scheduler, state.settings.flags) == ("rr", 0)


def test_purge_and_absent_servers():
    table = table_of({**WEB, "real_servers": [{"address": f"192.168.91.{host}"} for host in (4, 5, 6)]})
    assert words(table, {**WEB, "real_servers": [{"address": "192.168.91.4"}], "purge": True}) == [
        "remove server 192.168.91.5:80 from tcp 192.168.91.30:80",
        "remove server 192.168.91.6:80 from tcp 192.168.91.30:80",
    ]
    assert words(table, {**WEB, "real_servers": [{"address": "192.168.91.6", "state": "absent"}]}) == [
        "remove server 192.168.91.6:80 from tcp 192.168.91.30:80"
    ]


def test_absent_service():
    table = table_of({**WEB, "real_servers": [{"address": "192.168.91.4"}]})
    assert words(table, {**WEB, "state": "absent"}) == ["remove service tcp 192.168.91.30:80"]
    assert words({}, {**WEB, "state": "absent"}) == []


def test_one_server(error_words):
    table = table_of({**WEB, "real_servers": [{"address": "192.168.91.4"}]})
    key = parse_service_key(WEB)
    plan = plan_server(table, key, parse_server({"address": "192.168.91.5", "weight": 2}, key))
    assert plan.words == ["add server 192.168.91.5:80 to tcp 192.168.91.30:80 (direct, weight 2)"]
    assert plan_server(table, key, parse_server({"address": "192.168.91.4"}, key)).words == []
    assert plan_server({}, key, parse_server({"address": "192.168.91.4", "state": "absent"}, key)).words == []
    with pytest.raises(NotSupported) as caught:
        plan_server({}, key, parse_server({"address": "192.168.91.4"}, key))
    assert error_words(caught.value) == ("service", "tcp 192.168.91.30:80")


def test_a_server_on_a_tunnel_that_stops_being_one_loses_the_tunnel_settings():
    tunnel = {"address": "192.168.91.4", "forwarding": "tunnel", "tunnel_type": "gue", "tunnel_port": 6080}
    table = table_of({**WEB, "real_servers": [tunnel]})
    wanted = parse_service({**WEB, "real_servers": [{"address": "192.168.91.4", "forwarding": "direct"}]})
    (state,) = simulate(table, plan_services(table, [wanted]).operations).values()
    assert state.servers == {ServerKey("ipv4", "192.168.91.4", 80): ServerSettings("direct")}


@pytest.mark.parametrize("forwarding", ["local", "bypass"])
def test_what_the_kernel_only_reports_stays(forwarding, error_words):
    """Such a server is told as it is, and being told it back changes nothing; it can't be made, or made of another."""
    key, server = parse_service_key(WEB), ServerKey("ipv4", "192.168.91.3", 80)
    table = {
        key: ServiceState(ServiceSettings(persistence_netmask="255.255.255.255"), {server: ServerSettings(forwarding)})
    }
    told = service_options(key, *table[key])
    plan = plan_services(table, [parse_service(told)])
    assert plan.operations == ()
    assert plan.warnings[0].endswith("It is so already, and is left as it is.")
    other = simulate(
        table,
        plan_services(
            table, [parse_service({**WEB, "real_servers": [{"address": "192.168.91.3", "forwarding": "direct"}]})]
        ).operations,
    )
    for current in ({}, other):
        with pytest.raises(InvalidValue) as caught:
            plan_services(current, [parse_service(told)])
        assert error_words(caught.value) == ("forwarding of server 192.168.91.3:80 of tcp 192.168.91.30:80", forwarding)


def test_a_server_that_can_not_work_and_is_there_is_warned_of(error_words):
    """As it may be that a save of ipvs_info holds it; a change of it is refused."""
    key, server = parse_service_key(WEB), ServerKey("ipv4", "192.168.91.4", 8080)
    table = {key: ServiceState(ServiceSettings(persistence_netmask="255.255.255.255"), {server: ServerSettings()})}
    plan = plan_services(table, [parse_service(service_options(key, *table[key]))])
    assert (plan.operations, len(plan.warnings)) == ((), 1)
    assert plan.warnings[0].startswith(
        "port of server 192.168.91.4:8080 of tcp 192.168.91.30:80: 8080 is not the service's port"
    )
    with pytest.raises(InvalidValue) as caught:
        words(table, {**WEB, "real_servers": [{"address": "192.168.91.4", "port": 8080, "weight": 3}]})
    assert error_words(caught.value) == ("port of server 192.168.91.4:8080 of tcp 192.168.91.30:80", 8080)


@given(tables(), tables())
def test_what_is_asked_comes_about_and_a_second_run_does_nothing(current, wanted):
    asked = wanted_of(wanted)
    plan = plan_services(current, asked)
    after = simulate(current, plan.operations)
    assert {key: after[key] for key in wanted} == wanted
    assert {key: after[key] for key in after if key not in wanted} == {
        key: state for key, state in current.items() if key not in wanted
    }
    assert plan_services(after, asked).operations == ()
    assert plan_services(after, asked).after == plan.after
    assert plan.changed == (plan.before != plan.after)


@given(tables(), tables())
def test_kept_things_are_never_absent_on_the_way(current, wanted):
    asked = wanted_of(wanted)
    operations = plan_services(current, asked).operations
    for done in range(len(operations) + 1):
        now = simulate(current, operations[:done])
        for key in current.keys() & wanted.keys():
            assert key in now
            kept = current[key].servers.keys() & wanted[key].servers.keys()
            assert kept <= now[key].servers.keys()
            if current[key].servers and wanted[key].servers:
                assert now[key].servers
    order = list(Step)
    assert [order.index(operation.step) for operation in operations] == sorted(
        order.index(operation.step) for operation in operations
    )


@given(tables())
def test_output_is_input(table):
    for key, state in table.items():
        plan = plan_services({}, [parse_service(service_options(key, *state))])
        assert simulate({}, plan.operations) == {key: state}
