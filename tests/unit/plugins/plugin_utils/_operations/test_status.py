# SPDX-License-Identifier: GPL-3.0-or-later
"""The live view: the inventory's names beside addresses, what is out of order, and columns that stand below each other."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import (
    Connections,
    Counters,
    Former,
    ServerStatus,
    ServiceStatus,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._table import report as ipvs_report
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations import status as operations_status
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from hypothesis import given
from hypothesis import strategies as st
from ipvs_strategies import tables

GROUPS = {"directors": ["lb1", "lb2"], "realservers": ["rs1", "rs2"]}
HOSTVARS = {
    "lb1": {"director_address": "192.0.2.2"},
    "lb2": {"director_address": "192.0.2.3"},
    "rs1": {"realserver_address": ["192.0.2.4", "2001:db8::4"]},
    "rs2": {"realserver_address": ["192.0.2.5", "2001:db8::5"], "realserver_weight": 3},
}
SERVICES = [{"name": "web", "address": ["192.0.2.30", "2001:db8::30"], "ports": [80], "scheduler": "rr"}]
READ = read_topology(SERVICES, GROUPS, HOSTVARS)
ZERO, NONE = Counters(*[0] * 10), Connections(0, 0, 0)


def told(*services, drained=(), connections=NONE, counters=ZERO, table=None):
    """Return what ipvs_info would return of a table, in which every server counts the same."""
    if table is None:
        table = simulate({}, plan_services({}, [parse_service(service) for service in services]).operations)
    status = {
        key: ServiceStatus(counters, {server: ServerStatus(connections, counters) for server in state.servers})
        for key, state in table.items()
    }
    memory = {
        (key, server): Former(settings._replace(weight=7), 1777636800)
        for key, state in table.items()
        for server, settings in state.servers.items()
        if server.address in drained
    }
    report = ipvs_report.report(table, status, memory)
    return {**report, "version": "1.2.1", "timeouts": {"tcp": 900, "tcp_fin": 120, "udp": 300}}


def pool(address="192.0.2.30", port=80, **weights):
    servers = [{"address": one.replace("_", "."), "weight": weight} for one, weight in weights.items()]
    return {"address": address, "port": port, "scheduler": "rr", "real_servers": servers}


def lines(answer, host="lb1"):
    return operations_status.status_lines(operations_status.directors_status(READ, {host: answer}))


def test_the_table():
    counters = Counters(9, 9, 9, 9, 9, 12, 0, 0, 1_234_567, 0)
    web = pool(**{"192_0_2_4": 1, "192_0_2_5": 0, "192_0_2_9": 2})
    answer = told(web, drained=["192.0.2.5"], connections=Connections(1234, 5, 0), counters=counters)
    assert lines(answer) == [
        "lb1: answers for 192.0.2.30, 2001:db8::30",
        "  tcp 192.0.2.30:80 (web) rr",
        "    SERVER  ADDRESS           PATH  WEIGHT  ACTIVE  INACTIVE  CONN/S  IN/S",
        "    rs1     192.0.2.4:80      -          1    1234         5      12  1 MB",
        "    rs2     192.0.2.5:80      -          0    1234         5      12  1 MB  drained since 2026-05-01T12:00:00Z, weight was 7",
        "    -       192.0.2.9:80      -          2    1234         5      12  1 MB  not declared",
        "  tcp [2001:db8::30]:80 (web); declared, but not there",
        "    SERVER  ADDRESS           PATH  WEIGHT  ACTIVE  INACTIVE  CONN/S  IN/S",
        "    rs1     [2001:db8::4]:80  -          -       -         -       -     -  declared, but not there",
        "    rs2     [2001:db8::5]:80  -          -       -         -       -     -  declared, but not there",
    ]


def test_with_failover_a_director_answers_for_what_it_has():
    hostvars = {host: {**own, "director_failover": "vrrp"} for host, own in HOSTVARS.items()}
    read = read_topology(SERVICES, GROUPS, hostvars)
    active = {**told(), "addresses": ["192.0.2.3", "192.0.2.30", "2001:db8::30"]}
    found = operations_status.directors_status(read, {"lb1": {**told(), "addresses": ["192.0.2.2"]}, "lb2": active})
    assert [one["answers_for"] for one in found] == [[], ["192.0.2.30", "2001:db8::30"]]
    assert operations_status.status_lines(found)[0] == "lb1: on standby"


@pytest.mark.parametrize(
    ("services", "drained", "text"),
    [
        ([pool(**{"192_0_2_4": 0, "192_0_2_5": 3})], (), "no new connections; declared weight 1"),
        ([pool(**{"192_0_2_4": 1, "192_0_2_5": 9})], (), "declared weight 3"),
        (
            [pool(**{"192_0_2_4": 0, "192_0_2_5": 0})],
            ["192.0.2.4", "192.0.2.5"],
            "rr; NOBODY SERVES IT: no server has a weight",
        ),
        ([pool(port=443)], (), "tcp 192.0.2.30:443 rr; not declared; NOBODY SERVES IT"),
    ],
)
def test_what_is_out_of_order_is_told(services, drained, text):
    assert text in "\n".join(lines(told(*services, drained=drained)))


def test_nothing_is_said_of_what_is_in_order():
    whole = [
        pool(address, **{one: 1, other: 3})
        for address, one, other in (
            ("192.0.2.30", "192_0_2_4", "192_0_2_5"),
            ("2001:db8::30", "2001:db8::4", "2001:db8::5"),
        )
    ]
    shown = lines(told(*whole))
    assert not [line for line in shown if ";" in line or "declared" in line or "drained" in line]
    assert len(shown) == 9


def test_each_director_is_told_of():
    shown = operations_status.status_lines(operations_status.directors_status(READ, {"lb1": None, "lb2": told()}))
    assert shown[:3] == ["lb1: not reached, so nothing is known of it", "", "lb2: on standby"]
    alone = read_topology([{**SERVICES[0], "directors": ["lb1"]}], GROUPS, HOSTVARS)
    assert operations_status.status_lines([operations_status.director_status(alone, "lb2", told())]) == [
        "lb2: on standby, and has no services"
    ]


def test_marks_have_their_names():
    marked = read_topology([{**SERVICES[0], "fwmark": 7}], GROUPS, HOSTVARS)
    found = operations_status.director_status(
        marked, "lb1", told({"fwmark": 7, "address_family": "ipv6", "scheduler": "wlc", "persistence_timeout": 60})
    )
    assert [(one["service"], one["name"], one["present"]) for one in found["services"]] == [
        ("fwmark 7", "web", False),
        ("fwmark 7 (ipv6)", "web", True),
    ]
    assert (
        "  fwmark 7 (ipv6) (web) wlc persistent 60 s; NOBODY SERVES IT: no server has a weight"
        in operations_status.status_lines([found])
    )


def path(address: str, verdict: str, ok: bool | None, port: int = 80) -> dict:
    """Return what realserver_path_info tells of one path."""
    found = {
        "verdict": verdict,
        "ok": ok,
        "rule": f"is {verdict}",
        "remedy": "mend it",
        "sentence": f"{address} is {verdict}",
    }
    return {
        "service": {"address": "192.0.2.30", "port": port, "protocol": "tcp"},
        "address": address,
        "port": port,
        **found,
    }


def test_who_does_not_serve_is_told():
    answer = told(pool(**{"192_0_2_4": 1, "192_0_2_5": 3}))
    paths = [path("192.0.2.4", "refused", False), path("192.0.2.5", "ok", True)]
    (found,) = operations_status.directors_status(READ, {"lb1": answer}, {"lb1": paths})
    assert [server["path"]["verdict"] for server in found["services"][0]["servers"]] == ["refused", "ok"]
    assert operations_status.status_lines([found])[2:5] == [
        "    SERVER  ADDRESS           PATH     WEIGHT  ACTIVE  INACTIVE  CONN/S  IN/S",
        "    rs1     192.0.2.4:80      refused       1       0         0       0   0 B  DOES NOT SERVE: is refused",
        "    rs2     192.0.2.5:80      ok            3       0         0       0   0 B",
    ]
    assert "DOES NOT" not in "".join(
        operations_status.status_lines(
            operations_status.directors_status(READ, {"lb1": answer}, {"lb1": [path("192.0.2.4", "unproven", None)]})
        )
    )


def test_of_the_ports_of_a_mark_the_bad_one_is_told():
    marked = read_topology(
        [{**SERVICES[0], "address": "192.0.2.30", "ports": [80, 443, 25], "fwmark": 7}], GROUPS, HOSTVARS
    )
    answer = told({"fwmark": 7, "real_servers": [{"address": "192.0.2.4", "port": 0}]})
    paths = [path("192.0.2.4", "ok", True), path("192.0.2.4", "silent", False, 443), path("192.0.2.4", "ok", True, 25)]
    found = operations_status.director_status(marked, "lb1", answer, paths)
    assert [server["path"] and server["path"]["verdict"] for server in found["services"][0]["servers"]] == [
        "silent",
        None,
    ]


def test_a_port_that_proves_others_is_told_of_each():
    """Of UDP nothing is known by itself; the TCP port that proves it is shown, and a bad one before all."""
    item = {**SERVICES[0], "address": "192.0.2.30", "ports": [53, 54], "protocol": ["tcp", "udp"], "prove_ports": [53]}
    read = read_topology([item], GROUPS, HOSTVARS)
    unknown = path("192.0.2.4", "unproven", None, 53)
    unknown["service"] = {**unknown["service"], "protocol": "udp"}
    paths = [unknown, path("192.0.2.4", "ok", True, 53), path("192.0.2.5", "silent", False, 53)]
    found = operations_status.director_status(read, "lb1", told(), paths)
    verdicts = {one["service"]: [server["path"]["verdict"] for server in one["servers"]] for one in found["services"]}
    names = [f"{protocol} 192.0.2.30:{port}" for port in (53, 54) for protocol in ("tcp", "udp")]
    assert verdicts == {name: ["ok", "silent"] for name in names}


def test_items_that_share_a_mark_are_named_together():
    items = [{**SERVICES[0], "fwmark": 7}, {**SERVICES[0], "name": "quic", "protocol": "udp", "fwmark": 7}]
    found = operations_status.director_status(read_topology(items, GROUPS, HOSTVARS), "lb1", told())
    assert {one["service"]: one["name"] for one in found["services"]} == {
        "fwmark 7": "web, quic",
        "fwmark 7 (ipv6)": "web, quic",
    }


@given(tables(), st.integers(0, 1 << 64))
def test_any_table_is_told_in_full_and_stands_in_columns(table, count):
    counters = Counters(*[count] * 10)
    (found,) = operations_status.directors_status(READ, {"lb1": told(table=table, counters=counters)})
    there = [service for service in found["services"] if service["present"]]
    assert sum(server["present"] for service in there for server in service["servers"]) == sum(
        len(state.servers) for state in table.values()
    )
    assert len(there) == len(table)
    rows = [line for line in operations_status.status_lines([found]) if line.startswith("    ")]
    ends = {match.end() for row in rows for match in [re.match(r"    \S+ +\S+ +\S+ +(\d+|-|WEIGHT)(?= )", row)]}
    assert len(ends) <= 1


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (1 << 64, "18447 PB"),
        (None, "-"),
    ],
)
def test_bytes(number, text):
    assert operations_status._bytes(number) == text
