# SPDX-License-Identifier: GPL-3.0-or-later
"""What one description can say, seen from the client and by ipvsadm: the same before and after hands and a reboot."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from full_hosts import INVENTORY, SHELL, on, served
from lab_access import lab_hosts

WEB, WEB6, SHOP = "192.168.91.30", "2001:db8:91::30", "192.168.91.31"
WEIGHTS = {"rs1": 1, "rs2": 2, "rs3": 3}
RIPS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5", "rs3": "192.168.91.7"}
RIPS6 = {"rs1": "[2001:db8:91::4]", "rs2": "[2001:db8:91::5]", "rs3": "[2001:db8:91::7]"}
# It prints who answers datagrams at a port, which is its argument.
ECHO = """
import socket, sys
names = []
for _ in range(6):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(10)
        one.sendto(b"who?", ("192.168.91.31", int(sys.argv[1])))
        names.append(one.recv(100).decode())
print(*names)
"""


def test_five_machines():
    assert set(lab_hosts(INVENTORY)) == {"director", "client", *WEIGHTS}


@pytest.mark.parametrize("address", [WEB, f"[{WEB6}]"])
@pytest.mark.parametrize("port", [80, 8080])
def test_each_port_of_each_family_is_served_by_weight(address, port):
    assert served(f"http://{address}:{port}/", 12) == {name: 2 * weight for name, weight in WEIGHTS.items()}


def test_a_client_has_one_server_for_all_ports_of_a_mark():
    visits = served(f"http://{SHOP}/", 3) + served(f"http://{SHOP}:8080/", 3)
    assert list(visits.values()) == [6]


def test_a_client_has_one_server_for_both_protocols_of_a_mark():
    """Datagrams to a port of the range, at which no server listens by TCP."""
    (name,) = served(f"http://{SHOP}/", 1)
    assert on("client", "python3 - 8085", ECHO).split() == [name] * 6


def test_udp_goes_to_its_own_pool_packet_by_packet():
    assert Counter(on("client", "python3 - 5300", ECHO).split()) == {"rs1": 3, "rs3": 3}


def test_the_table():
    expected = []
    for vip, rips in ((WEB, RIPS), (f"[{WEB6}]", RIPS6)):
        for port in (80, 8080):
            expected.append(f"-A -t {vip}:{port} -s wrr")
            expected += [f"-a -t {vip}:{port} -r {rip}:{port} -g -w {WEIGHTS[name]}" for name, rip in rips.items()]
    expected.append("-A -f 7 -s wlc -p 300 -M 255.255.255.0")
    expected += [f"-a -f 7 -r {rip}:0 -g -w {WEIGHTS[name]}" for name, rip in RIPS.items()]
    expected.append(f"-A -u {SHOP}:5300 -s rr -o")
    expected += [f"-a -u {SHOP}:5300 -r {RIPS[name]}:5300 -g -w 1" for name in ("rs1", "rs3")]
    assert sorted(on("director", "ipvsadm -Sn").splitlines()) == sorted(expected)


def test_thresholds_and_timeouts():
    """Neither of them would survive `ipvsadm-save`."""
    lines = on("director", f"ipvsadm -Ln --thresholds -t {WEB}:80").splitlines()
    assert [re.split(r"\s+", line.strip())[2:4] for line in lines if line.startswith("  ->")][1:] == [
        ["1000", "800"]
    ] * 3
    assert on("director", "ipvsadm -Ln --timeout").split(":")[1].split() == ["1800", "120", "60"]


@pytest.mark.parametrize("vip", [WEB, SHOP])
def test_the_director_alone_answers(vip):
    assert SHELL.who_answers("client", vip) == {SHELL.mac("director")}


def test_the_director_alone_answers_for_the_ipv6_vip():
    on("client", f"ip -6 neigh flush dev lan0; ping -c 1 -W 10 {WEB6}")
    assert SHELL.mac("director") in on("client", f"ip -6 neigh show {WEB6} dev lan0")


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_server_accepts_what_its_pools_serve(name):
    shown = on(name, "ip -oneline address show dev lo")
    assert {vip for vip in (WEB, WEB6, SHOP) if f" {vip}/" in shown} == {WEB, WEB6, SHOP}
