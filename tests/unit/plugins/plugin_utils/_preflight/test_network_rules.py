# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are not the how-to's: several legs, gateways, interfaces of VIPs, and hosts with several parts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import PortRange
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import (
    Gateway,
    Hop,
    HostFacts,
    Interface,
    from_values,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight import report as preflight_report
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.context import Case
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Server, Service, Topology
from preflight_hosts import DIP, LO, MAC, PORTS, ROUTER, VIP, changed, cluster, eth, healthy, told

LAN = Interface("eth1", "02:00:00:00:01:03", True, ("198.51.100.3/24",), arp=True)


def two_legs(**director: Any) -> dict[str, HostFacts]:
    """Return the facts where rs1 is on a second network of the director."""
    facts = changed("rs1", interfaces=(LO, eth("rs1", "198.51.100.4/24")), gateways=(), owners={VIP: ()})
    director = {
        "interfaces": (LO, eth("lb1", "192.0.2.3/24", arp=True), LAN),
        "routes": {"198.51.100.4": Hop("eth1"), "192.0.2.5": Hop("eth0"), VIP: Hop("eth0")},
        "owners": {"198.51.100.4": (MAC["rs1"],), "192.0.2.5": (MAC["rs2"],), VIP: ()},
        **director,
    }
    return {**facts, "lb1": facts["lb1"]._replace(**director)}


def dips(*addresses: str) -> Topology:
    return cluster(rip="198.51.100.4")._replace(dips={"lb1": addresses})


@pytest.mark.parametrize("addresses", [(DIP,), ("198.51.100.3",), (DIP, "198.51.100.3"), ("198.51.100.3", DIP)])
@pytest.mark.parametrize("routes", [True, False])
def test_a_director_with_a_leg_in_each_network_of_its_servers(addresses: tuple[str, ...], routes: bool) -> None:
    """What its routes say counts, and where they are not known the networks of all its interfaces."""
    facts = two_legs() if routes else two_legs(routes={})
    assert told(dips(*addresses), facts) == []
    assert {host: from_values(one.as_values()) for host, one in facts.items()} == facts


def test_the_dip_of_a_server_is_the_one_of_its_network() -> None:
    for facts in (two_legs(), two_legs(routes={}), {"rs1": two_legs()["rs1"]}):
        case = Case(dips(DIP, "198.51.100.3"), facts, {})
        found = {pair.rip: pair.dip for pair in case.pairs("direct")}
        assert found == {"198.51.100.4": "198.51.100.3", "192.0.2.5": DIP}


def test_a_network_on_link_without_an_address_of_it() -> None:
    """As some clouds have it: an address of its own length, and a route to the device."""
    facts = two_legs(
        interfaces=(LO, eth("lb1", "192.0.2.3/32")), routes={"198.51.100.4": Hop("eth0"), "192.0.2.5": Hop("eth0")}
    )
    facts["rs1"] = facts["rs1"]._replace(interfaces=(LO, eth("rs1", "198.51.100.4/32")))
    assert told(dips(DIP), facts) == []


def test_two_dips_of_one_interface() -> None:
    facts = changed("lb1", interfaces=(LO, eth("lb1", "192.0.2.3/24", "192.0.2.13/24")))
    topology = cluster()._replace(dips={"lb1": ("192.0.2.13", DIP)})
    assert told(topology, facts, {"lb1": {"director_interface": "eth0"}}) == []


ABOUT = {
    "behind a gateway": (
        dips(DIP), two_legs(routes={"198.51.100.4": Hop("eth0", ROUTER), "192.0.2.5": Hop("eth0")}), None,
        ("error", "rs1: RIP", "198.51.100.4"),
    ),
    "behind a gateway, in spite of its network": (
        cluster(), changed("lb1", routes={"192.0.2.4": Hop("eth0", ROUTER), "192.0.2.5": Hop("eth0")}), None,
        ("error", "rs1: RIP", "192.0.2.4"),
    ),
    "no route": (
        dips(DIP), two_legs(routes={"198.51.100.4": Hop(), "192.0.2.5": Hop("eth0")}), None,
        ("error", "rs1: RIP", "198.51.100.4"),
    ),
    "on the segment, and no answer": (
        dips(DIP), two_legs(owners={"198.51.100.4": (), "192.0.2.5": (MAC["rs2"],), VIP: ()}), None,
        ("error", "rs1: RIP", "198.51.100.4"),
    ),
    "none of two DIPs on director_interface": (
        dips("198.51.100.3"), two_legs(), {"lb1": {"director_interface": "eth0"}},
        ("error", "lb1: DIP", "198.51.100.3"),
    ),
    "RIP of the management network": (
        cluster(rip="203.0.113.4"),
        {
            **changed("lb1", routes={"203.0.113.4": Hop(), "192.0.2.5": Hop("eth0")}),
            "rs1": healthy()["rs1"]._replace(interfaces=(
                LO, Interface("mgmt0", MAC["x"], True, ("203.0.113.4/24",)), eth("rs1", "192.0.2.4/24"))),
        },
        None,
        ("error", "rs1: RIP", "203.0.113.4"),
    ),
    "RIP of a management network that the director has too": (
        cluster(rip="203.0.113.4"),
        {
            **changed(
                "lb1", routes={"203.0.113.4": Hop("mgmt0"), "192.0.2.5": Hop("eth0")},
                interfaces=(LO, eth("lb1", "192.0.2.3/24"), Interface("mgmt0", "02:00:00:00:02:03", True, ("203.0.113.3/24",))),
            ),
            "rs1": healthy()["rs1"]._replace(interfaces=(
                LO, Interface("mgmt0", MAC["x"], True, ("203.0.113.4/24",)), eth("rs1", "192.0.2.4/24"))),
        },
        None,
        ("warning", "rs1: RIP", "203.0.113.4"),
    ),
    "RIP behind NAT": (
        cluster(rip="203.0.113.4"),
        changed("rs1", interfaces=(LO, eth("rs1", "192.0.2.4/24")))
        | {"lb1": healthy()["lb1"]._replace(routes={"203.0.113.4": Hop("eth0"), "192.0.2.5": Hop("eth0")})},
        None,
        ("error", "rs1: RIP", "203.0.113.4"),
    ),
    "DIP of the management network": (
        cluster()._replace(dips={"lb1": ("203.0.113.3",)}),
        changed(
            "lb1", interfaces=(LO, Interface("mgmt0", "02:00:00:00:02:03", True, ("203.0.113.3/24",)), eth("lb1", "192.0.2.3/24"))
        ),
        {"lb1": {"director_interface": "eth0"}},
        ("error", "lb1: DIP", "203.0.113.3"),
    ),
    "the director forwards and takes the VIP for a martian": (
        cluster(),
        changed("rs1", gateways=(Gateway(DIP, "eth0"),))
        | {"lb1": healthy()["lb1"]._replace(interfaces=(LO, eth("lb1", "192.0.2.3/24", forwarding=True)))},
        None,
        ("error", "rs1: default gateway", DIP),
    ),
    "accept_local without forwarding": (
        cluster(),
        changed("rs1", gateways=(Gateway(DIP, "eth0"),))
        | {"lb1": healthy()["lb1"]._replace(interfaces=(LO, eth("lb1", "192.0.2.3/24", accept_local=True)))},
        None,
        ("error", "rs1: default gateway", DIP),
    ),
    "forwarding is to be switched off": (
        cluster(),
        changed("rs1", gateways=(Gateway(DIP, "eth0"),))
        | {"lb1": healthy()["lb1"]._replace(interfaces=(LO, eth("lb1", "192.0.2.3/24", accept_local=True, forwarding=True)))},
        {"lb1": {"director_forwarding": "0"}},
        ("error", "rs1: default gateway", DIP),
    ),
    "strict rp_filter, and the VIP on another interface": (
        cluster(),
        changed("rs1", gateways=(Gateway(DIP, "eth0"),))
        | {"lb1": healthy()["lb1"]._replace(interfaces=(
            LO, eth("lb1", "192.0.2.3/24", accept_local=True, forwarding=True, rp_filter=1), LAN))},
        {"lb1": {"director_vip_interface": "eth1"}},
        ("error", "rs1: default gateway", DIP),
    ),
    "another address of the director": (
        cluster(),
        changed("rs1", gateways=(Gateway("192.0.2.13", "eth0"),))
        | {"lb1": healthy()["lb1"]._replace(interfaces=(LO, eth("lb1", "192.0.2.3/24", "192.0.2.13/24")))},
        None,
        ("error", "rs1: default gateway", "192.0.2.13"),
    ),
    "the director was not looked at": (
        cluster(), {"rs1": healthy()["rs1"]._replace(gateways=(Gateway(DIP, "eth0"),))}, None,
        ("warning", "rs1: default gateway", DIP),
    ),
    "rp_filter on a server": (
        cluster(), changed("rs1", filtered={"eth0": ("192.0.2.4",)}, gateways=(Gateway("203.0.113.1", "mgmt0"),)), None,
        ("warning", "rs1: rp_filter", "1"),
    ),
    "rp_filter for the VIP on lo": (
        cluster(),
        changed("rs1", filtered={"eth0": (VIP,)}, interfaces=(LO._replace(addresses=(f"{VIP}/32",)), eth("rs1", "192.0.2.4/24"))),
        None,
        ("warning", "rs1: rp_filter", "1"),
    ),
    "rp_filter on a director": (
        cluster(), changed("lb1", filtered={"eth0": (DIP,)}), {"lb1": {"director_interface": "eth0"}},
        ("warning", "lb1: rp_filter", "1"),
    ),
    "VIPs on a device that does ARP": (
        cluster(), changed("rs1", interfaces=(LO, eth("rs1", "192.0.2.4/24", arp=True))), {"rs1": {"realserver_vip_interface": "eth0"}},
        ("error", "rs1: realserver_vip_interface", "eth0"),
    ),
    "a VIP that moves to the interface of its network": (
        cluster(), two_legs(interfaces=(LO, eth("lb1", DIP + "/24", arp=True), LAN._replace(addresses=(*LAN.addresses, f"{VIP}/32"))))
        | {"rs1": healthy()["rs1"]},
        {"lb1": {"director_interface": "eth1"}},
        ("warning", "lb1: VIP", VIP),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ABOUT)
def test_rule(name: str, error_words: Any) -> None:
    topology, facts, variables, about = ABOUT[name]
    found = preflight_report.findings(topology, facts, variables)
    mine = [one for one in found if f"{one.finding.host}: {one.finding.subject}" == about[1]]
    assert [("warning" if one.warning else "error", *error_words(one.finding.error)) for one in mine] == [about]
    others = [one for one in found if one not in mine]
    assert not others or name == "a VIP that moves to the interface of its network"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("RIP of the management network", "write realserver_address: 192.0.2.4 (on eth0), or use forwarding: tunnel"),
        (
            "RIP of a management network that the director has too",
            "write realserver_address: 192.0.2.4 (on eth0), or realserver_address: 203.0.113.4 to keep it",
        ),
        ("RIP behind NAT", "write realserver_address: 192.0.2.4, or add it to an interface"),
        ("DIP of the management network", "write director_address: 192.0.2.3, or director_interface: mgmt0"),
    ],
)
def test_the_address_on_the_cluster_s_network_is_offered_first(name: str, remedy: str) -> None:
    topology, facts, variables, _about = ABOUT[name]
    assert remedy in [one.finding.remedy for one in preflight_report.findings(topology, facts, variables)]


