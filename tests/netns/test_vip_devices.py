# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs on what is not a plain network card: VLAN, bond, bridge and macvlan devices, and the ends of tunnels."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import AddressConflict
from netns_hosts import LIMIT, Namespace, Segment
from netns_vips import VIP, VIP6, Arp, Capture, Nd, addresses, carry_out

BRIDGE = "link add br1 type bridge mcast_snooping 0"
BOND = "link add bond0 type bond mode active-backup"
# The device, what makes it, and whether eth0 becomes a port of it.
DEVICES = {
    "vlan": ("eth0.5", "link add link eth0 name eth0.5 type vlan id 5", False),
    "macvlan": ("eth0.mac", "link add link eth0 name eth0.mac type macvlan mode bridge", False),
    "bridge": ("br1", BRIDGE, True),
    "bond": ("bond0", BOND, True),
    "vlan on a bond": ("bond0.5", f"{BOND}\nlink add link bond0 name bond0.5 type vlan id 5", True),
    "vlan on a bridge": ("br1.5", f"{BRIDGE}\nlink add link br1 name br1.5 type vlan id 5", True),
}


def need(host: Namespace, commands: str) -> None:
    """Make devices with ip(8); skip the test, with the reason, where this kernel has none of that kind."""
    for command in commands.splitlines():
        done = subprocess.run(
            ["ip", "netns", "exec", host.name, "ip", *command.split()], capture_output=True, text=True, timeout=LIMIT
        )
        if done.returncode:
            pytest.skip(f"this kernel can't `ip {command}`: {done.stderr.strip()}")


def put_on(host: Namespace, device: str, commands: str, port: bool) -> None:
    """Make the device over eth0, with everything up."""
    base, *others = commands.splitlines()
    need(host, base)
    if port:
        lower = device.partition(".")[0]
        for step in (f"{lower} up", "eth0 down", f"eth0 master {lower}", "eth0 up"):
            host.ip(f"link set {step}")
    for command in others:
        need(host, command)
    # Like a host that listens to all groups: what is asked of a few is seen too.
    host.ip(f"link set {device} up allmulticast on")


def heard_of_vips(capture: Capture, least: int = 0) -> list[Arp | Nd]:
    """Return what was heard of the VIPs, once it is so much: a macvlan delivers broadcasts later than it took them."""
    heard: list[Arp | Nd] = []
    end = time.monotonic() + 10
    while True:
        heard += [one for one in capture.heard() if VIP in one or VIP6 in one]
        if len(heard) >= least or time.monotonic() > end:
            return heard
        time.sleep(0.05)


@pytest.mark.parametrize("kind", DEVICES)
def test_vip_is_probed_for_added_and_announced_there(make_segment: Callable[[int], Segment], kind: str) -> None:
    segment = make_segment(2)
    device, commands, port = DEVICES[kind]
    for host in segment.hosts:
        put_on(host, device, commands, port)
    director, other = segment.hosts
    (link,) = director.json(f"link show dev {device}")
    options: dict[str, Any] = {"addresses": [VIP, VIP6], "interface": device, "announce": 2, "announce_interval": 0.01}
    with Capture(other, device, sender=link["address"]) as capture:
        plan = carry_out(director, **options)
        heard = heard_of_vips(capture, 2 * (3 + 2))
        assert not carry_out(director, **options).changed
        assert heard_of_vips(capture) == []
    assert plan.words == [
        f"add {VIP}/32 to {device} (scope global)",
        f"add {VIP6}/128 to {device} (not used as a source)",
        f"announce {VIP}, {VIP6} on {device} 2 times",
    ]
    arps, nds = [one for one in heard if not isinstance(one, Nd)], [one for one in heard if isinstance(one, Nd)]
    assert [one.sender for one in arps] == ["0.0.0.0"] * 3 + [VIP] * 2
    assert [(one.solicitation, one.mac) for one in nds] == [(True, "")] * 3 + [(False, link["address"])] * 2
    assert {f"{VIP}/32", f"{VIP6}/128"} <= set(addresses(director, device))
    # eth0 under a macvlan answers for the IPv4 address as well, like any device of a host that has it.
    with pytest.raises(AddressConflict, match=rf"{VIP} \(.*{link['address']}\), {VIP6} \({link['address']}\)"):
        carry_out(other, apply=False, **options)
    assert carry_out(director, **options, state="absent").changed
    assert not {f"{VIP}/32", f"{VIP6}/128"} & set(addresses(director, device))


def test_dummy_is_made_and_removed_with_its_last_vip(namespace: Namespace) -> None:
    need(namespace, "link add probe0 type dummy\nlink del probe0")
    options: dict[str, Any] = {"addresses": [VIP, VIP6], "interface": "vip0", "kind": "dummy"}
    assert namespace.module("vip_iface", **options)["operations"] == [
        "create dummy device vip0",
        "bring vip0 up",
        f"add {VIP}/32 to vip0 (scope host)",
        f"add {VIP6}/128 to vip0 (not used as a source)",
    ]
    (link,) = namespace.json("link show dev vip0")
    assert (link["linkinfo"]["info_kind"], "UP" in link["flags"]) == ("dummy", True)
    assert set(addresses(namespace, "vip0")) == {f"{VIP}/32", f"{VIP6}/128"}
    assert namespace.module("vip_iface", **options)["changed"] is False
    assert namespace.module("vip_iface", **options, state="absent")["operations"][-1] == "remove dummy device vip0"
    assert "vip0" not in [one["ifname"] for one in namespace.json("link show")]


