# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at without a library, against what ip(8) tells; and that the library stays out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink import dump as rtnetlink_dump
from netns_hosts import Namespace, Segment
from netns_vips import VIP, VIP6

# More than one message of the kernel holds.
MANY = [f"198.51.{high}.{low}" for high in range(3) for low in range(1, 251)]


def test_devices_and_addresses_are_those_that_ip_tells(namespace: Namespace) -> None:
    namespace.ip(
        "link add eth0 type veth peer name far",
        "link set eth0 up",
        "link set lo up",
        "link set far up arp off",
        *(f"addr add {address}/32 dev eth0" for address in MANY),
        "addr add 192.0.2.4 peer 192.0.2.5 dev far",
        "addr add 192.0.2.6/24 dev far label far:1 scope link",
        f"addr add {VIP6}/128 dev far nodad noprefixroute preferred_lft 0 valid_lft forever",
    )
    with namespace.entered():
        links, addresses = rtnetlink_dump.links(), rtnetlink_dump.addresses()
    told = {one["ifindex"]: one for one in namespace.json("addr show")}
    assert {index: (link.name, link.kind, link.mac, link.up, link.loopback) for index, link in links.items()} == {
        index: (
            one["ifname"],
            one.get("linkinfo", {}).get("info_kind", ""),
            # Devices that are one host's end of a tunnel show an address of IP.
            one.get("address", "") if one["link_type"] in ("ether", "loopback") else links[index].mac,
            "UP" in one["flags"],
            "LOOPBACK" in one["flags"],
        )
        for index, one in told.items()
    }
    assert {link.name for link in links.values() if link.arp} == {"eth0"}
    scopes = {"global": 0, "link": 253, "host": 254}
    seen = {
        (one.device, one.address, "" if one.far == one.address else one.far, one.prefix, one.scope, one.label)
        for one in addresses
    }
    assert seen == {
        (index, held["local"], held.get("address", ""), held["prefixlen"], scopes[held["scope"]], held.get("label", ""))
        for index, one in told.items()
        for held in one["addr_info"]
    }
    assert len(addresses) == len(seen) > len(MANY)


def test_only_a_change_needs_the_library(make_segment: Callable[[int], Segment], tmp_path: Path) -> None:
    host = make_segment(1).host(1)
    host.ip(f"addr add {VIP}/32 dev eth0")
    broken = tmp_path / "pyroute2.py"
    broken.write_text("raise ImportError('broken')\n")
    found = host.module("vip_iface", path=tmp_path, addresses=[VIP], interface="eth0")
    assert (found["changed"], found["operations"]) == (False, [])
    refused = host.module("vip_iface", path=tmp_path, addresses=[VIP6], interface="eth0")
    assert refused["msg"].startswith("Failed to import the required Python library (pyroute2) on ")
