# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_iface on a real kernel."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp import ETH_P_ARP, Arp, unpack_advertisement, unpack_arp
from ansible_collections.lvs.cluster.plugins.module_utils._plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._rtnl_client import VipClient
from ansible_collections.lvs.cluster.plugins.module_utils._vip_model import VipOperation
from ansible_collections.lvs.cluster.plugins.module_utils._vip_plan import plan_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip_wanted import Wanted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netns_hosts import Namespace, Segment

VIP, VIP6 = "192.0.2.30", "2001:db8::30"


def carry_out(inside: Namespace, apply: bool = True, **options: Any) -> Plan[VipOperation]:
    """Plan, and apply, as the module does, but in this process."""
    return carry_out_wanted(inside, Wanted.from_options({"announce": 0, **options}), apply)


def carry_out_wanted(inside: Namespace, wanted: Wanted, apply: bool = True) -> Plan[VipOperation]:
    """Carry out what is wanted, options apart."""
    with inside.entered():
        client = VipClient()
        try:
            plan = plan_vips(client.read(wanted), wanted)
            if apply:
                client.apply(plan.operations)
        finally:
            client.close()
    return plan


def addresses(inside: Namespace, interface: str) -> dict[str, dict[str, Any]]:
    """Return what ip(8) says of the addresses of a device, without the link-local ones."""
    (link,) = inside.json(f"addr show dev {interface}")
    return {f"{one['local']}/{one['prefixlen']}": one for one in link["addr_info"] if one["local"][:4] != "fe80"}


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
    host.ip("-6 route add default via 2001:db8::fe")
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
    wanted = Wanted.from_options({"addresses": [VIP, VIP6], "interface": "vip0"})._replace(kind="ifb")
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
    assert [link["ifname"] for link in namespace.json("link show")] == ["lo"]
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
    ],
)
def test_module_errors(make_segment: Callable[[int], Segment], options: dict[str, Any], message: str) -> None:
    host = make_segment(1).host(1)
    before = host.json("addr show")
    answer = host.module("vip_iface", **{"addresses": [VIP], **options})
    assert (answer.get("failed"), answer["msg"]) == (True, message)
    assert host.json("addr show") == before


def test_module_not_permitted(make_segment: Callable[[int], Segment]) -> None:
    wrapper = ("setpriv", "--bounding-set", "-net_admin,-net_raw")
    answer = make_segment(1).host(1).module("vip_iface", wrapper=wrapper, addresses=[VIP], interface="lo")
    assert answer["msg"] == (
        f"Not allowed to add {VIP}/32 to lo (scope host): this needs CAP_NET_ADMIN; run the task as root (become: true)."
    )
    assert answer["operations"] == [f"add {VIP}/32 to lo (scope host)"]


def test_ipv6_switched_off_is_explained(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.sysctl("ipv6/conf/lo/disable_ipv6", 1)
    answer = host.module("vip_iface", addresses=[VIP6], interface="lo")
    assert answer["msg"] == (
        f"The kernel refused to add {VIP6}/128 to lo (not used as a source): IPv6 is switched off there (disable_ipv6); "
        "switch it on, or leave IPv6 addresses out."
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


class Capture:
    """ARP and ICMPv6 as another host of the segment hears them."""

    def __init__(self, host: Namespace) -> None:
        with host.entered():
            self.arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP))
            self.nd = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.arp.close()
        self.nd.close()

    def heard(self) -> tuple[list[Arp], list[tuple[str, str]]]:
        """Return what has arrived about the VIPs; delivery inside one kernel is over when the sender's call returns."""
        frames, messages = self._drain(self.arp), self._drain(self.nd)
        arps = [packet for packet in map(unpack_arp, frames) if packet and VIP in (packet.sender, packet.target)]
        return arps, [found for found in map(unpack_advertisement, messages) if found and found[0] == VIP6]

    @staticmethod
    def _drain(from_socket: socket.socket) -> list[bytes]:
        from_socket.setblocking(False)
        data = []
        while True:
            try:
                data.append(from_socket.recv(2048))
            except BlockingIOError:
                return data