TUNNELS = {"ipip0": "ipip", "ip6tnl1": "ip6tnl"}


def vips(kind: str) -> list[str]:
    """Return the VIPs that come through a tunnel of this kind."""
    return [VIP] if kind == "ipip" else [VIP, VIP6]


@pytest.mark.parametrize(("interface", "kind"), TUNNELS.items())
def test_tunnel_is_made_and_removed_with_its_last_vip(namespace: Namespace, interface: str, kind: str) -> None:
    need(namespace, f"link add probe0 type {kind} external\nlink del probe0")
    options: dict[str, Any] = {"addresses": vips(kind), "interface": interface, "kind": kind}
    done = namespace.module("vip_iface", **options)
    assert done.get("operations", [done.get("msg")])[:2] == [
        f"create {kind} device {interface}",
        f"bring {interface} up",
    ]
    (link,) = namespace.json(f"link show dev {interface}")
    assert (link["linkinfo"]["info_kind"], "UP" in link["flags"]) == (kind, True)
    assert link["linkinfo"]["info_data"]["external"]
    assert len(addresses(namespace, interface)) == len(vips(kind))
    assert namespace.module("vip_iface", **options)["changed"] is False
    again = namespace.module("vip_iface", **{**options, "interface": "other0"})
    assert again["msg"].endswith(
        f"it allows one external {kind} device, and this host has that already; name that device as the interface, or "
        "remove it."
    )
    gone = namespace.module("vip_iface", **options, state="absent")
    assert gone["operations"][-1] == f"remove {kind} device {interface}"
    assert interface not in [one["ifname"] for one in namespace.json("link show")]
    assert namespace.module("vip_iface", **options, state="absent")["changed"] is False


@pytest.mark.parametrize(("interface", "kind"), [("tunl0", "ipip"), ("ip6tnl0", "ip6tnl")])
def test_the_kernels_own_tunnel_is_taken_up_and_down(namespace: Namespace, interface: str, kind: str) -> None:
    need(namespace, f"link add probe0 type {kind} external\nlink del probe0\nlink show dev {interface}")
    options: dict[str, Any] = {"addresses": vips(kind)[-1:], "interface": interface, "kind": kind}
    assert namespace.module("vip_iface", **options)["operations"][0] == f"bring {interface} up"
    assert namespace.module("vip_iface", **options)["changed"] is False
    assert namespace.module("vip_iface", **options, state="absent")["operations"][-1] == f"take {interface} down"
    assert namespace.module("vip_iface", **options, state="absent")["changed"] is False


@pytest.mark.parametrize(("interface", "kind"), TUNNELS.items())
def test_a_kernel_without_tunnels_is_told_of(namespace: Namespace, interface: str, kind: str) -> None:
    made = subprocess.run(
        ["ip", "netns", "exec", namespace.name, "ip", "link", "add", "probe0", "type", kind, "external"]
    )
    if made.returncode == 0:
        pytest.skip(f"this kernel has {kind} devices")
    answer = namespace.module("vip_iface", addresses=vips(kind), interface=interface, kind=kind)
    assert answer["msg"] == (
        f"The kernel refused to create {kind} device {interface}: it has no {kind} devices; install the kernel's {kind} "
        "module."
    )
    assert [one["ifname"] for one in namespace.json("link show")] == ["lo"]


_SERVER = """
import socket, sys
with socket.create_server((sys.argv[1], 8080), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET) as server:
    print("on", flush=True)
    server.settimeout(20)
    server.accept()[0].sendall(b"served")
"""
_CLIENT = "import socket, sys; print(socket.create_connection((sys.argv[1], 8080), 20).recv(99).decode())"


@pytest.mark.parametrize(
    ("interface", "kind", "vip", "tunnel"),
    [
        ("ipip0", "ipip", VIP, "ipip local 192.0.2.1 remote 192.0.2.2"),
        ("tunl0", "ipip", VIP, "ipip local 192.0.2.1 remote 192.0.2.2"),
        ("ip6tnl0", "ip6tnl", VIP6, "ip6tnl mode any local 2001:db8::1 remote 2001:db8::2"),
        ("ip6tnl1", "ip6tnl", VIP6, "ip6tnl mode any local 2001:db8::1 remote 2001:db8::2"),
        ("ip6tnl1", "ip6tnl", VIP, "ip6tnl mode any local 2001:db8::1 remote 2001:db8::2"),
    ],
)
def test_a_connection_through_the_tunnel_is_served(
    make_segment: Callable[[int], Segment], interface: str, kind: str, vip: str, tunnel: str
) -> None:
    # The first host is client and director at once: it sends through a tunnel, and is answered past it.
    client, server = make_segment(2).hosts
    need(client, f"link add tun0 type {tunnel}")
    for host in (client, server):
        for where in ("all", "default", "eth0"):
            host.sysctl(f"ipv4/conf/{where}/rp_filter", 0)
    client.ip("link set tun0 up")
    source = "2001:db8::1" if is_ipv6(vip) else "192.0.2.1"
    client.ip(f"route add {vip} dev tun0 src {source}")
    assert server.module("vip_iface", addresses=[vip], interface=interface, kind=kind)["changed"]
    server.sysctl(f"ipv4/conf/{interface}/rp_filter", 2)
    program = ["ip", "netns", "exec", server.name, sys.executable, "-c", _SERVER, vip]
    serving = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout
        assert serving.stdout.readline() == "on\n"
        assert client.run(sys.executable, "-c", _CLIENT, vip) == "served\n"
    finally:
        serving.kill()
        serving.communicate(timeout=10)
