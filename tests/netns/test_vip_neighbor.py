# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_neighbor on a real kernel, with ip-neighbour(8) as the second opinion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._restore import main as restore_main
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netns_hosts import RANDOM, RIGHTS, Namespace
from netns_neighbors import BOTH, MAC, OTHER, VIP, VIP6, carry_out, options, shown


def test_set_changed_and_forgotten(gateway: Namespace) -> None:
    words = carry_out(gateway, {VIP: MAC.upper().replace(":", "-"), "2001:DB8:0::30": "5254.0000.0003"}).words
    assert words == [f"set {VIP} to {MAC} on eth0", f"set {VIP6} to {MAC} on eth0"]
    assert shown(gateway) == {VIP: (MAC, "PERMANENT"), VIP6: (MAC, "PERMANENT")}
    assert carry_out(gateway, BOTH).words == []
    assert carry_out(gateway, {VIP: OTHER, VIP6: MAC}).words == [f"set {VIP} to {OTHER} on eth0"]
    assert shown(gateway)[VIP] == (OTHER, "PERMANENT")
    # The MAC that is not there any more forgets nothing.
    assert carry_out(gateway, BOTH, state="absent").words == [f"forget {VIP6} on eth0"]
    assert shown(gateway) == {VIP: (OTHER, "PERMANENT")}
    assert carry_out(gateway, {VIP: None, VIP6: None}, state="absent").words == [f"forget {VIP} on eth0"]
    assert shown(gateway) == {}


@pytest.mark.parametrize("nud", ["reachable", "stale", "failed", "incomplete", "noarp", "permanent"])
def test_one_step_whatever_state_the_entry_is_in(gateway: Namespace, nud: str) -> None:
    for vip in BOTH:
        gateway.ip(f"neigh replace {vip} lladdr {OTHER} nud {nud} dev eth0")
    assert {vip: state.lower() for vip, (_, state) in shown(gateway).items()} == dict.fromkeys(BOTH, nud)
    if nud != "permanent":
        assert not carry_out(gateway, {VIP: None, VIP6: OTHER}, state="absent").changed
        assert set(shown(gateway)) == set(BOTH)
    assert carry_out(gateway, BOTH).words == [f"set {vip} to {MAC} on eth0" for vip in BOTH]
    assert shown(gateway) == {VIP: (MAC, "PERMANENT"), VIP6: (MAC, "PERMANENT")}


def test_module_check_mode_never_writes_and_says_what_the_run_does(gateway: Namespace) -> None:
    gateway.ip(f"neigh replace {VIP} lladdr {OTHER} nud stale dev eth0")
    before = shown(gateway)
    # Without the right to write a single request that changes something would fail.
    rehearsed = gateway.module("vip_neighbor", check=True, lacking=RIGHTS, **options(BOTH))
    assert shown(gateway) == before
    done = gateway.module("vip_neighbor", **options(BOTH))
    assert (rehearsed["changed"], done["changed"]) == (True, True)
    for key in ("operations", "diff", "neighbors", "interface"):
        assert rehearsed[key] == done[key]
    assert done["diff"]["before"] == {"neighbors": [{"address": VIP, "mac": OTHER, "permanent": False}]}
    assert done["neighbors"] == [{"address": vip, "mac": MAC, "permanent": True} for vip in BOTH]
    again = gateway.module("vip_neighbor", **options(BOTH))
    assert (again["changed"], again["operations"], again.get("warnings", [])) == (False, [], [])
    assert again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]
    gone = gateway.module("vip_neighbor", check=True, lacking=RIGHTS, **options(BOTH, state="absent"))
    assert gone["operations"] == [f"forget {vip} on eth0" for vip in BOTH]
    assert set(shown(gateway)) == set(BOTH)


def test_entries_that_are_not_used_are_warned_of(gateway: Namespace) -> None:
    gateway.sysctl("ipv6/conf/eth0/forwarding", 1)
    gateway.ip("route add 203.0.113.0/24 via 192.0.2.254")
    gateway.ip("route add 2001:db8:5::/64 via 2001:db8::fe")
    for number, kind in enumerate(("blackhole", "prohibit", "unreachable", "throw"), 4):
        gateway.ip(f"route add {kind} 10.{number}.0.0/16")
        gateway.ip(f"route add {kind} 2001:db8:1{number}::/64")
    no_route = [f"10.{number}.0.30" for number in range(3, 8)] + [f"2001:db8:1{number}::30" for number in range(3, 8)]
    reasons = {
        "203.0.113.30": "this host reaches it through the gateway 192.0.2.254",
        "2001:db8:5::30": "this host reaches it through the gateway 2001:db8::fe",
        "198.51.100.30": "this host reaches it over eth1",
        "192.0.2.1": "this host has that address itself",
        "2001:db8::1": "this host has that address itself",
        # The anycast address of the routers of the segment
        "2001:db8::": "this host has that address itself",
        **dict.fromkeys(no_route, "this host has no route to it"),
    }
    vips = {**dict.fromkeys(reasons, MAC), **BOTH}
    plan = carry_out(gateway, vips)
    assert len(plan.operations) == len(vips)
    assert plan.warnings == tuple(f"The entry for {vip} on eth0 is not used: {why}." for vip, why in reasons.items())
    assert not carry_out(gateway, vips).changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"interface": "eth7"},
            "interface: 'eth7' does not exist on this host, which has eth0, eth1, far1, lo; name one of these.",
        ),
        (
            {"interface": "lo"},
            "interface: 'lo' is the loopback device, so nobody is asked on it; name the one that leads to the VIPs.",
        ),
        (
            options({VIP: "02:00:00:00:00:01"}),
            "mac: '02:00:00:00:00:01' is that of eth0 on this host itself; name the MAC of the director.",
        ),
        (
            options({"192.0.2.255": MAC}),
            "address: '192.0.2.255' is the broadcast address of eth0; name one host's.",
        ),
        (
            options({VIP: None}),
            f"mac is missing for {VIP}; name the MAC of the director, or write state: absent.",
        ),
    ],
)
def test_module_errors(gateway: Namespace, changed: dict[str, Any], message: str) -> None:
    answer = gateway.module("vip_neighbor", **{**options(BOTH), **changed})
    assert (answer.get("failed"), gateway.without_fallbacks(answer["msg"])) == (True, message)
    assert shown(gateway) == {}


