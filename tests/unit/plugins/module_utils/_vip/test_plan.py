# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of vip_iface: no kernel, any state, any wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Link
from ansible_collections.lvs.cluster.plugins.module_utils._vip.model import CurrentVips, Held
from ansible_collections.lvs.cluster.plugins.module_utils._vip.operations import simulate
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import parse_devices
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import VipSpec, plan_devices, plan_vips
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from plans import simulated

LINKS = {
    "lo": Link("lo", "", up=True, arp=False, loopback=True),
    "eth0": Link("eth0", "", up=True, arp=True),
    "vip0": Link("vip0", "dummy", up=True, arp=False),
}
VIP, VIP6 = "192.0.2.30", "2001:db8::30"
RIP = Held("eth0", "192.0.2.4", 24, label="eth0")


def words(held: list[Held], links: dict[str, Link] | None = None, **options: Any) -> list[str]:
    """Return the operations that the options lead to."""
    wanted = VipSpec.from_options({"addresses": [VIP], "interface": "lo", **options})
    return plan_vips(CurrentVips(LINKS if links is None else links, tuple(held)), wanted).words


@pytest.mark.parametrize(
    ("held", "options", "expected"),
    [
        ([], {}, [f"add {VIP}/32 to lo (scope host)"]),
        ([], {"label": "lo:0"}, [f"add {VIP}/32 to lo (scope host, label lo:0)"]),
        ([], {"interface": "vip0"}, [f"add {VIP}/32 to vip0 (scope host)"]),
        ([], {"interface": "eth0", "announce": 0}, [f"add {VIP}/32 to eth0 (scope global)"]),
        (
            [RIP],
            {"interface": "eth0"},
            [f"add {VIP}/32 to eth0 (scope global)", f"announce {VIP} on eth0 3 times"],
        ),
        (
            [],
            {"interface": "eth0", "announce": 1, "addresses": [VIP, VIP6]},
            [
                f"add {VIP}/32 to eth0 (scope global)",
                f"add {VIP6}/128 to eth0 (not used as a source)",
                f"announce {VIP}, {VIP6} on eth0 once",
            ],
        ),
        ([Held("lo", VIP, 32, "global", "lo:3")], {}, []),
        (
            [Held("lo", VIP, 32, "global", "lo")],
            {"label": "lo:0"},
            [f"remove {VIP}/32 from lo", f"add {VIP}/32 to lo (scope global, label lo:0)"],
        ),
        (
            [Held("lo", VIP, 32, "global", "lo:0")],
            {"scope": "host"},
            [f"remove {VIP}/32 from lo", f"add {VIP}/32 to lo (scope host, label lo:0)"],
        ),
        (
            # A run that died between the two steps of putting the prefix right is healed.
            [Held("eth0", VIP, 32, label="eth0"), Held("eth0", VIP, 24, label="eth0"), RIP._replace(secondary=True)],
            {"interface": "eth0"},
            [f"remove {VIP}/24 from eth0, keeping 192.0.2.4/24"],
        ),
        (
            [Held("eth0", VIP6, 128, deprecated=True, noprefixroute=True, usable=False)],
            {"interface": "eth0", "addresses": [VIP6]},
            [
                f"remove {VIP6}/128 from eth0",
                f"add {VIP6}/128 to eth0 (not used as a source)",
                f"announce {VIP6} on eth0 3 times",
            ],
        ),
        ([Held("eth0", VIP, 32)], {"state": "absent"}, []),
        ([Held("lo", VIP, 24, label="lo")], {"state": "absent"}, [f"remove {VIP}/24 from lo"]),
        ([Held("lo", VIP, 24, label="lo")], {"state": "absent", "addresses": [f"{VIP}/32"]}, []),
        ([], {"state": "absent", "interface": "none"}, []),
        (
            [Held("vip0", VIP, 32), Held("vip0", "fe80::1", 64, "link")],
            {"state": "absent", "interface": "vip0", "kind": "dummy"},
            [f"remove {VIP}/32 from vip0", "remove dummy device vip0"],
        ),
        (
            [Held("vip0", VIP, 32), Held("vip0", "192.0.2.31", 32)],
            {"state": "absent", "interface": "vip0", "kind": "dummy"},
            [f"remove {VIP}/32 from vip0"],
        ),
        (
            [],
            {"interface": "vip1", "kind": "dummy"},
            ["create dummy device vip1", "bring vip1 up", f"add {VIP}/32 to vip1 (scope host)"],
        ),
        (
            [],
            {"interface": "ipip0", "kind": "ipip"},
            ["create ipip device ipip0", "bring ipip0 up", f"add {VIP}/32 to ipip0 (scope host)"],
        ),
        (
            [],
            {"interface": "ip6tnl1", "kind": "ip6tnl", "addresses": [VIP, VIP6]},
            [
                "create ip6tnl device ip6tnl1",
                "bring ip6tnl1 up",
                f"add {VIP}/32 to ip6tnl1 (scope host)",
                f"add {VIP6}/128 to ip6tnl1 (not used as a source)",
            ],
        ),
    ],
)
def test_steps(held: list[Held], options: dict[str, Any], expected: list[str]) -> None:
    assert words(held, **options) == expected


