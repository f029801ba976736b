# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface of a director has which VIP, and what a director has while it stands by."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.filter.networks import vip_devices, vrrp_groups
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.servers import servers_of
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.views import (
    director_services,
    director_withheld_services,
    realserver_openings,
)

VIP, OTHER, ROUTED, VIP6 = "192.0.2.30", "198.51.100.30", "203.0.113.30", "2001:db8::30"


def device(name: str, *addresses: str, arp: bool = True) -> dict[str, Any]:
    return {"name": name, "mac": "02:00:00:00:00:01", "up": True, "addresses": list(addresses), "arp": arp}


LEGS = [
    device("lo", "127.0.0.1/8", f"{OTHER}/32", arp=False),
    device("eth0", "192.0.2.3/24", "2001:db8::3/64"),
    device("eth1", "198.51.100.3/24"),
]


@pytest.mark.parametrize(
    ("vips", "chosen", "expected"),
    [
        ([VIP, OTHER, ROUTED, VIP6], {}, {"eth0": [VIP, VIP6], "eth1": [OTHER], "eth9": [ROUTED]}),
        ([VIP, OTHER], "dummy0", {"dummy0": [VIP, OTHER]}),
        ([VIP, OTHER, VIP6], {VIP: "eth1", "2001:DB8:0::30": "eth2"}, {"eth1": [VIP, OTHER], "eth2": [VIP6]}),
        (["192.0.2.30/32"], None, {"eth0": ["192.0.2.30/32"]}),
        ([], {}, {}),
    ],
)
def test_the_network_of_a_vip_decides(vips: list[str], chosen: Any, expected: dict[str, list[str]]) -> None:
    found = vip_devices(vips, LEGS, chosen, "eth9")
    assert {one["interface"]: one["addresses"] for one in found} == expected


@pytest.mark.parametrize(
    ("interfaces", "expected"),
    [
        ([], "eth9"),
        # What is there of an earlier run, in whatever form, says nothing of the network.
        ([device("eth0", "192.0.2.30/32"), device("eth1", "192.0.2.30/24")], "eth9"),
        ([device("eth0", "192.0.0.1/16"), device("eth1", "192.0.2.3/24")], "eth1"),
        ([device("eth0", "192.0.2.3/24"), device("eth9", "192.0.2.4/24")], "eth9"),
        ([device("eth0", "192.0.2.3/24"), device("eth1", "192.0.2.4/24")], "eth0"),
        ([device("tun0", "192.0.2.3/24", arp=False)], "eth9"),
        ([device("br0", "192.0.2.3/24")], "br0"),
        ([device("bond0.5", "192.0.2.3/24")], "bond0.5"),
    ],
)
def test_the_smallest_network_of_an_interface_with_arp(interfaces: list[dict[str, Any]], expected: str) -> None:
    assert vip_devices([VIP], interfaces, {}, "eth9") == [{"interface": expected, "addresses": [VIP]}]


@pytest.mark.parametrize(("unicast", "peers"), [(True, ["198.51.100.4"]), (False, [])])
def test_instances_have_the_interfaces_of_the_host(unicast: bool, peers: list[str]) -> None:
    group = {"name": "group1", "vrid": 51, "priority": 254, "source_address": "198.51.100.3", "peers": ["198.51.100.4"]}
    settings = {"advert_interval": 0.3, "unicast": unicast}
    assert vrrp_groups([{**group, "vips": [VIP, ROUTED]}], LEGS, {}, "eth9", settings) == [
        {
            **group,
            "advert_interval": 0.3,
            "interface": "eth1",
            "peers": peers,
            "vips": [{"address": VIP, "interface": "eth0"}, {"address": ROUTED, "interface": "eth9"}],
        }
    ]


@pytest.mark.parametrize("chosen", [["eth0"], {"eth0": VIP}])
def test_what_is_no_choice(chosen: Any, error_words: Any) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        vip_devices([VIP], LEGS, chosen, "eth0")
    assert "director_vip_interface" in str(caught.value)


GROUPS = {"directors": ["one", "two", "three"], "realservers": ["one", "two", "rs"]}
HOSTVARS: dict[str, dict[str, Any]] = {
    name: {"ansible_host": f"192.0.2.{number}"} for number, name in enumerate(("one", "two", "three", "rs"), 1)
}
WEB = {"name": "web", "address": VIP, "ports": [80, 443]}


def tables(changes: dict[str, Any] | None = None, **hosts: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return, by director, how many services it has, and how many it must not have."""
    hostvars = {name: {**own, **hosts.get(name, {})} for name, own in HOSTVARS.items()}
    topology = read_topology([{**WEB, **(changes or {})}], GROUPS, hostvars)
    return {
        host: (len(director_services(topology, host)), len(director_withheld_services(topology, host)))
        for host in GROUPS["directors"]
    }


ABSENT = {"director_state": "absent"}


def test_a_director_that_stands_by_and_serves_has_no_services() -> None:
    """The active one has, and one that only stands by; a director that takes over gets them."""
    assert tables() == {"one": (2, 0), "two": (0, 2), "three": (2, 0)}
    assert tables(one=ABSENT) == {"one": (2, 0), "two": (2, 0), "three": (2, 0)}
    assert tables(two={"realserver_state": "absent"}) == {"one": (2, 0), "two": (2, 0), "three": (2, 0)}
    assert tables(two={"realserver_state": "drained"})["two"] == (0, 2)
    assert tables({"directors": ["two", "one"]}) == {"one": (0, 2), "two": (2, 0), "three": (0, 0)}


@pytest.mark.parametrize(
    ("changes", "withheld"),
    [
        ({"forwarding": "tunnel"}, 2),
        # Its packets have the server's own address, for which nobody has a service.
        ({"forwarding": "masquerade"}, 0),
        ({"fwmark": 7}, 1),
        ({"real_servers": ["one", "rs"]}, 0),
    ],
)
def test_whom_the_vip_comes_to(changes: dict[str, Any], withheld: int) -> None:
    assert tables(changes)["two"][1] == withheld


def test_what_is_withheld_is_named_as_ipvs_table_wants_it() -> None:
    topology = read_topology([WEB], GROUPS, HOSTVARS)
    assert [(one["address"], one["port"], one["state"]) for one in director_withheld_services(topology, "two")] == [
        (VIP, 80, "absent"),
        (VIP, 443, "absent"),
    ]
    # A drain goes to the directors that have the server.
    assert servers_of(topology, GROUPS, "rs", "two") == []
    assert servers_of(topology, GROUPS, "rs", "one") == ["192.0.2.4"]


def test_several_addresses_of_a_director() -> None:
    hostvars = {**HOSTVARS, "three": {"director_address": ["192.0.2.3", "198.51.100.3", "2001:db8::3"]}}
    services = [{**WEB, "directors": ["three"], "real_servers": ["rs"], "forwarding": "tunnel"}]
    topology = read_topology(services, GROUPS, hostvars)
    assert topology.dips["three"] == ("192.0.2.3", "198.51.100.3", "2001:db8::3")
    # The tunnel comes from the address of either network.
    sources = [one["source"] for one in realserver_openings(topology, "rs") if one["protocol"] == "ipip"]
    assert sources == ["192.0.2.3", "198.51.100.3"]