def test_an_address_that_somebody_wrote_is_not_doubted() -> None:
    topology, facts, _variables, _about = ABOUT["RIP of a management network that the director has too"]
    assert told(topology, facts, {"rs1": {"realserver_address": "203.0.113.4"}}) == []


GOOD_GATEWAY = {
    "set on the host": ({"accept_local": True, "forwarding": True}, {}),
    "to be set by the role": ({"accept_local": True}, {"director_forwarding": "1"}),
    "strict, on the VIP's own interface": ({"accept_local": True, "forwarding": True, "rp_filter": 1}, {}),
    "loose, on another": (
        {"accept_local": True, "forwarding": True, "rp_filter": 2},
        {"director_vip_interface": {VIP: "eth1"}},
    ),
}


@pytest.mark.parametrize("name", GOOD_GATEWAY)
def test_a_director_with_accept_local_may_be_the_gateway(name: str) -> None:
    sysctls, variables = GOOD_GATEWAY[name]
    facts = changed("rs1", gateways=(Gateway(DIP, "eth0"),))
    device = eth("lb1", "192.0.2.3/24", arp=True, **sysctls)
    facts["lb1"] = facts["lb1"]._replace(interfaces=(LO, device, LAN))
    assert told(cluster(), facts, {"lb1": {"director_interface": "eth0", **variables}}) == []


