# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_iface on a real kernel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp import client as packets_client
from ansible_collections.lvs.cluster.plugins.module_utils._arp.packets import Arp
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import AddressConflict
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netns_hosts import RANDOM, RIGHTS, Namespace, Segment
from netns_vips import VIP, VIP6, Capture, Nd, addresses, addresses_by_device, carry_out, carry_out_wanted


def source(inside: Namespace, destination: str) -> str:
    """Return the source address that the kernel chooses for a destination."""
    (route,) = inside.json(f"route get {destination}")
    return route.get("prefsrc", "")


def test_vip_on_lo_is_never_a_source_even_for_a_device_without_addresses(namespace: Namespace) -> None:
    namespace.ip("link add eth0 type veth peer name far")
    for device in ("eth0", "far"):
        namespace.ip(f"link set {device} up")
    namespace.ip("route add 203.0.113.0/24 dev eth0")
    carry_out(namespace, addresses=[VIP], interface="lo", label="lo:0")
    shown = addresses(namespace, "lo")[f"{VIP}/32"]
    assert (shown["scope"], shown["label"]) == ("host", "lo:0")
    assert source(namespace, "203.0.113.1") == ""
    # The counter-example that the choice of scope rests on: on lo, scope global is taken.
    carry_out(namespace, addresses=[VIP], interface="lo", scope="global")
    assert addresses(namespace, "lo")[f"{VIP}/32"]["label"] == "lo:0"
    assert source(namespace, "203.0.113.1") == VIP


@pytest.mark.parametrize("interface", ["eth0", "lo"])
def test_source_stays_the_hosts_own(make_segment: Callable[[int], Segment], interface: str) -> None:
    host = make_segment(1).host(1)
    host.ip("route add default via 192.0.2.254")
    host.ip("route add default via 2001:db8::fe")
    before = [source(host, to) for to in ("192.0.2.9", "198.51.100.1", "2001:db8::9", "2001:db8:1::1")]
    assert before == ["192.0.2.1", "192.0.2.1", "2001:db8::1", "2001:db8::1"]
    carry_out(host, addresses=[VIP, VIP6], interface=interface)
    assert [source(host, to) for to in ("192.0.2.9", "198.51.100.1", "2001:db8::9", "2001:db8:1::1")] == before