def test_announced_after_adding_and_only_then(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    options: dict[str, Any] = {
        "addresses": [VIP, VIP6],
        "interface": "eth0",
        "announce": None,
        "announce_interval": 0.01,
    }
    with Capture(segment.host(2)) as capture:
        plan = carry_out(segment.host(1), **options)
        arps, advertisements = capture.heard()
        assert plan.words[-1] == f"announce {VIP}, {VIP6} on eth0 3 times"
        assert arps == [Arp(1, segment.mac(1), VIP, "00:00:00:00:00:00", VIP)] * 3
        assert advertisements == [(VIP6, segment.mac(1))] * 3
        assert not carry_out(segment.host(1), **options).changed
        carry_out(segment.host(1), **{**options, "scope": "link"})
        carry_out(segment.host(1), **options, state="absent")
        assert capture.heard() == ([], [])
        carry_out(segment.host(1), **{**options, "announce": 0})
        assert capture.heard() == ([], [])


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


@given(
    current=st.lists(_entries, max_size=5),
    wanted=st.lists(st.sampled_from(POOL + POOL6), min_size=1, max_size=4, unique=True),
    interface=st.sampled_from(["lo", "eth0"]),
    wide=st.booleans(),
    scope=st.sampled_from([None, "global"]),
    labelled=st.booleans(),
    present=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_state_any_wish(
    shared: Namespace,
    current: list[tuple[str, str, bool, bool]],
    wanted: list[str],
    interface: str,
    wide: bool,
    scope: str | None,
    labelled: bool,
    present: bool,
) -> None:
    reset(shared, current)
    neighbours = ["192.0.2.1/24", "2001:db8::1/64"]
    texts = [f"{one}/{64 if ':' in one else 24}" if wide and interface == "eth0" and present else one for one in wanted]
    options: dict[str, Any] = {"addresses": texts, "interface": interface, "scope": scope}
    options["state"] = "present" if present else "absent"
    if labelled and any(":" not in one for one in wanted):
        options["label"] = f"{interface}:9"
    before = {device: addresses(shared, device) for device in ("lo", "eth0")}
    rehearsed = carry_out(shared, apply=False, **options)
    assert {device: addresses(shared, device) for device in ("lo", "eth0")} == before
    done = carry_out(shared, **options)
    assert rehearsed == done
    again = carry_out(shared, **options)
    assert again.words == []
    # The plan foretold what the kernel then has, and nothing that was not asked for went away.
    assert again.before == done.after
    after = {device: addresses(shared, device) for device in ("lo", "eth0")}
    untouched = [(device, one) for device in before for one in before[device]]
    for device, one in untouched:
        if device != interface or one.split("/")[0] not in wanted:
            assert one in after[device]
    assert all(one in after["eth0"] for one in neighbours)


@pytest.fixture
def shared(make_segment: Callable[[int], Segment]) -> Namespace:
    """Return one host for all the examples; each puts it back first."""
    return make_segment(1).host(1)


def reset(host: Namespace, current: list[tuple[str, str, bool, bool]]) -> None:
    """Give the host its own addresses and the VIPs of an example, these first when they are `early`."""
    host.ip("addr flush dev eth0 scope global")
    for address in [*POOL, *POOL6]:
        for one in addresses(host, "lo"):
            if one.startswith(f"{address}/"):
                host.ip(f"addr del {one} dev lo")
    own = ["addr replace 192.0.2.1/24 dev eth0", "addr replace 2001:db8::1/64 dev eth0 nodad"]
    commands = {False: [], True: []}  # type: dict[bool, list[str]]
    for device, address, wide, early in current:
        prefix = (64 if ":" in address else 24) if wide and device == "eth0" else (128 if ":" in address else 32)
        nodad = " nodad" if ":" in address else ""
        commands[early].append(f"addr replace {address}/{prefix} dev {device}{nodad}")
    # "ip -force" goes on when the same IPv6 address was drawn with two prefix lengths.
    script = "\n".join(commands[True] + own + commands[False])
    host.run("sh", "-c", f"ip -force -batch - <<'END' || true\n{script}\nEND")