def test_module_not_permitted(gateway: Namespace) -> None:
    answer = gateway.module("vip_neighbor", lacking=RIGHTS, **options(BOTH))
    assert answer["msg"] == (
        f"The task is not allowed to set {VIP} to {MAC} on eth0: this needs CAP_NET_ADMIN; run the task as root (become: "
        "true)."
    )
    assert answer["operations"] == [f"set {vip} to {MAC} on eth0" for vip in BOTH]


def test_ipv6_switched_off_is_explained(gateway: Namespace) -> None:
    gateway.sysctl("ipv6/conf/eth0/disable_ipv6", 1)
    answer = gateway.module("vip_neighbor", **options({VIP6: MAC}))
    assert answer["msg"] == (
        f"The kernel refused to set {VIP6} to {MAC} on eth0: IPv6 is disabled on that interface (disable_ipv6); enable "
        "it, or leave IPv6 addresses out."
    )


def test_boot_brings_them_back(gateway: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "gateway.json"
    state.write_text(json.dumps({"services": [], "vips": [], "neighbors": [options(BOTH)]}))
    for said in ("".join(f"set {vip} to {MAC} on eth0\n" for vip in BOTH), ""):
        with gateway.entered():
            assert restore_main.main([str(state)]) == 0
        assert capsys.readouterr() == (said, "")
    assert shown(gateway) == dict.fromkeys(BOTH, (MAC, "PERMANENT"))


POOL = [VIP, "192.0.2.31", VIP6, "2001:db8::31"]
STRANGERS = {"192.0.2.40": "permanent", "2001:db8::40": "permanent", "192.0.2.41": "stale", "2001:db8::41": "stale"}
_macs = st.sampled_from([MAC, OTHER])
_nuds = st.sampled_from(["permanent", "permanent", "stale", "reachable", "failed", "incomplete", "noarp"])


@given(
    current=st.dictionaries(
        st.tuples(st.sampled_from(["eth0", "eth1"]), st.sampled_from(POOL)), st.tuples(_macs, _nuds)
    ),
    wanted=st.dictionaries(st.sampled_from(POOL), st.one_of(st.none(), _macs), min_size=1),
    interface=st.sampled_from(["eth0", "eth1"]),
)
@settings(
    max_examples=min(RANDOM, 40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_state_any_wish(
    gateway: Namespace,
    current: dict[tuple[str, str], tuple[str, str]],
    wanted: dict[str, str | None],
    interface: str,
) -> None:
    reset(gateway, current)
    before = {device: shown(gateway, device) for device in ("eth0", "eth1")}
    state = "absent" if None in wanted.values() else "present"
    rehearsed = carry_out(gateway, wanted, interface, state, apply=False)
    assert {device: shown(gateway, device) for device in ("eth0", "eth1")} == before
    done = carry_out(gateway, wanted, interface, state)
    assert rehearsed == done
    again = carry_out(gateway, wanted, interface, state)
    assert again.words == []
    # The plan foretold what the kernel then has, and ip(8) says the same.
    assert again.before == done.after
    expected = {device: dict(entries) for device, entries in before.items()}
    for address, mac in wanted.items():
        held, nud = expected[interface].get(address, ("", ""))
        if state == "present":
            expected[interface][address] = (str(mac), "PERMANENT")
        elif nud == "PERMANENT" and mac in (None, held):
            del expected[interface][address]
    assert {device: shown(gateway, device) for device in ("eth0", "eth1")} == expected


def reset(host: Namespace, current: dict[tuple[str, str], tuple[str, str]]) -> None:
    """Give the host the entries of an example, and the strangers, and no others."""
    commands = [f"neigh flush nud all dev {device}" for device in ("eth0", "eth1")]
    for device in ("eth0", "eth1"):
        commands += [f"neigh replace {one} lladdr {MAC} nud {nud} dev {device}" for one, nud in STRANGERS.items()]
    for (device, address), (mac, nud) in current.items():
        commands.append(f"neigh replace {address} lladdr {mac} nud {nud} dev {device}")
    host.ip(*commands)
