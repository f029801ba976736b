# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_neighbor on a real kernel, with ip-neighbour(8) as the second opinion."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _boot
from ansible_collections.lvs.cluster.plugins.module_utils._arp import REQUEST, unpack_arp
from ansible_collections.lvs.cluster.plugins.module_utils._arp_client import announce
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor_client import NeighborClient
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor_plan import NeighborOperation, plan_neighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor_wanted import WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._plan import Plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netns_hosts import Namespace, Segment

ETH_P_ALL = 3
VIP, VIP6, MAC, OTHER = "192.0.2.30", "2001:db8::30", "52:54:00:00:00:03", "52:54:00:00:00:04"
BOTH = {VIP: MAC, VIP6: MAC}
WITHOUT_RIGHTS = ("setpriv", "--bounding-set", "-net_admin,-net_raw")


def options(neighbors: dict[str, str | None], interface: str = "eth0", state: str = "present") -> dict[str, Any]:
    """Return the options of the module."""
    listed = [{"address": address, "mac": mac} for address, mac in neighbors.items()]
    return {"interface": interface, "neighbors": listed, "state": state}


def carry_out(inside: Namespace, *args: Any, apply: bool = True, **kwargs: Any) -> Plan[NeighborOperation]:
    """Plan, and apply, as the module does, but in this process."""
    wanted = WantedNeighbors.from_options(options(*args, **kwargs))
    with inside.entered():
        client = NeighborClient()
        try:
            plan = plan_neighbors(client.read(wanted), wanted)
            if apply:
                client.apply(plan.operations)
        finally:
            client.close()
    return plan


def shown(inside: Namespace, interface: str = "eth0") -> dict[str, tuple[str, str]]:
    """Return what ip(8) says of the unicast neighbours of a device: address -> MAC and state."""
    entries = [
        *inside.json(f"-4 neigh show nud all dev {interface}"),
        *inside.json(f"-6 neigh show nud all dev {interface}"),
    ]
    return {
        one["dst"]: (one.get("lladdr", ""), " ".join(one["state"]))
        for one in entries
        if not one["dst"].startswith("ff")
    }


@pytest.fixture
def gateway(make_segment: Callable[[int], Segment]) -> Namespace:
    """Return one host with a second device, eth1 with 198.51.100.1/24, beside its eth0."""
    host = make_segment(1).host(1)
    host.ip("link add eth1 type veth peer name far1")
    for device in ("eth1", "far1"):
        host.ip(f"link set {device} up")
    host.ip("addr add 198.51.100.1/24 dev eth1")
    return host


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
    rehearsed = gateway.module("vip_neighbor", check=True, wrapper=WITHOUT_RIGHTS, **options(BOTH))
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
    gone = gateway.module("vip_neighbor", check=True, wrapper=WITHOUT_RIGHTS, **options(BOTH, state="absent"))
    assert gone["operations"] == [f"forget {vip} on eth0" for vip in BOTH]
    assert set(shown(gateway)) == set(BOTH)


@pytest.mark.parametrize("static", [True, False])
def test_the_gateway_asks_nobody_and_believes_nobody(make_segment: Callable[[int], Segment], static: bool) -> None:
    segment = make_segment(3)
    director, poisoner, gateway = segment.hosts
    director.ip(f"addr add {VIP}/32 dev eth0")
    director.ip(f"addr add {VIP6}/128 dev eth0 nodad")
    if static:
        carry_out(gateway, {VIP: segment.mac(1), VIP6: segment.mac(1)})
    with poisoner.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as wire:
        send(gateway, director)
        asked = questions(wire, segment.mac(3))
        announce("eth0", [VIP, VIP6], 1, 0)
    found = shown(gateway)
    macs = {found[vip][0] for vip in BOTH}
    # The other case shows that the test can see both: it asks, and takes the poison.
    assert (asked, macs) == ((set(), {segment.mac(1)}) if static else (set(BOTH), {segment.mac(2)}))


def send(sender: Namespace, director: Namespace) -> None:
    """Send a datagram to each VIP, and see that the director has it."""
    for family, vip in ((socket.AF_INET, VIP), (socket.AF_INET6, VIP6)):
        with director.entered(), socket.socket(family, socket.SOCK_DGRAM) as receiver:
            receiver.settimeout(10)
            receiver.bind((vip, 9999))
            with sender.entered(), socket.socket(family, socket.SOCK_DGRAM) as out:
                out.sendto(b"for the VIP", (vip, 9999))
            assert receiver.recv(64) == b"for the VIP"


