# SPDX-License-Identifier: GPL-3.0-or-later
"""At which ports a server must answer before it receives traffic, and what follows from that for all who probe."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.servers import paths_of
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.host_view import host_view
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.proofs import (
    client_services,
    director_prove_ports,
    without_proof,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from described_hosts import BOTH, GROUPS, VARS, WEB

VIP = WEB["address"]
FTP = {"ports": [80, 40000, 40001], "fwmark": 21}
RTSP = {"ports": [554, "6970-6972"], "protocol": ["tcp", "udp"]}
TWO = {"name": "two", "fwmark": 7}


def read(*changes):
    return read_topology(
        [{**WEB, "name": f"s{number}", **change} for number, change in enumerate(changes)], GROUPS, VARS
    )


def ends(topology):
    """Return what a director probes, and check that all who ask get the same."""
    paths = paths_of(topology, "lb1")
    assert host_view(topology, GROUPS, "lb1", {})["paths"] == paths
    return [(path["port"], path["protocol"]) for path in paths]


@pytest.mark.parametrize(
    ("change", "probed", "visited"),
    [
        ({}, [(80, "tcp"), (443, "tcp")], [80, 443]),
        (FTP, [(80, "tcp")], [80]),
        ({**FTP, "ports": [40000, 80]}, [(40000, "tcp")], [40000]),
        ({**FTP, "ports": ["40000-40100", 21]}, [(40000, "tcp")], [40000]),
        ({**FTP, "prove_ports": [80, "40000-40001"]}, [(80, "tcp"), (40000, "tcp"), (40001, "tcp")], [80, 40000, 40001]),
        ({**FTP, "prove_ports": []}, [], []),
        ({**FTP, "protocol": ["tcp", "udp"]}, [(80, "tcp"), (80, "udp")], [80]),
        ({**FTP, "protocol": "udp"}, [(80, "udp")], []),
        ({"ports": None, "fwmark": 21}, [], []),
        ({"ports": None, "fwmark": 21, "prove_ports": [80]}, [(80, "tcp")], [80]),
        ({"prove_ports": [443]}, [(443, "tcp")], [443]),
        ({"prove_ports": []}, [], []),
        ({"ports": [53], "protocol": ["tcp", "udp"]}, [(53, "tcp"), (53, "udp")], [53]),
        ({"ports": [53], "protocol": "udp"}, [(53, "udp")], []),
        ({"ports": [53], "protocol": "udp", "prove_ports": []}, [(53, "udp")], []),
        (
            {**RTSP, "prove_ports": [554]},
            [(554, "tcp"), (554, "udp"), (6970, "udp"), (6971, "udp"), (6972, "udp")],
            [554],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_probed_and_visited(change, probed, visited):
    topology = read(change)
    assert ends(topology) == probed
    assert client_services(topology) == [{"address": VIP, "port": port} for port in visited]


def test_only_what_is_not_its_own_port_is_listed():
    assert director_prove_ports(read({}, {"ports": [81], "protocol": "udp"}), "lb1") == []
    topology = read({"ports": [53], "protocol": ["tcp", "udp"]}, {**FTP, "address": BOTH[1], "real_servers": ["rs2"]})
    assert director_prove_ports(topology, "lb1") == [
        {"service": {"address": VIP, "port": 53, "protocol": "udp"}, "address": VIP, "ports": [53]},
        {"service": {"fwmark": 21, "address_family": "ipv6"}, "address": BOTH[1], "ports": [80]},
    ]
    assert director_prove_ports(topology, "rs1") == []


def test_a_mark_is_proved_by_each_vip_and_each_item_that_has_it():
    topology = read(
        {**TWO, "address": [VIP, "192.0.2.31"], "ports": [443]},
        {**TWO, "name": "quic", "ports": [443], "protocol": "udp"},
        {**TWO, "name": "rdp", "address": "192.0.2.32", "ports": [3389], "protocol": ["tcp", "udp"]},
    )
    assert [(path["address"], path["port"], path["protocol"]) for path in paths_of(topology, "lb1")] == [
        (VIP, 443, "tcp"),
        ("192.0.2.31", 443, "tcp"),
        ("192.0.2.32", 3389, "tcp"),
        (VIP, 443, "udp"),
        ("192.0.2.32", 3389, "udp"),
    ]
    assert without_proof(topology) == []


@pytest.mark.parametrize(
    ("change", "proved"),
    [
        ({}, True),
        ({"protocol": "udp"}, False),
        ({"protocol": ["udp", "sctp"]}, False),
        ({"protocol": ["tcp", "udp"]}, True),
        ({"ports": None, "fwmark": 21}, False),
        ({"ports": None, "fwmark": 21, "prove_ports": [80]}, True),
        ({"prove_ports": []}, False),
    ],
    ids=str,
)
def test_what_nothing_proves(change, proved):
    assert [service.name for service in without_proof(read(change))] == ([] if proved else ["s0"])


def test_a_host_has_ports_of_its_own():
    own = {
        "director_prove_ports": [{"service": {"fwmark": 21, "address_family": "ipv4"}, "address": VIP, "ports": [81]}]
    }
    (path,) = host_view(read(FTP), GROUPS, "lb1", own)["paths"]
    assert path["port"] == 81
