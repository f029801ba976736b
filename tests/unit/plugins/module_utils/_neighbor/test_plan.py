# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of vip_neighbor: no kernel, any state, any wish."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.model import CurrentNeighbors, NextHop
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import Neighbor, WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.plan import plan_neighbors, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Entry, Link
from hypothesis import given
from hypothesis import strategies as st
from plans import simulated

VIP, VIP6, MAC, OTHER, OWN = "192.0.2.30", "2001:db8::30", "52:54:00:00:00:03", "52:54:00:00:00:04", "02:00:00:00:00:01"
LINKS = {
    "lo": Link("lo", "", up=True, arp=False, loopback=True, mac="00:00:00:00:00:00"),
    "eth0": Link("eth0", "", up=True, arp=True, mac=OWN),
    "eth1": Link("eth1", "", up=False, arp=True, mac="02:00:00:00:00:02"),
    "tun0": Link("tun0", "tun", up=True, arp=False),
}
WAYS = {VIP: NextHop("unicast", "eth0"), VIP6: NextHop("unicast", "eth0")}
STATIC, STATIC6 = Entry("eth0", VIP, MAC, True), Entry("eth0", VIP6, MAC, True)


def plan(entries: list[Entry], neighbors: list[Neighbor], ways: dict[str, NextHop] | None = None, **wanted: Any) -> Any:
    """Return the plan for eth0, unless `wanted` says otherwise."""
    current = CurrentNeighbors(LINKS, tuple(entries), WAYS if ways is None else ways)
    return plan_neighbors(current, WantedNeighbors(tuple(neighbors), **{"interface": "eth0", **wanted}))


@pytest.mark.parametrize(
    ("entries", "neighbors", "expected"),
    [
        ([], [(VIP, MAC), (VIP6, MAC)], [f"set {VIP} to {MAC} on eth0", f"set {VIP6} to {MAC} on eth0"]),
        ([STATIC6], [(VIP6, MAC), (VIP, MAC)], [f"set {VIP} to {MAC} on eth0"]),
        ([STATIC, STATIC6], [(VIP, MAC), (VIP6, MAC)], []),
        ([STATIC._replace(mac=OTHER)], [(VIP, MAC)], [f"set {VIP} to {MAC} on eth0"]),
        ([STATIC._replace(permanent=False)], [(VIP, MAC)], [f"set {VIP} to {MAC} on eth0"]),
        ([Entry("eth0", VIP)], [(VIP, MAC)], [f"set {VIP} to {MAC} on eth0"]),
        ([STATIC._replace(interface="eth1")], [(VIP, MAC)], [f"set {VIP} to {MAC} on eth0"]),
    ],
)
def test_present(entries: list[Entry], neighbors: list[tuple[str, str]], expected: list[str]) -> None:
    made = plan(entries, [Neighbor(*one) for one in neighbors])
    assert (made.words, made.warnings) == (expected, ())
    assert made.after == {"neighbors": [{"address": vip, "mac": mac, "permanent": True} for vip, mac in neighbors]}
    assert made.results == {"interface": "eth0", **made.after}


@pytest.mark.parametrize(
    ("entries", "neighbor", "expected"),
    [
        ([STATIC, STATIC6], Neighbor(VIP), [f"forget {VIP} on eth0"]),
        ([STATIC], Neighbor(VIP, MAC), [f"forget {VIP} on eth0"]),
        ([STATIC], Neighbor(VIP, OTHER), []),
        ([STATIC._replace(permanent=False)], Neighbor(VIP), []),
        ([STATIC._replace(permanent=False)], Neighbor(VIP, MAC), []),
        ([Entry("eth0", VIP)], Neighbor(VIP), []),
        ([STATIC._replace(interface="eth1")], Neighbor(VIP), []),
        ([], Neighbor(VIP), []),
    ],
)
def test_absent(entries: list[Entry], neighbor: Neighbor, expected: list[str]) -> None:
    assert plan(entries, [neighbor], present=False).words == expected


@pytest.mark.parametrize("interface", ["lo", "tun0", "eth9"])
def test_absent_where_no_entry_can_be(interface: str) -> None:
    assert plan([STATIC], [Neighbor(VIP)], interface=interface, present=False).words == []