def questions(wire: socket.socket, mac: str) -> set[str]:
    """Return the VIPs that a host has asked the segment for, by ARP or by neighbour solicitation."""
    wire.setblocking(False)
    asked = set()
    while True:
        try:
            frame = wire.recv(2048)
        except BlockingIOError:
            return asked & BOTH.keys()
        if frame[6:12].hex(":") == mac:
            arp = unpack_arp(frame)
            if arp and arp.operation == REQUEST:
                asked.add(arp.target)
            # IPv6, ICMPv6, neighbour solicitation; the target is behind 14 bytes of Ethernet, 40 of IPv6 and 8.
            elif (frame[12:14], frame[20], frame[54]) == (b"\x86\xdd", 58, 135):
                asked.add(socket.inet_ntop(socket.AF_INET6, frame[62:78]))


@pytest.mark.parametrize(
    ("commands", "left"),
    [
        (["link set far1 down"], [VIP, VIP6]),
        (["link set far1 down", "link set far1 up"], [VIP, VIP6]),
        (["link set eth1 down"], []),
        (["link set eth1 address 02:00:00:00:00:99"], []),
        (["addr del 198.51.100.1/24 dev eth1"], [VIP6]),
    ],
)
def test_what_the_kernel_does_with_entries_is_as_documented(
    gateway: Namespace, commands: list[str], left: list[str]
) -> None:
    carry_out(gateway, BOTH, interface="eth1")
    for command in commands:
        gateway.ip(command)
    assert list(shown(gateway, "eth1")) == left


def test_entries_of_a_device_that_is_down_hold_when_it_comes_up(gateway: Namespace) -> None:
    gateway.ip("link set eth1 down")
    made = carry_out(gateway, BOTH, interface="eth1")
    assert made.words == [f"set {vip} to {MAC} on eth1" for vip in BOTH]
    assert [warning.split(":")[0] for warning in made.warnings] == ["eth1 is down"]
    gateway.ip("link set eth1 up")
    assert shown(gateway, "eth1") == dict.fromkeys(BOTH, (MAC, "PERMANENT"))
    assert not carry_out(gateway, BOTH, interface="eth1").changed


def test_entries_that_are_not_used_are_warned_of(gateway: Namespace) -> None:
    gateway.sysctl("ipv6/conf/eth0/forwarding", 1)
    gateway.ip("route add 203.0.113.0/24 via 192.0.2.254")
    gateway.ip("-6 route add 2001:db8:5::/64 via 2001:db8::fe")
    for number, kind in enumerate(("blackhole", "prohibit", "unreachable", "throw"), 4):
        gateway.ip(f"route add {kind} 10.{number}.0.0/16")
        gateway.ip(f"-6 route add {kind} 2001:db8:1{number}::/64")
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
            f"mac: None is missing for {VIP}; name the MAC of the director, or write state: absent.",
        ),
    ],
)
def test_module_errors(gateway: Namespace, changed: dict[str, Any], message: str) -> None:
    answer = gateway.module("vip_neighbor", **{**options(BOTH), **changed})
    assert (answer.get("failed"), answer["msg"]) == (True, message)
    assert shown(gateway) == {}


def test_module_not_permitted(gateway: Namespace) -> None:
    answer = gateway.module("vip_neighbor", wrapper=WITHOUT_RIGHTS, **options(BOTH))
    assert answer["msg"] == (
        f"Not allowed to set {VIP} to {MAC} on eth0: this needs CAP_NET_ADMIN; run the task as root (become: true)."
    )
    assert answer["operations"] == [f"set {vip} to {MAC} on eth0" for vip in BOTH]


def test_ipv6_switched_off_is_explained(gateway: Namespace) -> None:
    gateway.sysctl("ipv6/conf/eth0/disable_ipv6", 1)
    answer = gateway.module("vip_neighbor", **options({VIP6: MAC}))
    assert answer["msg"] == (
        f"The kernel refused to set {VIP6} to {MAC} on eth0: IPv6 is switched off there (disable_ipv6); switch it on, or "
        "leave IPv6 addresses out."
    )


def test_boot_brings_them_back(gateway: Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "gateway.json"
    state.write_text(json.dumps({"services": [], "vips": [], "neighbors": [options(BOTH)]}))
    for said in ("".join(f"set {vip} to {MAC} on eth0\n" for vip in BOTH), ""):
        with gateway.entered():
            assert _boot.main([str(state)]) == 0
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
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    script = "\n".join(commands)
    host.run("sh", "-c", f"ip -batch - <<'END'\n{script}\nEND")
