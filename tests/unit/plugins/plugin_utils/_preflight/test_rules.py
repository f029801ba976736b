# SPDX-License-Identifier: GPL-3.0-or-later
"""Every preflight rule has a case that trips it, in its exact words; a healthy cluster trips none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import (
    Gateway,
    HostFacts,
    Interface,
    Manager,
    Scheduler,
    from_values,
)
from ansible_collections.lvs.cluster.plugins.module_utils._owner.summary import Summary
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight import report as preflight_report
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.judgement import Judgement
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.report import Report
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Server, Service, Topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.probes import (
    preflight_addresses,
    preflight_schedulers,
)
from hypothesis import given
from hypothesis import strategies as st
from preflight_hosts import DIP, LO, MAC, PORTS, VIP, changed, cluster, eth, healthy, heard, told

VRRP = Manager("keepalived", "virtual_ipaddress in /etc/keepalived/keepalived.conf", table=False, addresses=(VIP,))


def everywhere(**variables: str) -> dict[str, dict[str, str]]:
    """Return variables that all hosts have."""
    return {host: dict(variables) for host in healthy()}


TRIPPED = {
    "VIP of another cluster": (
        cluster(), changed("rs1", declarations=(Summary("mail", "realserver", (VIP,)),)), None,
        ("error", "rs1: VIP", VIP),
    ),
    "service of another cluster": (
        cluster(), changed("lb1", declarations=(Summary("default", "director", (), ("tcp 192.0.2.30:80",)),)),
        everywhere(lvs_cluster_name="web"),
        ("error", "lb1: service", "tcp 192.0.2.30:80"),
    ),
    "declaration that cannot be read": (
        cluster(), changed("rs1", declarations=(Summary("mail", "realserver", problem="It is damaged."),)), None,
        ("error", "rs1: declaration", "realserver"),
    ),
    "name that no cluster can have": (
        cluster(), {"lb1": healthy()["lb1"]}, {"lb1": {"lvs_cluster_name": "My cluster"}},
        ("error", "lb1: lvs_cluster_name", "My cluster"),
    ),
    "former name that is the name": (
        cluster(), healthy(), {**everywhere(lvs_cluster_name="web"), "rs1": {"lvs_cluster_name": "web", "lvs_cluster_formerly": "web"}},
        ("error", "rs1: lvs_cluster_formerly", "web"),
    ),
    "names of two clusters": (
        cluster(), healthy(), {"rs1": {"lvs_cluster_name": "web"}},
        ("error", "lvs_cluster_name", "default on lb1, rs2; web on rs1"),
    ),
    "director_interface missing": (
        cluster(), healthy(), {"lb1": {"director_interface": "eth7"}},
        ("error", 'lb1: director_interface', 'eth7'),
    ),
    "director_vip_interface missing": (
        cluster(), healthy(), {"lb1": {"director_vip_interface": "eth7"}},
        ("error", 'lb1: director_vip_interface', 'eth7'),
    ),
    "realserver_vip_interface missing": (
        cluster(), healthy(), {"rs1": {"realserver_vip_interface": "vips"}},
        ("error", 'rs1: realserver_vip_interface', 'vips'),
    ),
    "RIP not there": (
        cluster(), changed("rs1", interfaces=(LO, eth("rs1", "192.0.2.44/24"))), None,
        ("error", 'rs1: RIP', '192.0.2.4'),
    ),
    "interface down": (
        cluster(), changed("rs1", interfaces=(LO, eth("rs1", "192.0.2.4/24", up=False))), None,
        ("error", 'rs1: RIP', '192.0.2.4'),
    ),
    "DIP elsewhere": (
        cluster(), healthy(), {"lb1": {"director_interface": "lo"}},
        ("error", 'lb1: DIP', '192.0.2.3'),
    ),
    "RIP not on the DIP's network": (
        cluster(rip="198.51.100.4"), changed("rs1", interfaces=(LO, eth("rs1", "198.51.100.4/24")), gateways=()), None,
        ("error", 'rs1: RIP', '198.51.100.4'),
    ),
    "the same, seen from the server": (
        cluster(rip="198.51.100.4"),
        {"rs1": healthy()["rs1"]._replace(interfaces=(LO, eth("rs1", "198.51.100.4/24")), gateways=())}, None,
        ("error", 'rs1: RIP', '198.51.100.4'),
    ),
    "no common L2": (
        cluster(), heard("lb1", _192_0_2_4=()), None,
        ("error", 'rs1: RIP', '192.0.2.4'),
    ),
    "RIP of a stranger": (
        cluster(), heard("lb1", _192_0_2_4=(MAC["rs1"], MAC["x"])), None,
        ("error", 'rs1: RIP', '192.0.2.4'),
    ),
    "RIP twice, server unknown": (
        cluster(), {"lb1": heard("lb1", _192_0_2_4=(MAC["rs1"], MAC["x"]))["lb1"]}, None,
        ("error", 'rs1: RIP', '192.0.2.4'),
    ),
    "RIP on two devices of its host": (
        cluster(),
        {
            **heard("lb1", _192_0_2_4=(MAC["rs1"], MAC["x"])),
            "rs1": healthy()["rs1"]._replace(interfaces=(eth("rs1", "192.0.2.4/24"), Interface("eth1", MAC["x"], True, ()))),
        },
        None,
        ("warning", 'rs1: RIP', '192.0.2.4'),
    ),
    "duplicate MAC": (
        cluster(),
        {
            **heard("lb1", _192_0_2_5=(MAC["rs1"],)),
            "rs2": healthy()["rs2"]._replace(interfaces=(eth("rs1", "192.0.2.5/24"),)),
        },
        None,
        ("error", 'rs2: MAC', '02:00:00:00:00:04'),
    ),
    "gateway is the DIP": (
        cluster(), changed("rs1", gateways=(Gateway(DIP, "eth0"),)), None,
        ("error", 'rs1: default gateway', '192.0.2.3'),
    ),
    "gateway is a VIP": (
        cluster("tunnel"), changed("rs1", gateways=(Gateway(VIP, "eth0"),)), None,
        ("error", 'rs1: default gateway', '192.0.2.30'),
    ),
    "masquerade past the director": (
        cluster("masquerade"), changed("rs2", gateways=(Gateway(DIP, "eth0"),)), None,
        ("warning", 'rs1: default gateway', '192.0.2.1'),
    ),
    "VIP of a stranger": (
        cluster(), heard("lb1", _192_0_2_30=(MAC["x"],)), None,
        ("error", 'lb1: VIP', '192.0.2.30'),
    ),
    "VIP of a stranger, director outside the limit": (
        cluster(), {"rs1": heard("rs1", _192_0_2_30=(MAC["x"],))["rs1"]}, None,
        ("warning", 'rs1: VIP', '192.0.2.30'),
    ),
    "VIP of a server": (
        cluster(), heard("lb1", _192_0_2_30=(MAC["rs1"],)), None,
        ("warning", 'rs1: VIP', '192.0.2.30'),
    ),
    "no ip_vs": (
        cluster(), changed("lb1", ip_vs="absent"), None,
        ("error", 'lb1: kernel', '6.1.0'),
    ),
    "no scheduler": (
        cluster(scheduler="mh"), changed("lb1", schedulers={"mh": Scheduler(False, "choose from rr, wlc")}), None,
        ("error", 'lb1: scheduler', 'mh'),
    ),
    "proxy_arp": (
        cluster(), changed("rs1", interfaces=(eth("rs1", "192.0.2.4/24", proxy_arp=True, forwarding=True),)), None,
        ("error", 'rs1: proxy_arp', '1'),
    ),
    "proxy_arp without forwarding": (
        cluster(), changed("rs1", interfaces=(eth("rs1", "192.0.2.4/24", proxy_arp=True),)), None,
        ("warning", 'rs1: proxy_arp', '1'),
    ),
    "arp_filter": (
        cluster(), changed("lb1", interfaces=(eth("lb1", "192.0.2.3/24", arp_filter=True),)), None,
        ("warning", 'lb1: arp_filter', '1'),
    ),
    "keepalived": (
        cluster(), changed("lb1", managers=(Manager("keepalived", "virtual_server in /etc/keepalived/keepalived.conf"),)), None,
        ("error", 'lb1: program', 'keepalived'),
    ),
    "perhaps kube-proxy": (
        cluster(), changed("lb1", managers=(Manager("kube-proxy", "a process", sure=False),)), None,
        ("warning", 'lb1: program', 'kube-proxy'),
    ),
    "keepalived has the VIP on the director": (
        cluster(), changed("lb1", managers=(VRRP,)), None,
        ("error", 'lb1: VIP', '192.0.2.30'),
    ),
    "keepalived has the VIP on a server": (
        cluster(), changed("rs1", managers=(VRRP,)), None,
        ("error", 'rs1: VIP', '192.0.2.30'),
    ),
    "a leftover device has the VIP": (
        cluster(), changed("rs1", managers=(Manager("kube-proxy", "the device kube-ipvs0", False, addresses=(VIP,)),)), None,
        ("warning", 'rs1: VIP', '192.0.2.30'),
    ),
    "perhaps pacemaker": (
        cluster(), changed("rs1", managers=(Manager("pacemaker", "a process", sure=False, table=False),)), None,
        ("warning", 'rs1: program', 'pacemaker'),
    ),
    "a server that nobody can find": (
        cluster(), changed("rs1", interfaces=(LO, eth("rs1", "192.0.2.4/24", arp_ignore=8))), None,
        ("warning", 'rs1: arp_ignore', '8'),
    ),
    "a server that nobody found": (
        cluster(), {**heard("lb1", _192_0_2_4=()), "rs1": changed("rs1", interfaces=(LO, eth("rs1", "192.0.2.4/24", arp_ignore=8)))["rs1"]}, None,
        ("error", 'rs1: arp_ignore', '8'),
    ),
    "a director that answers its subnet alone": (
        cluster(), changed("lb1", interfaces=(LO, eth("lb1", "192.0.2.3/28", arp_ignore=2))), {"lb1": {"director_interface": "eth0"}},
        ("error", 'lb1: arp_ignore', '2'),
    ),
}  # fmt: skip
VRRP_LEGAL = {
    "of another VIP": (cluster(), VRRP._replace(addresses=("192.0.2.99",)), None),
    "that is the engine of the VIPs": (cluster(), VRRP, {"lb1": {"director_vips": ""}}),
    "of a VIP that is no address of servers": (cluster("masquerade"), VRRP, {"lb1": {"director_vips": ""}}),
}


@pytest.mark.parametrize("name", VRRP_LEGAL)
def test_vrrp_is_legal(name: str) -> None:
    topology, manager, variables = VRRP_LEGAL[name]
    assert told(topology, changed("lb1", managers=(manager,)), variables) == told(topology, healthy())


def test_a_table_writer_on_a_server_is_no_matter() -> None:
    balances = Manager("keepalived", "virtual_server in /etc/keepalived/keepalived.conf", addresses=("192.0.2.99",))
    assert told(cluster(), changed("rs1", managers=(balances,))) == []


@pytest.mark.parametrize(("on", "count"), [(False, 1), (True, 0)])
def test_masquerade_of_ipv6_needs_forwarding_that_no_role_sets(on: bool, count: int) -> None:
    vip, six = "2001:db8::30", "2001:db8::3"
    service = Service("six", (vip,), PORTS, ("tcp",), 0, "masquerade", ("lb1",), (), {})
    topology = Topology((service,), {"lb1": (six,)}, {})
    facts = HostFacts("6.1.0", (eth("lb1", f"{six}/64"),), ip_vs="module", ipv6_forwarding=on)
    found = [text for text in told(topology, {"lb1": facts}) if "forwarding" in text]
    assert len(found) == count
    assert all(
        "net.ipv6.conf.all.forwarding: '0' is off, and service six masquerades 2001:db8::30" in one for one in found
    )


@pytest.mark.parametrize(("value", "addresses", "silent"), [
    (0, ["192.0.2.3/24"], False), (1, ["192.0.2.3/24"], False), (2, ["192.0.2.3/24"], False), (3, ["192.0.2.3/24"], False),
    (8, ["192.0.2.3/24"], True), (2, ["198.51.100.3/24"], True), (2, ["198.51.100.3/24", f"{VIP}/32"], True),
])  # fmt: skip
def test_a_director_answers_for_its_vips(value: int, addresses: list[str], silent: bool) -> None:
    interfaces = (LO, eth("lb1", *addresses, arp_ignore=value))
    facts = {"lb1": HostFacts("6.1.0", interfaces, ip_vs="module")}
    found = told(cluster(), facts, {"lb1": {"director_interface": "eth0"}})
    assert any("would not answer for VIP" in text for text in found) == silent


@pytest.mark.parametrize("name", TRIPPED)
def test_rule(name: str, error_words: Any) -> None:
    topology, facts, devices, about = TRIPPED[name]
    (found,) = preflight_report.findings(topology, facts, devices)
    assert ("warning" if found.warning else "error", *error_words(found.finding.error)) == about


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"protocols": ("udp",)}, ["lvs_services (web).protocol"]),
        ({"protocols": ("udp",), "prove_ports": ()}, []),
        ({"protocols": ("tcp", "udp")}, []),
        ({"fwmark": 7, "ports": ()}, ["lvs_services (web).ports", "lvs_services (web).prove_ports"]),
        ({"fwmark": 7, "ports": (), "protocols": ("udp",)}, ["lvs_services (web).ports", "lvs_services (web).protocol"]),
        ({"fwmark": 7, "ports": (), "prove_ports": (80,)}, ["lvs_services (web).ports"]),
        ({"fwmark": 7, "ports": (), "prove_ports": ()}, ["lvs_services (web).ports"]),
        ({"fwmark": 7}, []),
        ({"prove_ports": ()}, []),
        ({"protocols": ("udp",), "servers": ()}, []),
    ],
)  # fmt: skip
def test_what_nothing_proves_is_warned_of(change: dict[str, Any], about: list[str], error_words: Any) -> None:
    topology = cluster()
    topology = topology._replace(services=(topology.services[0]._replace(**change),))
    found = preflight_report.findings(topology, healthy())
    assert [(one.warning, error_words(one.finding.error)[0]) for one in found] == [(True, one) for one in about]


def finished() -> dict[str, HostFacts]:
    """A cluster that stands: the VIP on the director, and on lo of the servers, which keep quiet."""
    facts, lo = healthy(), LO._replace(addresses=(*LO.addresses, f"{VIP}/32"))
    for host in ("rs1", "rs2"):
        own = {**facts[host].owners, VIP: (MAC["lb1"],)}
        facts[host] = facts[host]._replace(interfaces=(lo, *facts[host].interfaces[1:]), owners=own)
    director = eth("lb1", "192.0.2.3/24", f"{VIP}/32")
    return {**facts, "lb1": facts["lb1"]._replace(interfaces=(LO, director), ip_vs="loaded")}


@pytest.mark.parametrize("facts", [healthy(), finished()], ids=["before", "after"])
@pytest.mark.parametrize("hosts", [["lb1", "rs1", "rs2"], ["rs1"], ["lb1"], ["rs1", "rs2"], []], ids=" ".join)
def test_nothing_is_in_the_way(facts: dict[str, HostFacts], hosts: list[str]) -> None:
    devices = {"lb1": {"director_interface": "eth0"}, "rs1": {"realserver_vip_interface": "tunl0"}}
    assert told(cluster(), {host: facts[host] for host in hosts}, devices) == []


def test_tunnel_and_masquerade_need_no_common_network() -> None:
    for forwarding, gateway in (("tunnel", "198.51.100.1"), ("masquerade", DIP)):
        facts = changed("rs1", interfaces=(eth("rs1", "198.51.100.4/24"),), gateways=(Gateway(gateway, "eth0"),))
        facts["rs2"] = facts["rs2"]._replace(gateways=(Gateway(gateway, "eth0"),))
        assert told(cluster(forwarding, rip="198.51.100.4"), facts) == []


def test_a_director_that_is_a_server_too() -> None:
    server = Server("lb1", DIP, {})
    service = cluster().services[0]._replace(servers=(server, Server("rs1", "192.0.2.4", {})))
    topology = Topology((service,), {"lb1": (DIP,)}, {"lb1": (DIP,), "rs1": ("192.0.2.4",)})
    assert told(topology, finished()) == []
    assert preflight_addresses(topology, "lb1") == [VIP, "192.0.2.4"]


def test_a_server_that_leaves_may_be_gone_already() -> None:
    service = cluster().services[0]
    for state, expected in (("absent", []), ("drained", ["warning: rs1: RIP: '192.0.2.4' is not answered for by ARP"])):
        servers = (service.servers[0]._replace(options={"state": state}), service.servers[1])
        topology = cluster()._replace(services=(service._replace(servers=servers),))
        found = told(topology, {"lb1": heard("lb1", _192_0_2_4=())["lb1"]})
        assert [line[: len("warning: rs1: RIP: '192.0.2.4' is not answered for by ARP")] for line in found] == expected


def test_only_the_families_of_the_vips_count() -> None:
    topology = cluster()._replace(
        dips={"lb1": (DIP, "2001:db8::3")}, rips={"rs1": ("192.0.2.4", "2001:db8:9::4"), "rs2": ("192.0.2.5",)}
    )
    assert preflight_addresses(topology, "lb1") == [VIP, "192.0.2.4", "192.0.2.5"]
    both = topology._replace(services=(topology.services[0]._replace(vips=(VIP, "2001:db8::30")),))
    assert preflight_addresses(both, "lb1")[2:] == ["192.0.2.4", "2001:db8:9::4", "192.0.2.5"]


def test_who_asks_for_what() -> None:
    assert preflight_addresses(cluster(), "lb1") == [VIP, "192.0.2.4", "192.0.2.5"]
    assert preflight_addresses(cluster(), "rs1") == [VIP, DIP]
    assert preflight_addresses(cluster("tunnel"), "lb1") == [VIP]
    assert preflight_addresses(cluster(), "client") == []
    assert preflight_schedulers(cluster(scheduler="rr"), "lb1") == ["rr"]
    assert preflight_schedulers(cluster(), "rs1") == []


def test_report() -> None:
    finding = Finding("rs1", "RIP", "192.0.2.4", "is wrong", "put it right")
    line = "rs1: RIP: '192.0.2.4' is wrong; put it right."
    both = [Judgement(finding, True), Judgement(finding._replace(host="rs2"))]
    report = Report("", [finding], both, ["rs1"], ["rs2"], ["192.0.2.4 in real_servers is the host rs1."])
    assert preflight_report.report([report])["lines"] == [
        f"ERROR    {line}",
        f"ERROR    {line.replace('rs1', 'rs2')}",
        f"warning  {line}",
        "192.0.2.4 in real_servers is the host rs1.",
        "2 errors found. Read 1 host: rs1.",
        "Not read, so not checked: rs2.",
    ]
    good = Report("", [], both[:1], ["lb1", "rs1"], [], [])
    assert preflight_report.report([good])["lines"] == [f"warning  {line}", "No error found. Read 2 hosts: lb1, rs1."]
    assert preflight_report.report([good._replace(read=[])])["lines"][-1] == (
        "No host was read, so only lvs_services was checked."
    )


def test_the_report_of_two_clusters_says_which_is_meant() -> None:
    of_services = Finding("", "lvs_services (web)", "ports", "is missing", "give it ports")
    reports = [Report("a", [of_services], [], ["lb1"], [], []), Report("b", [], [], ["lb2"], ["rs2"], [])]
    assert preflight_report.report(reports)["lines"] == [
        "ERROR    a: lvs_services (web): 'ports' is missing; give it ports.",
        "a: 1 error found. Read 1 host: lb1.",
        "b: No error found. Read 1 host: lb2.",
        "b: Not read, so not checked: rs2.",
    ]


@given(st.data())
def test_a_healthy_cluster_of_any_shape(data: st.DataObject) -> None:
    """Random sizes and families, each host asking as the playbook has it ask: nothing is found; and facts survive JSON."""
    family = data.draw(st.sampled_from(["192.0.2.", "2001:db8::"]))
    prefix = 24 if "." in family else 64
    directors = [f"lb{n}" for n in range(data.draw(st.integers(1, 3)))]
    servers = [f"rs{n}" for n in range(data.draw(st.integers(0, 8)))]
    address = {host: f"{family}{n}" for n, host in enumerate([*directors, *servers], 2)}
    services = []
    for n in range(data.draw(st.integers(1, 3))):
        pool = data.draw(st.lists(st.sampled_from(servers), unique=True)) if servers else []
        members = tuple(Server(host, address[host], {}) for host in pool)
        services.append(
            Service(f"s{n}", (f"{family}{90 + n}",), PORTS, ("tcp",), 0, "direct", tuple(directors), members, {})
        )
    topology = Topology(tuple(services), {h: (address[h],) for h in directors}, {h: (address[h],) for h in servers})
    standing = data.draw(st.booleans())
    mac = {host: f"02:00:00:00:01:{n:02x}" for n, host in enumerate(address)}
    owner = {one: mac[host] for host, one in address.items()}
    if standing:
        owner.update({vip: mac["lb0"] for service in services for vip in service.vips})
    facts = {
        host: HostFacts(
            "6.1.0",
            (Interface("eth0", mac[host], True, (f"{one}/{prefix}",)),),
            (Gateway(f"{family}1", "eth0"),),
            "module",
            owners={
                asked: (owner[asked],) if asked in owner and owner[asked] != mac[host] else ()
                for asked in preflight_addresses(topology, host)
            },
        )
        for host, one in address.items()
    }
    limited = data.draw(st.lists(st.sampled_from(sorted(facts)), unique=True))
    for some in (facts, {host: facts[host] for host in limited}):
        assert told(topology, some) == []
        assert {host: from_values(one.as_values()) for host, one in some.items()} == some


@pytest.mark.parametrize(
    "own",
    [{"realserver_vip_interface": "dummy0"}, {"realserver_vip_interface": "vips", "realserver_vip_kind": "dummy"}],
)
def test_what_the_role_makes_is_not_missing(own: dict[str, str]) -> None:
    assert told(cluster(), healthy(), {"rs1": own}) == []


def test_who_is_left_in_arp_may_answer() -> None:
    facts = heard("lb1", _192_0_2_30=(MAC["rs1"],))
    assert told(cluster(), facts, {"rs1": {"realserver_arp_mode": "none"}}) == []
    assert len(told(cluster(), facts, {"rs2": {"realserver_arp_mode": "none"}})) == 1


SHARED = Summary("mail", "director", ("192.0.2.31",), ("tcp 192.0.2.31:25",))


@pytest.mark.parametrize(
    ("declaration", "variables", "note"),
    [
        (SHARED, {}, "lb1: cluster mail (declaration director) has VIP 192.0.2.31, tcp 192.0.2.31:25 here; this run leaves it as it is."),
        (SHARED, {"lvs_cluster_name": "mail"}, ""),
        (SHARED, {"lvs_cluster_name": "web", "lvs_cluster_formerly": "mail"}, ""),
        # A cluster that is renamed finds itself under its former name.
        (Summary("default", "director", (VIP,), ("tcp 192.0.2.30:80",)), {"lvs_cluster_name": "web", "lvs_cluster_formerly": "default"}, ""),
        (Summary("default", "director", (VIP,), ("tcp 192.0.2.30:80",)), {}, ""),
        (Summary("default", "director", problem="It is damaged."), {}, ""),
        (Summary("mail", "gateway"), {}, "lb1: cluster mail (declaration gateway) has nothing that clients reach here; this run leaves it as it is."),
    ],
)  # fmt: skip
def test_what_another_cluster_has_is_told(declaration: Summary, variables: dict[str, str], note: str) -> None:
    facts = changed("lb1", declarations=(declaration,))
    assert told(cluster(), facts, everywhere(**variables)) == []
    notes = preflight_report.notes(cluster(), facts, {"lb1": variables})
    assert notes == ([note] if note else [])
    report = preflight_report.report([preflight_report.Report("", (), (), ["lb1"], (), (), notes)])
    assert report["notes"] == notes
    assert report["lines"] == [*(f"note     {one}" for one in notes), "No error found. Read 1 host: lb1."]
    assert from_values(facts["lb1"].as_values()) == facts["lb1"]