def test_absent_says_why_another_mac_stays() -> None:
    made = plan([STATIC], [Neighbor(VIP, OTHER)], present=False)
    assert made.warnings == (
        f"{VIP} on eth0 is set to {MAC}, not to {OTHER}, so it stays; leave mac out to forget it whatever it is set to.",
    )
    assert made.results["neighbors"] == [{"address": VIP, "mac": MAC, "permanent": True}]


@pytest.mark.parametrize(
    ("way", "why"),
    [
        (None, "this host has no route to it"),
        (NextHop("local", "lo"), "this host has that address itself"),
        (NextHop("unicast", "eth1"), "this host reaches it over eth1"),
        (NextHop("unicast", "eth0", "192.0.2.254"), "this host reaches it through the gateway 192.0.2.254"),
    ],
)
def test_an_entry_that_is_not_used_is_warned_of(way: NextHop | None, why: str) -> None:
    for entries in ([], [STATIC]):
        made = plan(entries, [Neighbor(VIP, MAC)], {VIP: way} if way else {})
        assert made.warnings == (f"The entry for {VIP} on eth0 is not used: {why}.",)
        assert made.changed == (not entries)


def test_a_device_that_is_down_is_warned_of_once() -> None:
    made = plan([], [Neighbor(VIP, MAC), Neighbor(VIP6, MAC)], {}, interface="eth1")
    assert made.words == [f"set {VIP} to {MAC} on eth1", f"set {VIP6} to {MAC} on eth1"]
    assert made.warnings == (
        "eth1 is down: its entries are of no use until it is brought up (ip link set eth1 up), and the kernel drops them "
        "whenever it is taken down.",
    )


@pytest.mark.parametrize(
    ("interface", "mac", "ways", "about"),
    [
        (
            "eth7",
            MAC,
            WAYS,
            ("interface", "eth7"),
        ),
        (
            "lo",
            MAC,
            WAYS,
            ("interface", "lo"),
        ),
        (
            "tun0",
            MAC,
            WAYS,
            ("interface", "tun0"),
        ),
        ("eth0", OWN, WAYS, ("mac", "02:00:00:00:00:01")),
        (
            "eth0",
            MAC,
            {VIP: NextHop("broadcast", "eth0")},
            ("address", "192.0.2.30"),
        ),
    ],
)
def test_refused_by_this_host(interface: str, mac: str, ways: dict[str, NextHop], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        plan([], [Neighbor(VIP, mac)], ways, interface=interface)
    assert error_words(caught.value) == about


_vips = st.sampled_from([VIP, "192.0.2.31", VIP6, "2001:db8::31"])
_macs = st.sampled_from([MAC, OTHER])
_entries = st.builds(Entry, st.sampled_from(["eth0", "eth1"]), _vips, st.one_of(_macs, st.just("")), st.booleans())
_states = st.lists(_entries, max_size=8, unique_by=lambda one: (one.interface, one.address))


@st.composite
def wishes(draw: st.DrawFn) -> WantedNeighbors:
    """Draw options that hold for themselves."""
    present = draw(st.booleans())
    addresses = draw(st.lists(_vips, min_size=1, max_size=4, unique=True))
    macs = _macs if present else st.one_of(st.none(), _macs)
    return WantedNeighbors(
        tuple(Neighbor(address, draw(macs)) for address in addresses), draw(st.sampled_from(["eth0", "eth1"])), present
    )


@given(entries=_states, wanted=wishes())
def test_any_state_any_wish(entries: list[Entry], wanted: WantedNeighbors) -> None:
    current = CurrentNeighbors(LINKS, tuple(entries), WAYS)
    after = simulated(current, wanted, plan_neighbors, simulate)
    listed = {(wanted.interface, one.address): one.mac for one in wanted.neighbors}
    # What is not listed is what it was, and so is what was learned when the listed ones are to be gone.
    for entry in entries:
        if (entry.interface, entry.address) not in listed or not (wanted.present or entry.permanent):
            assert entry in after.entries
    left = {(entry.interface, entry.address): entry for entry in after.entries}
    assert left.keys() <= {(entry.interface, entry.address) for entry in entries} | listed.keys()
    for key, mac in listed.items():
        if wanted.present:
            assert left[key] == Entry(*key, str(mac), permanent=True)
        elif key in left and left[key].permanent:
            assert mac not in (None, left[key].mac)
