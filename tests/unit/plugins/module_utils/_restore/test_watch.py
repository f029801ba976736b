# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resident program takes for lost, and that it agrees with the plan that brings it back."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._restore.watch import lost
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Entry, Link, Own
from ansible_collections.lvs.cluster.plugins.module_utils._vip.model import CurrentVips, Held
from ansible_collections.lvs.cluster.plugins.module_utils._vip.operations import AddAddress
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import plan_vips
from hypothesis import given
from hypothesis import strategies as st

VIPS = {"vips": [{"interface": "lan0", "addresses": ["192.0.2.30", "2001:DB8::30/128"]}]}
MAC = "52:54:00:00:00:03"
NEIGHBORS = {"neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30", "mac": MAC.upper()}]}]}
DUMMY = {"vips": [{"interface": "dummy0", "kind": "dummy", "addresses": ["192.0.2.30"]}]}
ABSENT = {"vips": [{"interface": "lan0", "addresses": ["192.0.2.30"], "state": "absent"}]}
BOTH = [Own("lan0", "192.0.2.30", 32, 0), Own("lan0", "2001:db8::30", 128, 0)]


@pytest.mark.parametrize(
    ("state", "up", "addresses", "neighbors", "words"),
    [
        pytest.param(VIPS, {"lan0"}, BOTH, [], [], id="all there"),
        pytest.param(VIPS, {"lan0"}, BOTH[:1], [], ["2001:db8::30 is gone from lan0"], id="IPv6 is gone"),
        pytest.param(
            VIPS,
            {"lan0", "lo"},
            [Own("lo", "192.0.2.30", 32, 0)],
            [],
            ["192.0.2.30 is gone from lan0", "2001:db8::30 is gone from lan0"],
            id="there on another interface",
        ),
        pytest.param(VIPS, {"lo"}, [], [], [], id="the interface is down or missing"),
        pytest.param(DUMMY, set(), [], [], ["192.0.2.30 is gone from dummy0"], id="a device that is to be created"),
        pytest.param(ABSENT, {"lan0"}, [], [], [], id="absent is not brought about"),
        pytest.param(NEIGHBORS, {"lan0"}, [], [Entry("lan0", "192.0.2.30", MAC, True)], [], id="MAC known"),
        pytest.param(NEIGHBORS, {"lan0"}, [], [Entry("lan0", "192.0.2.30", MAC, False)],
                     ["the MAC of 192.0.2.30 is gone from lan0"], id="MAC learned, not kept"),
        pytest.param(NEIGHBORS, {"lan0"}, [], [Entry("lan0", "192.0.2.30", "02:00:00:00:00:01", True)],
                     ["the MAC of 192.0.2.30 is gone from lan0"], id="another MAC"),
        pytest.param(NEIGHBORS, set(), [], [], [], id="neighbours wait for the interface"),
        pytest.param({}, {"lan0"}, [], [], [], id="nothing declared"),
    ],
)  # fmt: skip
def test_lost(state, up, addresses, neighbors, words):
    assert lost(state, up, addresses, neighbors) == words


ADDRESSES = ["192.0.2.30", "192.0.2.31", "2001:db8::30", "2001:db8::31"]


def settled(interface: str, address: str) -> Held:
    """Return a VIP as vip_iface leaves it, so that the plan has nothing to do but add."""
    if is_ipv6(address):
        return Held(interface, address, 128, deprecated=True, noprefixroute=True)
    scope, label = ("host", "lo") if interface == "lo" else ("global", "lan0")
    return Held(interface, address, 32, scope, label)


@given(
    st.lists(st.sampled_from(ADDRESSES), min_size=1, unique=True),
    st.lists(st.tuples(st.sampled_from(["lo", "lan0"]), st.sampled_from(ADDRESSES)), unique=True),
    st.sampled_from(["lo", "lan0"]),
)
def test_lost_is_what_the_plan_would_add(asked, there, interface):
    """If the two disagreed, the program would wake for ever, or never."""
    links = {name: Link(name, "", True, name != "lo", loopback=name == "lo") for name in ("lo", "lan0")}
    held = tuple(settled(name, address) for name, address in there)
    item = {"interface": interface, "addresses": asked}
    plan = plan_vips(CurrentVips(links, held), VipSpec.from_options(item))
    added = [
        f"{step.held.address} is gone from {interface}" for step in plan.operations if isinstance(step, AddAddress)
    ]
    seen = [Own(one.interface, one.address, one.prefix, 0) for one in held]
    assert sorted(lost({"vips": [item]}, links, seen, [])) == sorted(added)
