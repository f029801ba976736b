# SPDX-License-Identifier: GPL-3.0-or-later
"""At which ports a server must answer before it receives traffic, and what follows from that for all who probe."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import proving_ends, service_ends
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.servers import paths_of
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.host_view import host_view
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.proofs import (
    client_services,
    director_prove_ports,
    without_proof,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from described_hosts import BOTH, GROUPS, VARS, WEB
from hypothesis import given
from hypothesis import strategies as st

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


@st.composite
def items(draw):
    """Return a service without a mistake: ports and ranges that are apart, with a mark or without."""
    bounds = sorted(draw(st.sets(st.integers(1, 65535), min_size=2, max_size=8)))
    marked = draw(st.booleans())
    ports = [f"{first}-{last if marked else min(last, first + 9)}" for first, last in zip(bounds[::2], bounds[1::2])]
    protocols = draw(st.lists(st.sampled_from(["tcp", "udp", "sctp"]), min_size=1, unique=True))
    item = {"ports": ports, "protocol": protocols, "address": BOTH, "real_servers": ["rs2"]}
    if "tcp" in protocols and draw(st.booleans()):
        item["prove_ports"] = draw(st.lists(st.sampled_from(bounds[: 2 * len(ports) : 2]), unique=True))
    return {**item, "fwmark": 7} if marked else item


@given(items())
def test_each_service_is_proved_or_known_not_to_be(item):
    """Whatever receives traffic is probed by TCP at a port of its own item, unless nothing can prove it or nothing is to."""
    topology = read(item)
    (service,) = topology.services
    proving = proving_ends(director_prove_ports(topology, "lb1"))
    for options in views.director_services(topology, "lb1"):
        found = service_ends(options, views.director_marks(topology, "lb1"), proving)
        by_tcp = [end for end in found if end[2] == "tcp"]
        provable = "tcp" in item["protocol"] and item.get("prove_ports") != []
        assert bool(by_tcp) == provable == (without_proof(topology) == [])
        assert all(vip in BOTH and port in service.single_ports for vip, port, _protocol in found)
        of_ipv6 = is_ipv6(options.get("address", "")) or options.get("address_family") == "ipv6"
        assert {is_ipv6(vip) for vip, _port, _protocol in found} <= {of_ipv6}
        if "prove_ports" in item:
            assert {port for _vip, port, _protocol in by_tcp} == set(item["prove_ports"])
        # What cannot be proved is among the paths, and is shown as such.
        others = {protocol for protocol in item["protocol"] if protocol != "tcp"}
        assert {end[2] for end in found} - {"tcp"} == (others if "fwmark" in item else {options["protocol"]} - {"tcp"})


def test_a_host_has_ports_of_its_own():
    own = {
        "director_prove_ports": [{"service": {"fwmark": 21, "address_family": "ipv4"}, "address": VIP, "ports": [81]}]
    }
    (path,) = host_view(read(FTP), GROUPS, "lb1", own)["paths"]
    assert path["port"] == 81
