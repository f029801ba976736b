# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packets a service takes, from whom, and which ports prove it: the mistakes, and what each option becomes."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import WantedFirewall
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import views
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_findings, read_topology
from described_hosts import BOTH, GROUPS, VARS, WEB
from hypothesis import given
from hypothesis import strategies as st

MARKED = {"fwmark": 7}
SIX = {"address": BOTH, "real_servers": ["rs2"]}
VIP, VIP6 = BOTH


def mistakes(change):
    return [finding.error for finding in read_findings([{**WEB, **change}], GROUPS, VARS)]


def read(**change):
    return read_topology([{**WEB, **change}], GROUPS, VARS)


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"ports": ["90-80"], **MARKED}, ("ports", "90-80")),
        ({"ports": ["80-70000"], **MARKED}, ("ports", "70000")),
        ({"ports": ["80-90", 85], **MARKED}, ("ports", "85")),
        ({"ports": ["80-90", "85-95"], **MARKED}, ("ports", "85-95")),
        ({"ports": ["80-90", "80-90"], **MARKED}, ("ports", "80-90")),
        ({"ports": ["1000-1256"]}, ("ports", "1000-1256")),
        ({"ports": [80, "1000-1250", "2000-2005"]}, ("ports", "1000-1250, 2000-2005")),
        ({"protocol": []}, ("protocol", None)),
        ({"protocol": ["tcp", "tcp"]}, ("protocol", "tcp")),
        ({"protocol": ["tcp", "icmp"]}, ("protocol", "icmp")),
        ({"prove_ports": 80}, ("prove_ports", "80")),
        ({"prove_ports": [81]}, ("prove_ports", "81")),
        ({"prove_ports": [80, "80"]}, ("prove_ports", "80")),
        ({"ports": ["1000-1010"], "prove_ports": ["1005-1011"]}, ("prove_ports", "1005-1011")),
        ({"ports": ["1000-1100"], "prove_ports": ["1000-1064"], **MARKED}, ("prove_ports", "1000-1064")),
        ({"ports": None, "prove_ports": ["1-65535"], **MARKED}, ("prove_ports", "1-65535")),
        ({"protocol": "udp", "prove_ports": [80]}, ("prove_ports", "80")),
        ({"protocol": ["udp", "sctp"], "prove_ports": [80]}, ("prove_ports", "80")),
        ({"sources": "192.0.2.0/24"}, ("sources", "192.0.2.0/24")),
        ({"sources": []}, ("sources", None)),
        ({"sources": ["192.0.2.1/24"]}, ("sources", "192.0.2.1/24")),
        ({"sources": ["office"]}, ("sources", "office")),
        ({"sources": [5]}, ("sources", "5")),
        ({"sources": ["192.0.2.7", "192.0.2.7/32"]}, ("sources", "192.0.2.7")),
        ({"sources": ["2001:db8::/64"]}, ("sources", "2001:db8::/64")),
        ({**SIX, "directors": ["lb2"], "sources": ["192.0.2.0/24"]}, ("sources", "192.0.2.0/24")),
    ],
    ids=str,
)
def test_mistakes(change, about, error_words):
    (mistake,) = mistakes(change)
    subject, value = about
    assert error_words(mistake) == (f"lvs_services (web).{subject}", value)


def test_probes_need_an_address_where_sources_keep_everybody_else_out(error_words):
    """The real servers admit the directors' own addresses; one that is not known could not be admitted."""
    change = {**SIX, "sources": ["192.0.2.0/25", "2001:db8:1::/64"]}
    (mistake,) = mistakes(change)
    assert error_words(mistake) == ("lb1: director_address", None)
    for fine in ({"directors": ["lb2"]}, {"forwarding": "masquerade"}, {"prove_ports": []}, {"protocol": "udp"}):
        assert mistakes({**change, **fine}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"ports": [80, "1000-1255"]},
        {"ports": list(range(1000, 1300))},
        {"ports": ["1-65535"], **MARKED},
        {"ports": ["40000-40000"]},
        {"ports": [80, "40000-40100"], "prove_ports": [80, 40050, "40060-40070"], **MARKED},
        {"ports": None, "prove_ports": [80], **MARKED},
        {"protocol": ["udp", "tcp"]},
        {"protocol": ["tcp", "udp"], "one_packet": True},
        {"protocol": ["tcp", "udp"], "one_packet": True, **MARKED},
        {"protocol": ["tcp", "udp"], "prove_ports": [443]},
        {"protocol": "udp", "prove_ports": []},
        {"sources": ["192.0.2.0/24", "2001:db8::/64"]},
    ],
    ids=str,
)
def test_no_mistakes(change):
    assert mistakes(change) == []


def test_a_list_of_protocols_without_a_mark_makes_a_service_of_each():
    found = read(ports=[53], protocol=["udp", "tcp"], one_packet=True)
    services = views.director_services(found, "lb1")
    assert [(one["port"], one["protocol"], one.get("one_packet")) for one in services] == [
        (53, "tcp", None),
        (53, "udp", True),
    ]


