# SPDX-License-Identifier: GPL-3.0-or-later
"""What the resident program takes for lost, and that it agrees with the plan that brings it back."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _rtnl_codec as codec
from ansible_collections.lvs.cluster.plugins.module_utils._boot_keep import lost
from ansible_collections.lvs.cluster.plugins.module_utils._errors import MalformedAnswer
from ansible_collections.lvs.cluster.plugins.module_utils._netlink import pack_attribute
from ansible_collections.lvs.cluster.plugins.module_utils._rtnl_codec import HostAddress, HostNeighbor
from ansible_collections.lvs.cluster.plugins.module_utils._vip_model import AddAddress, Current, Held, Link
from ansible_collections.lvs.cluster.plugins.module_utils._vip_plan import plan_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip_wanted import Wanted
from hypothesis import given
from hypothesis import strategies as st

VIPS = {"vips": [{"interface": "lan0", "addresses": ["192.0.2.30", "2001:DB8::30/128"]}]}
MAC = "52:54:00:00:00:03"
NEIGHBORS = {"neighbors": [{"interface": "lan0", "neighbors": [{"address": "192.0.2.30", "mac": MAC.upper()}]}]}
DUMMY = {"vips": [{"interface": "dummy0", "kind": "dummy", "addresses": ["192.0.2.30"]}]}
ABSENT = {"vips": [{"interface": "lan0", "addresses": ["192.0.2.30"], "state": "absent"}]}
BOTH = [HostAddress(2, "192.0.2.30", 32), HostAddress(2, "2001:db8::30", 128)]


@pytest.mark.parametrize(
    ("state", "interfaces", "addresses", "neighbors", "words"),
    [
        pytest.param(VIPS, {"lan0": 2}, BOTH, [], [], id="all there"),
        pytest.param(VIPS, {"lan0": 2}, BOTH[:1], [], ["2001:db8::30 is gone from lan0"], id="IPv6 is gone"),
        pytest.param(
            VIPS,
            {"lan0": 2, "lo": 1},
            [HostAddress(1, "192.0.2.30", 32)],
            [],
            ["192.0.2.30 is gone from lan0", "2001:db8::30 is gone from lan0"],
            id="there on another interface",
        ),
        pytest.param(VIPS, {"lo": 1}, [], [], [], id="the interface is down or missing"),
        pytest.param(VIPS, {"lan0": 7}, BOTH, [], ["192.0.2.30 is gone from lan0", "2001:db8::30 is gone from lan0"],
                     id="the interface was made anew"),
        pytest.param(DUMMY, {}, [], [], ["192.0.2.30 is gone from dummy0"], id="a device that is to be created"),
        pytest.param(ABSENT, {"lan0": 2}, [], [], [], id="absent is not brought about"),
        pytest.param(NEIGHBORS, {"lan0": 2}, [], [HostNeighbor(2, "192.0.2.30", MAC, True)], [], id="MAC known"),
        pytest.param(NEIGHBORS, {"lan0": 2}, [], [HostNeighbor(2, "192.0.2.30", MAC, False)],
                     ["the MAC of 192.0.2.30 is gone from lan0"], id="MAC learned, not kept"),
        pytest.param(NEIGHBORS, {"lan0": 2}, [], [HostNeighbor(2, "192.0.2.30", "02:00:00:00:00:01", True)],
                     ["the MAC of 192.0.2.30 is gone from lan0"], id="another MAC"),
        pytest.param(NEIGHBORS, {}, [], [], [], id="neighbours wait for the interface"),
        pytest.param({}, {"lan0": 2}, [], [], [], id="nothing declared"),
    ],
)  # fmt: skip
def test_lost(state, interfaces, addresses, neighbors, words):
    assert lost(state, interfaces, addresses, neighbors) == words


ADDRESSES = ["192.0.2.30", "192.0.2.31", "2001:db8::30", "2001:db8::31"]


def settled(interface: str, address: str) -> Held:
    """Return a VIP as vip_iface leaves it, so that the plan has nothing to do but add."""
    if ":" in address:
        return Held(interface, address, 128, deprecated=True, plain=True)
    scope, label = ("host", "lo") if interface == "lo" else ("global", "lan0")
    return Held(interface, address, 32, scope, label)


@given(
    st.lists(st.sampled_from(ADDRESSES), min_size=1, unique=True),
    st.lists(st.tuples(st.sampled_from(["lo", "lan0"]), st.sampled_from(ADDRESSES)), unique=True),
    st.sampled_from(["lo", "lan0"]),
)
def test_lost_is_what_the_plan_would_add(asked, there, interface):
    """If the two disagreed, the program would wake for ever, or never."""
    numbers = {"lo": 1, "lan0": 2}
    links = {name: Link(name, "", True, name != "lo", loopback=name == "lo") for name in numbers}
    held = tuple(settled(name, address) for name, address in there)
    item = {"interface": interface, "addresses": asked}
    plan = plan_vips(Current(links, held), Wanted.from_options(item))
    added = [
        f"{step.held.address} is gone from {interface}" for step in plan.operations if isinstance(step, AddAddress)
    ]
    seen = [HostAddress(numbers[one.interface], one.address, one.prefix) for one in held]
    assert sorted(lost({"vips": [item]}, numbers, seen, [])) == sorted(added)


def address(family: int, *attributes: bytes) -> bytes:
    return bytes([family, 32, 0, 0]) + (2).to_bytes(4, "little") + b"".join(attributes)


V4, FAR, V6 = bytes([192, 0, 2, 30]), bytes([192, 0, 2, 1]), bytes.fromhex("20010db8000000000000000000000030")


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (address(2, pack_attribute(1, V4), pack_attribute(2, V4)), HostAddress(2, "192.0.2.30", 32)),
        (address(2, pack_attribute(1, FAR), pack_attribute(2, V4)), HostAddress(2, "192.0.2.30", 32)),
        (address(10, pack_attribute(1, V6)), HostAddress(2, "2001:db8::30", 32)),
        (address(28, pack_attribute(1, V4)), None),
    ],
)
def test_decoded_address(payload, found):
    assert codec.decode_address(payload) == found


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"\2\40", "rtnetlink message of 2 bytes, shorter than its header of 8"),
        (address(2), "rtnetlink address of 0 bytes in family 2"),
        (address(10, pack_attribute(1, V4)), "rtnetlink address of 4 bytes in family 10"),
    ],
)
def test_malformed_address(payload, reason):
    with pytest.raises(MalformedAnswer, match=reason):
        codec.decode_address(payload)