@pytest.mark.parametrize("device", ["lo", "vip0"])
def test_a_device_without_arp_is_good_for_a_server(device: str) -> None:
    assert words([], interface=device, allow_arp=False) == [f"add {VIP}/32 to {device} (scope host)"]


def test_a_server_would_answer_on_a_device_that_does_arp(error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        words([RIP], interface="eth0", allow_arp=False)
    assert error_words(caught.value) == ("interface", "eth0")
    # To take it away again is no harm.
    held = Held("eth0", VIP, 32, label="eth0")
    assert words([RIP, held], interface="eth0", allow_arp=False, state="absent") == [f"remove {VIP}/32 from eth0"]


def test_a_created_device_that_was_never_brought_up_is_healed() -> None:
    links = {**LINKS, "vip0": LINKS["vip0"]._replace(up=False)}
    held = [Held("vip0", VIP, 32, "host", "vip0")]
    assert words(held, links, interface="vip0", kind="dummy") == ["bring vip0 up"]
    assert words(held, links, interface="vip0") == []


TUNNELS = {
    "tunl0": Link("tunl0", "ipip", up=False, arp=False),
    "ip6tnl0": Link("ip6tnl0", "ip6tnl", up=True, arp=False),
    "ipip0": Link("ipip0", "ipip", up=True, arp=False),
}


@pytest.mark.parametrize(
    ("held", "options", "expected"),
    [
        # The kernel's own device is there, and down, from the moment its module is loaded.
        ([], {"interface": "tunl0", "kind": "ipip"}, ["bring tunl0 up", f"add {VIP}/32 to tunl0 (scope host)"]),
        ([], {"interface": "ipip0", "kind": "ipip"}, [f"add {VIP}/32 to ipip0 (scope host)"]),
        ([Held("ipip0", VIP, 32, "host", "ipip0")], {"interface": "ipip0", "kind": "ipip"}, []),
        ([], {"interface": "ipip0", "kind": "ipip", "state": "absent"}, ["remove ipip device ipip0"]),
        (
            [Held("ip6tnl0", VIP6, 128, deprecated=True, noprefixroute=True), Held("ip6tnl0", "fe80::1", 64, "link")],
            {"interface": "ip6tnl0", "kind": "ip6tnl", "addresses": [VIP6], "state": "absent"},
            [f"remove {VIP6}/128 from ip6tnl0", "take ip6tnl0 down"],
        ),
        ([], {"interface": "tunl0", "kind": "ipip", "state": "absent"}, []),
        (
            [Held("ip6tnl0", VIP, 32)],
            {"interface": "ip6tnl0", "kind": "ip6tnl", "addresses": [VIP6], "state": "absent"},
            [],
        ),
    ],
)
def test_tunnels(held: list[Held], options: dict[str, Any], expected: list[str]) -> None:
    assert words(held, {**LINKS, **TUNNELS}, **options) == expected


@pytest.mark.parametrize(("promotes", "switch"), [(False, True), (True, False)])
def test_promotion_is_switched_on_only_where_it_is_off(promotes: bool, switch: bool) -> None:
    links = {**LINKS, "eth0": LINKS["eth0"]._replace(promotes=promotes)}
    held = (Held("eth0", VIP, 24, label="eth0"), RIP._replace(secondary=True))
    wanted = VipSpec.from_options({"addresses": [VIP], "interface": "eth0", "state": "absent"})
    (operation,) = plan_vips(CurrentVips(links, held), wanted).operations
    assert (operation.keep, operation.promote) == (("192.0.2.4/24",), switch)


def test_no_device_at_all_is_said(error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        words([], {})
    assert error_words(caught.value) == ("interface", "lo")


@pytest.mark.parametrize(
    ("held", "options", "about"),
    [
        (
            [],
            {"interface": "vip0", "kind": "gre"},
            ("kind", "gre"),
        ),
        ([], {"interface": "eth0", "kind": "dummy"}, ("kind", "dummy")),
        (
            [Held("eth0", "192.0.2.31", 24)],
            {"interface": "eth0", "addresses": [f"{VIP}/24"], "scope": "host"},
            ("scope", "host"),
        ),
    ],
)
def test_what_is_there_refuses(held: list[Held], options: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        words(held, **options)
    assert error_words(caught.value) == about


_addresses = st.sampled_from([VIP, "192.0.2.31", "192.0.2.4", VIP6, "2001:db8::31"])


def _held(interface: str, address: str, wide: bool, scope: str, label: bool, flags: tuple[bool, bool, bool]) -> Held:
    if is_ipv6(address):
        deprecated, noprefixroute, usable = flags
        return Held(
            interface, address, 64 if wide else 128, deprecated=deprecated, noprefixroute=noprefixroute, usable=usable
        )
    return Held(interface, address, 24 if wide else 32, "global" if wide else scope, interface + ":1" * label)


_one = st.builds(
    _held,
    st.sampled_from(["lo", "eth0", "vip0"]),
    _addresses,
    st.booleans(),
    st.sampled_from(["global", "link", "host"]),
    st.booleans(),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)


@st.composite
def states(draw: st.DrawFn) -> CurrentVips:
    """Draw what a kernel could hold: the first address of a network is the primary; IPv6 once on a device."""
    current = CurrentVips(LINKS, ())
    for one in draw(st.lists(_one, max_size=8)):
        clash = [
            held
            for held in current.on(one.interface)
            if held.address == one.address and (one.ipv6 or held.prefix == one.prefix)
        ]
        if not clash:
            secondary = any(held.shares_network(one) and not held.secondary for held in current.held)
            current = CurrentVips(LINKS, (*current.held, one._replace(secondary=secondary)))
    return current


@st.composite
def wishes(draw: st.DrawFn) -> VipSpec:
    """Draw options that hold for themselves."""
    interface = draw(st.sampled_from(["lo", "eth0", "vip0", "vip1"]))
    addresses = draw(st.lists(_addresses, min_size=1, max_size=4, unique=True))
    if interface != "lo" and draw(st.booleans()):
        addresses = [f"{one}/{64 if ':' in one else 24}" for one in addresses]
    return VipSpec.from_options(
        {
            "addresses": addresses,
            "interface": interface,
            "label": draw(st.sampled_from([None, f"{interface}:1"])) if "." in str(addresses) else None,
            "scope": draw(st.sampled_from([None, "global", "host"])),
            "kind": "dummy" if interface == "vip1" else draw(st.sampled_from([None, "dummy"])),
            "announce": 0 if interface != "eth0" else draw(st.sampled_from([None, 0, 2])),
            "state": draw(st.sampled_from(["present", "absent"])),
        }
    )


@given(current=states(), wanted=wishes())
@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_state_any_wish(count_case: Callable[[], None], current: CurrentVips, wanted: VipSpec) -> None:
    count_case()
    try:
        plan_vips(current, wanted)
    except InvalidValue as error:
        assume(error.subject not in ("kind", "scope"))
        raise
    after = simulated(current, wanted, plan_vips, simulate)
    # Whatever was not asked for is still there.
    asked = {vip.address for vip in wanted.vips}
    before = {one._replace(secondary=False) for one in current.held}
    for one in before - {one._replace(secondary=False) for one in after.held}:
        assert one.interface == wanted.interface
        assert one.address in asked or (one.ipv6 and one.scope == "link")
    if wanted.present:
        assert asked <= {one.address for one in after.on(wanted.interface)}
    else:
        assert not asked & {one.address for one in after.on(wanted.interface) if not wanted.vips[0].written}


def test_several_devices_are_planned_one_upon_the_other() -> None:
    devices = [
        {"interface": "lo", "addresses": [VIP]},
        {"interface": "lvs-ipip", "kind": "ipip", "addresses": ["192.0.2.31"]},
        {"interface": "lvs-gre", "kind": "gre", "addresses": ["192.0.2.32", VIP6]},
    ]
    plan = plan_devices(CurrentVips(LINKS, (RIP,)), parse_devices({"devices": devices}))
    assert plan.words == [
        f"add {VIP}/32 to lo (scope host)",
        "create ipip device lvs-ipip",
        "bring lvs-ipip up",
        "add 192.0.2.31/32 to lvs-ipip (scope host)",
        "create gre device lvs-gre",
        "bring lvs-gre up",
        "add 192.0.2.32/32 to lvs-gre (scope host)",
        f"add {VIP6}/128 to lvs-gre (not used as a source)",
    ]
    assert [one["interface"] for one in plan.results["devices"]] == ["lo", "lvs-ipip", "lvs-gre"]
    assert [one["device"] for one in plan.before["devices"]] == [
        {"name": "lo", "kind": "", "up": True}, None, None,
    ]  # fmt: skip


@given(current=states(), wishes=st.lists(wishes(), min_size=1, max_size=3, unique_by=lambda one: one.interface))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_several_devices_end_as_one_run_for_each_does(current: CurrentVips, wishes: list[VipSpec]) -> None:
    alone: list[str] = []
    state = current
    try:
        for wanted in wishes:
            one = plan_vips(state, wanted)
            alone += one.words
            for operation in one.operations:
                state = simulate(state, operation)
    except InvalidValue:
        assume(False)
    assert plan_devices(current, wishes).words == alone
    assert plan_devices(state, wishes).words == []