def test_a_list_of_protocols_under_a_mark_makes_one_service():
    found = read(ports=[443, "40000-40100"], protocol=["tcp", "udp"], fwmark=7, address=BOTH, real_servers=["rs2"])
    assert [(one["fwmark"], one["address_family"]) for one in views.director_services(found, "lb1")] == [
        (7, "ipv4"),
        (7, "ipv6"),
    ]
    assert views.director_marks(found, "lb1") == [
        {"address": vip, "ports": [443, "40000-40100"], "protocol": protocol, "mark": 7}
        for vip in BOTH
        for protocol in ("tcp", "udp")
    ]
    assert views.director_openings(found, "lb1") == [
        {"address": vip, "port": port, "protocol": protocol}
        for vip in BOTH
        for port in (443, "40000-40100")
        for protocol in ("tcp", "udp")
    ]


def test_a_range_without_a_mark_makes_a_service_of_each_port_and_one_opening():
    found = read(ports=["8000-8003", 80])
    assert [one["port"] for one in views.director_services(found, "lb1")] == [8000, 8001, 8002, 8003, 80]
    assert [one["port"] for one in views.realserver_openings(found, "rs1")] == [80, "8000-8003"]


def test_items_that_share_a_mark_are_one_service():
    items = [
        {**WEB, "fwmark": 7},
        {**WEB, "name": "quic", "ports": [443], "protocol": "udp", "fwmark": 7, "sources": ["192.0.2.0/25"]},
        {**WEB, "name": "other", "address": "192.0.2.31", "fwmark": 7, "real_servers": ["rs2", "rs1"]},
    ]
    found = read_topology(items, GROUPS, VARS)
    (service,) = views.director_services(found, "lb1")
    assert [one["address"] for one in service["real_servers"]] == ["192.0.2.4", "192.0.2.5"]
    marks = views.director_marks(found, "lb1")
    assert [(one["address"], one["protocol"], one["ports"]) for one in marks] == [
        (VIP, "tcp", [80, 443]),
        (VIP, "udp", [443]),
        ("192.0.2.31", "tcp", [80, 443]),
    ]
    WantedFirewall.from_options({"name": "director", "marks": marks})


def test_sources_are_those_of_the_openings_on_directors_and_servers():
    sources = ["192.0.2.128/25", "198.51.100.7/32", "2001:db8:1::/64"]
    found = read(ports=[80], address=BOTH, real_servers=["rs2"], directors=["lb2"], sources=sources)
    admitted = [(VIP, "192.0.2.128/25"), (VIP, "198.51.100.7"), (VIP6, "2001:db8:1::/64")]
    opened = views.director_openings(found, "lb2")
    assert [(one["address"], one["source"]) for one in opened] == admitted
    # The servers admit the director's probes too, each to the VIP of its family.
    opened = views.realserver_openings(found, "rs2")
    assert [(one["address"], one["source"]) for one in opened] == [
        (VIP, "192.0.2.128/25"),
        (VIP, "192.0.2.2"),
        (VIP, "198.51.100.7"),
        (VIP6, "2001:db8:1::/64"),
        (VIP6, "2001:db8::2"),
    ]
    everybody = views.cluster_openings(found)
    assert [(one["address"], "source" in one) for one in everybody] == [(VIP, False), (VIP6, False)]


def test_probes_are_admitted_where_they_go_and_once():
    """Only to ports that prove, and not where the sources admit the director anyway."""
    item = {"ports": [21, "40000-40100"], "fwmark": 7, "directors": ["lb1"], "sources": ["192.0.2.7"]}
    probes = [
        (one["port"], one["source"])
        for one in views.realserver_openings(read(**item), "rs1")
        if one["source"] != "192.0.2.7"
    ]
    assert probes == [(21, "192.0.2.3")]
    inside = views.realserver_openings(read(**{**item, "sources": ["192.0.2.0/24"]}), "rs1")
    assert {one["source"] for one in inside} == {"192.0.2.0/24"}


def test_sources_of_what_is_masqueraded():
    found = read(ports=[80], forwarding="masquerade", sources=["198.51.100.0/24"])
    opened = views.director_openings(found, "lb1")
    assert {(one["address"], one.get("direction"), one["source"]) for one in opened} == {
        (VIP, None, "198.51.100.0/24"),
        ("192.0.2.4", "through", "198.51.100.0/24"),
        ("192.0.2.5", "through", "198.51.100.0/24"),
    }
    assert views.realserver_openings(found, "rs1") == []


networks = st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
    lambda pair: str(ipaddress.ip_network(pair, strict=False))
)
clients = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.ip_address(number)))


@given(st.lists(networks, min_size=1, max_size=4, unique=True), clients)
def test_a_service_admits_what_one_of_its_openings_does(sources, client):
    found = read(sources=sources)
    opened = {one["source"] for one in views.director_openings(found, "lb1")}
    admitted = any(ipaddress.ip_address(client) in ipaddress.ip_network(source) for source in opened)
    assert views.admits(found.services[0], client) == admitted
    assert views.admits(read().services[0], client)
