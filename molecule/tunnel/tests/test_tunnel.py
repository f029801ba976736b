# SPDX-License-Identifier: GPL-3.0-or-later
"""A server behind a router serves VIPs through tunnels, seen by the client and on the wire; after its reboot too."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

import pytest
from lab_access import lab_hosts
from lab_shell import LabShell
from wire import GRE, IPIP, IPV6_IN, UDP, watched

LAB = LabShell("molecule/tunnel/inventory")
run, on, mac = LAB.run, LAB.on, LAB.mac
TIMED_OUT = 28  # of curl
DEAF = """
table inet deaf {
    chain input {
        type filter hook input priority 0;
        icmp type destination-unreachable drop
    }
}
"""
NEAR, NEAR6 = "192.168.91.30", "2001:db8:91::30"
FAR, FAR6, BY_GRE, BY_GUE = "192.168.91.31", "2001:db8:91::31", "192.168.91.32", "192.168.91.33"
DIP, DIP6, RIP, RIP6 = "192.168.91.3", "2001:db8:91::3", "192.168.92.5", "2001:db8:92::5"


class Tunnel(NamedTuple):
    """How a VIP's packets come: the outer packet's protocol and ends, the server's device, and what fits into one."""

    protocol: int
    dip: str
    rip: str
    device: str
    mtu: int


TUNNELS = {
    FAR: Tunnel(IPIP, DIP, RIP, "lvs-ipip", 1480),
    FAR6: Tunnel(IPV6_IN, DIP6, RIP6, "lvs-ip6tnl", 1460),
    BY_GRE: Tunnel(GRE, DIP, RIP, "lvs-gre", 1476),
    BY_GUE: Tunnel(UDP, DIP, RIP, "lvs-ipip", 1468),
}


def url(vip: str, port: int = 80) -> str:
    return f"http://[{vip}]:{port}/" if ":" in vip else f"http://{vip}:{port}/"


def sent_up(vip: str, seconds: int = 30) -> subprocess.CompletedProcess:
    """Send 100 kB to the VIP."""
    file = "/tmp/100kB"
    return run("client", f"truncate -s 100000 {file} && curl -sf -m {seconds} -T {file} {url(vip, 8080)}")


def test_two_networks():
    assert set(lab_hosts(LAB.inventory)) == {"director", "client", "router", "rs1", "rs2"}
    assert on("director", f"ip route get {RIP}").startswith(f"{RIP} via 192.168.91.2 ")


@pytest.mark.parametrize(("vip", "server"), [(NEAR, "rs1"), (NEAR6, "rs1"), *((vip, "rs2") for vip in TUNNELS)])
def test_one_director_serves_each_vip_its_own_way(vip, server):
    assert LAB.visits(url(vip), 1) == {server: 1}


@pytest.mark.parametrize("vip", TUNNELS)
def test_requests_go_through_the_tunnel_and_answers_past_the_director(vip):
    tunnel = TUNNELS[vip]
    with watched(LAB.inventory, "director") as director, watched(LAB.inventory, "client") as client:
        on("client", f"curl -sf -m 20 -o /dev/null {url(vip)}")
    tunneled = director.tunneled_to(vip)
    assert {(one.protocol, one.source, one.destination, one.receiver) for one in tunneled} == {
        (tunnel.protocol, tunnel.dip, tunnel.rip, mac("router"))
    }
    assert director.tcp_from(vip) == []
    assert {one.sender for one in client.tcp_from(vip)} == {mac("router")}


def test_the_director_counts_no_answer():
    # What it sends from port 8080 are ICMP errors of its own, for uploads.
    plain = {name: numbers for name, numbers in LAB.counted("director").items() if name.endswith(":80")}
    assert set(plain) == {f"{vip}:80" for vip in (NEAR, f"[{NEAR6}]", FAR, f"[{FAR6}]", BY_GRE, BY_GUE)}
    assert all(packets_in and not packets_out for _, packets_in, packets_out in plain.values())


@pytest.mark.parametrize("vip", TUNNELS)
def test_a_vip_is_on_its_tunnel_alone(vip):
    shown = [line.split() for line in on("rs2", "ip -oneline address show").splitlines()]
    assert [line[1] for line in shown if line[3].split("/")[0] == vip] == [TUNNELS[vip].device]


@pytest.mark.parametrize("vip", [FAR, BY_GRE])
def test_strict_reverse_path_filtering_would_drop_all(vip):
    """The kernel takes the higher of `all` and the device's own value, and 2, which is loose, is the highest."""
    setting, everywhere = f"net.ipv4.conf.{TUNNELS[vip].device}.rp_filter", "net.ipv4.conf.all.rp_filter"
    own, of_all = on("rs2", f"sysctl -n {setting} {everywhere}").split()
    assert own == "2"
    on("rs2", f"sysctl -qw {setting}=1 {everywhere}=1")
    try:
        assert run("client", f"curl -s -m 4 -o /dev/null {url(vip)}").returncode == TIMED_OUT
        on("rs2", f"sysctl -qw {setting}=2")
        on("client", f"curl -sf -m 20 -o /dev/null {url(vip)}")
    finally:
        on("rs2", f"sysctl -qw {setting}={own} {everywhere}={of_all}")


@pytest.mark.parametrize("vip", TUNNELS)
def test_100_kb_each_way(vip):
    assert on("client", f"curl -sf -m 30 {url(vip, 8080)} | wc -c").strip() == "100000"
    assert sent_up(vip).stdout == "100000"
    # What the director told the client, whose packets may not be cut to pieces.
    assert f" mtu {TUNNELS[vip].mtu} " in on("client", f"ip route get {vip}").replace("\n", " ")


def test_a_client_that_hears_no_icmp_could_not_send_much():
    on("client", f"ip route flush cache; nft -f - <<'END'\n{DEAF}\nEND")
    try:
        assert sent_up(FAR, seconds=5).returncode == TIMED_OUT
        assert on("client", f"curl -sf -m 30 {url(FAR, 8080)} | wc -c").strip() == "100000"
    finally:
        on("client", "nft delete table inet deaf")
    assert sent_up(FAR).stdout == "100000"
