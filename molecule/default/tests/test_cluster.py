# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's behaviour, seen from the wire and by tools that are not ours: arping, curl, ipvsadm, sysctl."""

from __future__ import annotations

import re
from collections import Counter

import pytest

VIP = "192.168.91.30"
SERVERS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5"}
REQUESTS = 12


def mac(host) -> str:
    """Return the MAC of a host's interface on the segment."""
    return host.check_output("cat /sys/class/net/lan0/address").strip()


def owners(client) -> set[str]:
    """Return the MACs that answer an ARP request for the VIP; arping asks twice and takes every answer."""
    result = client.run(f"arping -b -c 2 -w 5 -I lan0 {VIP}")
    return {found.lower() for found in re.findall(r"\[([0-9A-Fa-f:]{17})\]", result.stdout)}


def answers(client, requests: int = REQUESTS) -> Counter:
    """Return how many of the requests each server answered; a request that fails fails the test."""
    url = f"http://{VIP}/"
    output = client.check_output(
        f"for i in $(seq {requests}); do curl --silent --fail --max-time 10 --output /dev/null "
        f"--write-out '%header{{x-served-by}}\\n' {url} || exit 1; done"
    )
    return Counter(output.split())


def test_the_director_alone_answers_for_the_vip(lab):
    assert owners(lab["client"]) == {mac(lab["director"])}


def test_both_servers_serve_evenly(lab):
    assert answers(lab["client"]) == {"rs1": REQUESTS // 2, "rs2": REQUESTS // 2}


def test_answers_do_not_pass_the_director(lab):
    """Direct routing: the director sees the clients' packets and none of the servers'."""
    answers(lab["client"])
    lines = lab["director"].check_output("ipvsadm -Ln --stats --exact").splitlines()
    # Prot LocalAddress:Port  Conns  InPkts  OutPkts  InBytes  OutBytes
    (service,) = [line.split() for line in lines if line.startswith("TCP")]
    assert service[1] == f"{VIP}:80"
    assert int(service[2]) >= REQUESTS
    assert int(service[3]) > int(service[2])
    assert service[4] == "0"


def test_table(lab):
    assert lab["director"].check_output("ipvsadm -Sn").splitlines() == [
        f"-A -t {VIP}:80 -s rr",
        *(f"-a -t {VIP}:80 -r {address}:80 -g -w 1" for address in SERVERS.values()),
    ]


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
    server, client = lab["rs1"], lab["client"]
    try:
        for scope in ("all", "lan0", "lo"):
            server.check_output(f"sysctl -w net.ipv4.conf.{scope}.arp_ignore=0 net.ipv4.conf.{scope}.arp_announce=0")
        assert owners(client) == {mac(lab["director"]), mac(server)}
    finally:
        server.check_output("systemctl restart systemd-sysctl.service")
    assert owners(client) == {mac(lab["director"])}