def test_ipv6_vip_is_ready_at_once_deprecated_and_without_a_route(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.sysctl("ipv6/conf/eth0/accept_dad", 1)
    carry_out(host, addresses=[VIP6], interface="eth0")
    shown = addresses(host, "eth0")[f"{VIP6}/128"]
    assert shown["nodad"]
    assert shown["noprefixroute"]
    assert shown["deprecated"]
    assert "tentative" not in shown
    assert shown["valid_life_time"] == 0xFFFFFFFF
    assert [route for route in host.json("-6 route show") if route["dst"] == VIP6] == []


def test_ipv6_vip_added_by_hand_is_put_right_in_place(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.ip(f"addr add {VIP6}/128 dev eth0 nodad")
    assert source(host, "2001:db8::9") == VIP6
    plan = carry_out(host, addresses=[VIP6], interface="eth0")
    assert plan.words == [f"change {VIP6}/128 on eth0: not used as a source"]
    assert source(host, "2001:db8::9") == "2001:db8::1"
    assert addresses(host, "eth0")[f"{VIP6}/128"]["noprefixroute"]
    assert not carry_out(host, addresses=[VIP6], interface="eth0").changed


def test_wrong_prefix_is_put_right_and_the_secondaries_stay_with_their_routes(
    make_segment: Callable[[int], Segment],
) -> None:
    host = make_segment(1).host(1)
    host.ip("addr flush dev eth0 scope global")
    host.ip(f"addr add {VIP}/24 dev eth0")
    host.ip("addr add 192.0.2.1/24 dev eth0")
    host.ip("route add default via 192.0.2.254 src 192.0.2.1")
    assert addresses(host, "eth0")["192.0.2.1/24"]["secondary"]
    plan = carry_out(host, addresses=[VIP], interface="eth0")
    assert plan.words == [
        f"add {VIP}/32 to eth0 (scope global)",
        f"remove {VIP}/24 from eth0, keeping 192.0.2.1/24",
    ]
    assert set(addresses(host, "eth0")) == {"192.0.2.1/24", f"{VIP}/32"}
    assert [route["prefsrc"] for route in host.json("-4 route show")] == ["192.0.2.1", "192.0.2.1"]
    assert host.run("cat", "/proc/sys/net/ipv4/conf/eth0/promote_secondaries").strip() == "0"


def test_removal_leaves_everything_else(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    before = addresses(host, "eth0")
    carry_out(host, addresses=[f"{VIP}/24", VIP6], interface="eth0")
    assert addresses(host, "eth0")[f"{VIP}/24"]["secondary"]
    assert carry_out(host, addresses=[VIP, VIP6], interface="eth0", state="absent").changed
    assert addresses(host, "eth0") == before
    assert not carry_out(host, addresses=[VIP, VIP6], interface="eth0", state="absent").changed


def test_point_to_point_address_is_replaced(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.ip(f"addr add {VIP} peer 198.51.100.9/32 dev eth0")
    carry_out(host, addresses=[VIP], interface="eth0")
    assert addresses(host, "eth0")[f"{VIP}/32"].get("address") is None
    assert not carry_out(host, addresses=[VIP], interface="eth0").changed


def test_device_is_created_brought_up_and_removed_with_its_last_vip(namespace: Namespace) -> None:
    # ifb stands in for dummy, which the kernels of some test machines lack: virtual, Ethernet, no ARP, made the same way.
    wanted = VipSpec.from_options({"addresses": [VIP, VIP6], "interface": "vip0"})._replace(kind="ifb")
    plan = carry_out_wanted(namespace, wanted)
    assert plan.words == [
        "create ifb device vip0",
        "bring vip0 up",
        f"add {VIP}/32 to vip0 (scope host)",
        f"add {VIP6}/128 to vip0 (not used as a source)",
    ]
    assert set(addresses(namespace, "vip0")) == {f"{VIP}/32", f"{VIP6}/128"}
    assert "UP" in namespace.json("link show dev vip0")[0]["flags"]
    assert carry_out_wanted(namespace, wanted).words == []
    first = wanted._replace(vips=wanted.vips[:1], present=False)
    assert carry_out_wanted(namespace, first).words == [f"remove {VIP}/32 from vip0"]
    gone = wanted._replace(present=False)
    assert carry_out_wanted(namespace, gone).words == [f"remove {VIP6}/128 from vip0", "remove ifb device vip0"]
    assert "vip0" not in [link["ifname"] for link in namespace.json("link show")]
    assert carry_out_wanted(namespace, gone).words == []


def test_module_check_mode_never_writes_and_says_what_the_run_does(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    before = host.json("addr show")
    options = {"addresses": [VIP, VIP6], "interface": "lo", "label": "lo:0"}
    rehearsed = host.module("vip_iface", check=True, **options)
    assert host.json("addr show") == before
    done = host.module("vip_iface", **options)
    assert (rehearsed["changed"], done["changed"]) == (True, True)
    for key in ("operations", "diff", "addresses", "interface"):
        assert rehearsed[key] == done[key]
    assert done["operations"] == [
        f"add {VIP}/32 to lo (scope host, label lo:0)",
        f"add {VIP6}/128 to lo (not used as a source)",
    ]
    again = host.module("vip_iface", **options)
    assert (again["changed"], again["operations"]) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"] == done["diff"]["after"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"interface": "eth7"},
            "interface: 'eth7' does not exist on this host, which has eth0, lo; name one of these, or add kind: dummy to "
            "create it.",
        ),
        (
            {"interface": "eth0", "kind": "dummy"},
            "kind: 'dummy' is not what eth0 is (it exists, veth); leave kind out, or name a new interface.",
        ),
        ({"interface": "lo", "announce": 2}, "announce: 2 can't be done on lo, which does no ARP; leave it out."),
        (
            {"interface": "lo", "addresses": ["192.0.2.30/24"]},
            "addresses: '192.0.2.30/24' would make its whole network local on lo; write 192.0.2.30/32.",
        ),
        (
            {"interface": "eth0", "addresses": ["192.0.2.30/24"], "scope": "link"},
            "scope: 'link' differs from that of 192.0.2.1/24 on eth0 (global), which is in the same network; write "
            "192.0.2.30/32, or scope: global.",
        ),
        (
            {"interface": "lo", "addresses": ["2001:db8::30/64"]},
            "addresses: '2001:db8::30/64' would make its whole network local on lo; write 2001:db8::30/128.",
        ),
        (
            {"interface": "lo", "kind": "dummy"},
            "kind: 'dummy' is not what lo is (it exists, physical or loopback); leave kind out, or name a new interface.",
        ),
        (
            {"interface": "eth0", "addresses": ["192.0.2.2", "2001:db8::2"]},
            "addresses are in use by another host on the segment of eth0: 192.0.2.2 (02:00:00:00:00:02), 2001:db8::2 "
            "(02:00:00:00:00:02); remove them there; if that is a real server, set its ARP sysctls "
            "(lvs.cluster.arp_sysctl, arp_ignore: 1); or write on_conflict: warn to take them over.",
        ),
        (
            {"interface": "eth0", "addresses": ["192.0.2.256"]},
            "addresses: '192.0.2.256' is not an IP address; write one such as 192.0.2.30 or 2001:db8::30, names are not "
            "resolved.",
        ),
    ],
)
def test_module_errors(make_segment: Callable[[int], Segment], options: dict[str, Any], message: str) -> None:
    host = make_segment(2).host(1)
    before = host.json("addr show")
    for check in (True, False):
        answer = host.module("vip_iface", check=check, **{"addresses": [VIP], **options})
        told = host.without_fallbacks(answer["msg"])
        assert (answer.get("failed"), told, answer["operations"]) == (True, message, [])
        assert host.json("addr show") == before


def test_module_not_permitted(make_segment: Callable[[int], Segment]) -> None:
    answer = make_segment(1).host(1).module("vip_iface", lacking=RIGHTS, addresses=[VIP], interface="lo")
    assert answer["msg"] == (
        f"The task is not allowed to add {VIP}/32 to lo (scope host): this needs CAP_NET_ADMIN; run the task as root "
        "(become: true)."
    )
    assert answer["operations"] == [f"add {VIP}/32 to lo (scope host)"]


def test_ipv6_switched_off_is_explained(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.sysctl("ipv6/conf/lo/disable_ipv6", 1)
    answer = host.module("vip_iface", addresses=[VIP6], interface="lo")
    assert answer["msg"] == (
        f"The kernel refused to add {VIP6}/128 to lo (not used as a source): IPv6 is disabled on that interface "
        "(disable_ipv6); enable it, or leave IPv6 addresses out."
    )


def test_vip_elsewhere_and_device_down_are_warned_of(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.ip(f"addr add {VIP}/32 dev lo")
    host.ip("link set eth0 down")
    plan = carry_out(host, addresses=[VIP], interface="eth0", announce=3)
    assert plan.words == [f"add {VIP}/32 to eth0 (scope global)"]
    assert plan.warnings == (
        f"{VIP} is on lo too; if that is not meant, remove it there (interface: lo, state: absent).",
        "eth0 is down: its VIPs are not reachable and not announced until it is brought up (ip link set eth0 up).",
    )


def test_a_server_takes_no_vip_on_a_device_that_does_arp(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    answer = host.module("vip_iface", addresses=[VIP], interface="eth0", allow_arp=False)
    assert answer["failed"]
    assert "'eth0' does ARP, so that this host would answer for 192.0.2.30" in answer["msg"]
    assert f"{VIP}/32" not in host.ip("addr show dev eth0")
    assert host.module("vip_iface", addresses=[VIP], interface="lo", allow_arp=False)["changed"]


def test_announced_after_adding_and_only_then(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    options: dict[str, Any] = {
        "addresses": [VIP, VIP6],
        "interface": "eth0",
        "announce": None,
        "announce_interval": 0.01,
        "on_conflict": "ignore",
    }
    with Capture(segment.host(2)) as capture:
        plan = carry_out(segment.host(1), **options)
        heard = capture.heard()
        assert plan.words[-1] == f"announce {VIP}, {VIP6} on eth0 3 times"
        assert [one for one in heard if isinstance(one, Arp)] == [
            Arp(1, segment.mac(1), VIP, "00:00:00:00:00:00", VIP)
        ] * 3
        told = [one for one in heard if isinstance(one, Nd)]
        assert [(one.solicitation, one.target, one.mac) for one in told] == [(False, VIP6, segment.mac(1))] * 3
        assert not carry_out(segment.host(1), **options).changed
        carry_out(segment.host(1), **{**options, "scope": "link"})
        carry_out(segment.host(1), **options, state="absent")
        assert capture.heard() == []
        carry_out(segment.host(1), **{**options, "announce": 0})
        assert capture.heard() == []


def test_announcement_corrects_the_caches_of_the_segment(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(3)
    asker = segment.host(3)
    for vip, number in ((VIP, 1), (VIP6, 1)):
        asker.ip(f"neigh replace {vip} lladdr {segment.mac(number)} dev eth0 nud stale")
    carry_out(segment.host(2), addresses=[VIP, VIP6], interface="eth0", announce=1)
    found = {one["dst"]: one["lladdr"] for one in asker.json("neigh show dev eth0")}
    assert (found[VIP], found[VIP6]) == (segment.mac(2), segment.mac(2))


def test_interval_is_between_announcements_only(make_segment: Callable[[int], Segment]) -> None:
    start = time.monotonic()
    carry_out(make_segment(1).host(1), addresses=[VIP], interface="eth0", announce=1, announce_interval=30)
    assert time.monotonic() - start < 15


POOL = [f"192.0.2.{number}" for number in (30, 31)]
POOL6 = ["2001:db8::30", "2001:db8::31"]
_entries = st.tuples(st.sampled_from(["lo", "eth0"]), st.sampled_from(POOL + POOL6), st.booleans(), st.booleans())


@st.composite
def wishes(draw: st.DrawFn) -> dict[str, Any]:
    """Draw options that hold for themselves."""
    vips = draw(st.lists(st.sampled_from(POOL + POOL6), min_size=1, max_size=4, unique=True))
    interface, state = draw(st.sampled_from(["lo", "eth0"])), draw(st.sampled_from(["present", "present", "absent"]))
    wide = draw(st.booleans()) and (interface, state) == ("eth0", "present")
    return {
        "addresses": [f"{one}/{64 if ':' in one else 24}" for one in vips] if wide else vips,
        "interface": interface,
        "state": state,
        "scope": draw(st.sampled_from([None, "global"])),
        "label": draw(st.sampled_from([None, f"{interface}:9"])) if any(not is_ipv6(one) for one in vips) else None,
        "announce": draw(st.sampled_from([None, 0])),
        "announce_interval": 0.0,
        "on_conflict": draw(st.sampled_from(["fail", "warn", "ignore"])),
    }


@given(
    current=st.lists(_entries, max_size=5),
    taken=st.lists(st.sampled_from(POOL + POOL6), max_size=2, unique=True),
    wanted=wishes(),
)
@settings(
    max_examples=RANDOM,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_state_any_wish(
    shared: Segment,
    count_case: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    current: list[tuple[str, str, bool, bool]],
    taken: list[str],
    wanted: dict[str, Any],
) -> None:
    count_case()
    monkeypatch.setattr(packets_client, "PROBE_INTERVAL", 0.04)  # long enough for an answer on a busy machine
    host, other = shared.hosts
    reset(host, current)
    reset(other, [("eth0", address, False, False) for address in taken], number=2)
    asked = {one.split("/")[0] for one in wanted["addresses"]}
    before = everything(host)
    conflicts = asked & set(taken) - {one.split("/")[0] for one in before["eth0"]}
    if wanted["interface"] != "eth0" or wanted["state"] == "absent" or wanted["announce"] == 0:
        conflicts = set()
    if conflicts and wanted["on_conflict"] == "fail":
        for apply in (False, True):
            with pytest.raises(AddressConflict) as caught:
                carry_out(host, apply, **wanted)
            assert {one for one in POOL + POOL6 if f"{one} ({shared.mac(2)})" in str(caught.value)} == conflicts
            assert everything(host) == before
        return
    rehearsed = carry_out(host, apply=False, **wanted)
    assert any("another host" in one for one in rehearsed.warnings) == (
        bool(conflicts) and wanted["on_conflict"] == "warn"
    )
    assert everything(host) == before
    done = carry_out(host, **wanted)
    assert rehearsed == done
    with Capture(other, sender=shared.mac(1)) as capture:
        again = carry_out(host, **wanted)
        assert capture.heard() == []
    assert again.words == []
    # The plan foretold what the kernel then has, and nothing that was not asked for went away.
    assert again.before == done.after
    after = everything(host)
    for device, one in ((device, one) for device, found in before.items() for one in found):
        if device != wanted["interface"] or one.split("/")[0] not in asked:
            assert one in after[device]
    assert all(one in after["eth0"] for one in ("192.0.2.1/24", "2001:db8::1/64"))


@pytest.fixture
def shared(make_segment: Callable[[int], Segment]) -> Segment:
    """Return one segment for all the examples; each puts its hosts back first."""
    return make_segment(2)


def everything(host: Namespace) -> dict[str, Any]:
    """Return all addresses of a host, with the devices they are on."""
    found = addresses_by_device(host)
    return {device: found[device] for device in ("lo", "eth0")}


def reset(host: Namespace, current: list[tuple[str, str, bool, bool]], number: int = 1) -> None:
    """Give host N its own addresses and the VIPs of an example, these first when they are `early`."""
    flushed = [f"addr del {one} dev lo" for one in addresses(host, "lo") if one.split("/")[0] in POOL + POOL6]
    own = [f"addr replace 192.0.2.{number}/24 dev eth0", f"addr replace 2001:db8::{number}/64 dev eth0 nodad"]
    commands = {False: [], True: []}  # type: dict[bool, list[str]]
    for device, address, wide, early in current:
        prefix = (64 if is_ipv6(address) else 24) if wide and device == "eth0" else (128 if is_ipv6(address) else 32)
        nodad = " nodad" if is_ipv6(address) else ""
        commands[early].append(f"addr replace {address}/{prefix} dev {device}{nodad}")
    # The same IPv6 address may have been drawn with two prefix lengths.
    host.try_ip("addr flush dev eth0 scope global", *flushed, *commands[True], *own, *commands[False])
