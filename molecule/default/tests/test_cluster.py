# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's behaviour, seen from the wire and by tools that are not ours: arping, curl, ipvsadm, sysctl."""

from __future__ import annotations

import pytest
from lab_shell import LabShell

LAB = LabShell("lab")
VIP = "192.168.91.30"
SERVERS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5"}
REQUESTS = 12
# From one port. It is the server that ends each connection, so that the port is free as soon as that was acknowledged.
SAME_PORT = rf"""
import errno, socket, time
def connected():
    for _ in range(100):
        try:
            return socket.create_connection(("{VIP}", 80), timeout=20, source_address=("", 19999))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            time.sleep(0.2)
for _ in range(4):
    with connected() as one:
        one.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
        head = b"".join(iter(lambda: one.recv(4096), b"")).decode()
    print(*(line.split()[1] for line in head.splitlines() if line.lower().startswith("x-served-by:")))
"""


def answers() -> dict[str, int]:
    """Return how many of the client's requests each server answered."""
    return LAB.visits(f"http://{VIP}/", REQUESTS)


def owners() -> set[str]:
    """Return the MACs that answer the client's ARP requests for the VIP."""
    return LAB.who_answers("client", VIP)


def test_the_director_alone_answers_for_the_vip():
    assert owners() == {LAB.mac("director")}


def test_both_servers_serve_evenly():
    assert answers() == {"rs1": REQUESTS // 2, "rs2": REQUESTS // 2}


def test_answers_do_not_pass_the_director():
    """Direct routing: the director sees the clients' packets and none of the servers'."""
    answers()
    ((service, numbers),) = LAB.counted("director").items()
    assert service == f"{VIP}:80"
    connections, packets_in, packets_out = numbers
    assert connections >= REQUESTS
    assert packets_in > connections
    assert packets_out == 0


def test_table(lab):
    assert lab["director"].check_output("ipvsadm -Sn").splitlines() == [
        f"-A -t {VIP}:80 -s rr",
        *(f"-a -t {VIP}:80 -r {address}:80 -g -w 1" for address in SERVERS.values()),
    ]


def test_a_port_that_is_used_again_is_scheduled_anew():
    """With what the kernel begins with it would come to its former server, which may be drained by now."""
    seen = LAB.on("client", "python3 -", SAME_PORT).split()
    assert seen in (["rs1", "rs2"] * 2, ["rs2", "rs1"] * 2)
    mode = "net.ipv4.vs.conn_reuse_mode"
    LAB.on("director", f"sysctl -qw {mode}=1")
    try:
        assert len(set(LAB.on("client", "python3 -", SAME_PORT).split())) == 1
    finally:
        LAB.on("director", f"sysctl -qw {mode}=2")


@pytest.mark.parametrize("name", SERVERS)
def test_sysctls_of_a_server(lab, name):
    """What counts is the higher of `all` and the interface's own value."""
    for key, value in (("arp_ignore", 1), ("arp_announce", 2)):
        path = "net.ipv4.conf.{}." + key
        assert max(lab[name].sysctl(path.format(scope)) for scope in ("all", "lan0")) == value


@pytest.mark.parametrize("name", SERVERS)
def test_vip_of_a_server(lab, name):
    assert f" {VIP}/32 " in lab[name].check_output("ip -oneline -4 address show dev lo")
    assert VIP not in lab[name].check_output("ip -oneline -4 address show dev lan0")


def test_director_does_not_route(lab):
    director = lab["director"]
    assert director.sysctl("net.ipv4.ip_forward") == 0
    for scope in ("all", "default", "lan0"):
        assert director.sysctl(f"net.ipv4.conf.{scope}.send_redirects") == 0


def test_without_the_arp_sysctls_the_conflict_is_seen(lab):
    """The proof can fail: a server whose ARP sysctls are undone answers for the VIP too."""
    server = lab["rs1"]
    try:
        for scope in ("all", "lan0", "lo"):
            server.check_output(f"sysctl -w net.ipv4.conf.{scope}.arp_ignore=0 net.ipv4.conf.{scope}.arp_announce=0")
        assert owners() == {LAB.mac("director"), LAB.mac("rs1")}
    finally:
        server.check_output("systemctl restart systemd-sysctl.service")
    assert owners() == {LAB.mac("director")}
