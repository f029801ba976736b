# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on another port in a network of its own, reached by masquerade: the same after the director's reboot."""

from __future__ import annotations

from lab_access import lab_hosts
from lab_shell import LabShell
from wire import watched

LAB = LabShell("molecule/masquerade/inventory")
run, on, mac = LAB.run, LAB.on, LAB.mac
VIP, RIP, CLIENT = "192.168.91.30", "10.9.0.4", "192.168.91.6"
URL = f"http://{VIP}/"


def counters() -> list[int]:
    """Return how many packets came in and went out of the service."""
    ((service, numbers),) = LAB.counted("director").items()
    assert service == f"{VIP}:80"
    return numbers[1:]


def test_three_machines():
    assert set(lab_hosts(LAB.inventory)) == {"director", "client", "rs1"}


def test_the_port_is_mapped():
    assert on("director", "ipvsadm -Sn").splitlines() == [
        f"-A -t {VIP}:80 -s rr",
        f"-a -t {VIP}:80 -r {RIP}:8080 -m -w 1",
    ]
    assert run("rs1", "nc -z 127.0.0.1 80").returncode == 1


def test_answers_come_back_through_the_director():
    before = counters()
    with watched(LAB.inventory, "client") as client, watched(LAB.inventory, "rs1") as server:
        assert on("client", f"curl -sf -m 30 {URL} | wc -c").strip() == "100000"
    after = counters()
    assert {one.sender for one in client.tcp_from(VIP)} == {mac("director")}
    assert {(one.destination, one.receiver) for one in server.tcp_from(RIP)} == {(CLIENT, mac("director", "lan1"))}
    # 100 kB are 69 segments, of which the driver may have put several into one.
    assert all(now > then for now, then in zip(after, before))
    assert client.tcp_from(RIP) == []


def test_100_kb_up():
    file = "/tmp/100kB"
    assert on("client", f"truncate -s 100000 {file} && curl -sf -m 30 -T {file} {URL}") == "100000"


def test_the_server_is_an_ordinary_host():
    assert VIP not in on("rs1", "ip -oneline address show")
    assert on("rs1", "ls /etc/systemd/system /etc/sysctl.d").find("lvs-cluster") == -1
    # Their own address is all that packets need.
    assert on("rs1", "sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce").split() == ["0", "0"]


def test_the_director_routes_and_sends_no_redirects():
    for interface in ("lan0", "lan1"):
        assert on("director", f"sysctl -n net.ipv4.conf.{interface}.forwarding") == "1\n"
        assert on("director", f"sysctl -n net.ipv4.conf.{interface}.send_redirects") == "0\n"
    assert on("director", "sysctl -n net.ipv4.conf.all.send_redirects") == "0\n"


def test_without_routing_answers_end_at_the_director():
    on("director", "sysctl -qw net.ipv4.ip_forward=0")
    try:
        with watched(LAB.inventory, "director", "lan1") as director:
            assert run("client", f"curl -s -m 4 -o /dev/null {URL}").returncode == 28
    finally:
        on("director", "sysctl -qw net.ipv4.ip_forward=1")
    assert {one.destination for one in director.tcp_from(RIP)} == {CLIENT}
    assert on("client", f"curl -sf -m 30 {URL} | wc -c").strip() == "100000"