def ipv6(forwarding: bool, gateway: str) -> list[str]:
    vip, rip, dip = "2001:db8::30", "2001:db8::4", "2001:db8::3"
    service = Service("web", (vip,), PORTS, ("tcp",), 0, "direct", ("lb1",), (Server("rs1", rip, {}),), {})
    topology = Topology((service,), {"lb1": (dip,)}, {"rs1": (rip,)})
    facts = {
        "lb1": HostFacts("6.1", (eth("lb1", f"{dip}/64", "fe80::3/64"),), ipv6_forwarding=forwarding),
        "rs1": HostFacts("6.1", (eth("rs1", f"{rip}/64", "fe80::4/64"),), (Gateway(gateway, "eth0"),)),
    }
    return told(topology, facts)


@pytest.mark.parametrize("gateway", ["2001:db8::3", "fe80::3"])
def test_ipv6_needs_forwarding_alone_and_gateways_are_often_link_local(gateway: str) -> None:
    assert ipv6(True, gateway) == []
    (line,) = ipv6(False, gateway)
    assert line.startswith(f"rs1: default gateway: '{gateway}' is ")
    assert "let the director forward them: net.ipv6.conf.all.forwarding 1." in line


@pytest.mark.parametrize(
    ("mode", "vips", "refused"),
    [
        ("sysctl", (VIP,), True),
        ("sysctl", ("2001:db8::30",), True),
        ("arptables", (VIP,), False),
        ("arptables", (VIP, "2001:db8::30"), True),
        ("none", (VIP, "2001:db8::30"), False),
    ],
)
def test_what_may_have_the_vips_of_a_server(mode: str, vips: tuple[str, ...], refused: bool) -> None:
    topology = cluster()._replace(services=(cluster().services[0]._replace(vips=vips),))
    facts = {"rs1": healthy()["rs1"]._replace(interfaces=(LO, eth("rs1", "192.0.2.4/24", arp=True)))}
    own = {"realserver_vip_interface": "eth0", "realserver_arp_mode": mode}
    assert len(told(topology, facts, {"rs1": own})) == int(refused)
    assert told(topology, facts, {"rs1": {**own, "realserver_vip_interface": "lo"}}) == []


def test_a_rule_for_the_vip_alone_is_good_enough() -> None:
    """The answers of the VIP go back by the director's segment, those of the host by its default route."""
    lo = LO._replace(addresses=(f"{VIP}/32",))
    facts = changed("rs1", filtered={"eth0": ("192.0.2.4",)}, interfaces=(lo, eth("rs1", "192.0.2.4/24")))
    assert told(cluster(), facts) == []


def service(name: str, port: int, *hosts: str, vip: str = VIP, **values: Any) -> Service:
    servers = tuple(Server(host, "", {"state": "present"}) for host in hosts)
    return Service(
        name,
        (vip,),
        (PortRange(port, port),),
        ("tcp",),
        0,
        values.pop("forwarding", "direct"),
        ("lb1", "lb2"),
        servers,
        {},
        **values,
    )


def test_a_server_of_one_pool_is_no_client_of_the_other() -> None:
    web, mail = service("web", 80, "rs1", "rs2"), service("mail", 25, "rs2", "rs3")
    found = told(Topology((web, mail), {}, {}), {})
    assert [(line.split("is of ")[0], "rs1 has it" in line, "rs3 has it" in line) for line in found] == [
        (f"warning: VIP: '{VIP}' ", True, False),
        (f"warning: VIP: '{VIP}' ", False, True),
    ]
    assert "services web and mail, and rs1 has it for web alone" in found[0]
    assert "services mail and web, and rs3 has it for mail alone" in found[1]


@pytest.mark.parametrize(
    "others",
    [
        (service("tls", 443, "rs1", "rs2"),),
        (service("mail", 25, "rs3", vip="192.0.2.31"),),
        (service("none", 25),),
    ],
)
def test_pools_that_have_nothing_to_do_with_each_other(others: tuple[Service, ...]) -> None:
    assert told(Topology((service("web", 80, "rs1", "rs2"), *others), {}, {}), {}) == []


def test_a_server_that_is_masqueraded_has_no_vip() -> None:
    web = service("web", 80, "rs1", forwarding="masquerade")
    mail = service("mail", 25, "rs2")
    assert ["rs2 has it" in line for line in told(Topology((web, mail), {}, {}), {})] == [True]


def test_a_director_on_standby_that_serves_has_no_services() -> None:
    (line,) = told(Topology((service("web", 80, "lb1", "lb2", "rs1"),), {}, {}), {})
    assert line.startswith("warning: lb2: service: 'web' stands by for lb1 as a director, and is a real server too")
