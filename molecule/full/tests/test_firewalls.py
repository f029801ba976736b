# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewalls that stay on: open for the VIPs' ports and nothing else, and again after whatever loads them anew."""

from __future__ import annotations

import pytest
from full_hosts import FIREWALLS, RIPS, on, reaches, routed_by, served, wait_until

WEB, SHOP = "192.168.91.30", "192.168.91.31"
FIREWALLD = "org.fedoraproject.FirewallD1"
RELOAD = {
    "nftables": "systemctl reload nftables.service",
    # What `firewall-cmd --reload` calls and waits 25 seconds for: few where the processor is emulated and shared.
    "firewalld": f"busctl --timeout=180 call {FIREWALLD} /{FIREWALLD.replace('.', '/')} {FIREWALLD} reload",
}
OPENED = {
    "nftables": "nft list chain inet filter input | grep -c 'comment \"lvs.cluster ' || true",
    "firewalld": "firewall-cmd --policy=lvs-realserver --list-rich-rules | grep -c accept || true",
}


def openings(name: str) -> int:
    return int(on(name, OPENED[FIREWALLS[name]]))


@pytest.mark.parametrize("name", FIREWALLS)
def test_the_firewall_is_on(name):
    assert on(name, f"systemctl is-active {FIREWALLS[name]}.service") == "active\n"
    assert on(name, f"systemctl is-enabled {FIREWALLS[name]}.service") == "enabled\n"


@pytest.mark.parametrize("name", ["rs1", "rs2"])
def test_a_server_is_open_for_the_ports_of_the_vips_alone(name):
    """The server itself listens on 80 and 8080 at all of its addresses."""
    assert (reaches(RIPS[name], 22), reaches(RIPS[name], 80)) == (True, False)
    with routed_by(name, WEB):
        assert (reaches(WEB, 80), reaches(WEB, 8080)) == (True, True)
    # TCP 80 and 8080 of two VIPs, a port and a range of the third by TCP and UDP, and UDP 5300 in that pool.
    assert openings(name) == 4 + 4 + (name == "rs1")


def test_the_director_is_open_for_the_ports_of_the_vips_alone():
    on("director", "systemd-run --quiet --unit=other --property=RuntimeMaxSec=60 nc -lk 81")
    assert (reaches("192.168.91.3", 22), reaches("192.168.91.3", 81), reaches(WEB, 81)) == (True, False, False)
    on("director", "systemctl stop other.service")
    # And ICMP errors to three VIPs, which its connection tracking takes to be invalid.
    assert openings("director") == 9 + 3


@pytest.mark.parametrize("name", FIREWALLS)
def test_openings_outlast_a_reload(name):
    before = openings(name)
    assert before
    on(name, RELOAD[FIREWALLS[name]])
    wait_until(lambda: openings(name) == before)
    assert sum(served(f"http://{WEB}/", 6).values()) == sum(served(f"http://{SHOP}/", 2).values()) + 4 == 6


@pytest.mark.parametrize("rule", ["ip saddr 192.168.91.99 tcp dport 8080 accept", "tcp dport 8080 drop"])
def test_rules_of_the_administrator_stand(rule):
    """The director drops by default; who may come to a port that a rule names is for that rule."""
    before = openings("director")
    assert reaches(WEB, 8080)
    on("director", f"nft insert rule inet filter input ip daddr {WEB} {rule} comment administrator")
    wait_until(lambda: openings("director") == before - 1)
    assert (reaches(WEB, 8080), reaches(WEB, 80), reaches(SHOP, 80)) == (False, True, True)
    listed = "nft -a list chain inet filter input | sed -n 's/.*administrator.*handle //p'"
    on("director", f"nft delete rule inet filter input handle $({listed})")
    wait_until(lambda: openings("director") == before)
    assert reaches(WEB, 8080)


def test_connections_come_to_their_end_at_the_director():
    """Each FIN comes through: none is left established, though its filter drops what is invalid."""

    def states() -> list[str]:
        return [line.split()[2] for line in on("director", "ipvsadm -Lnc").splitlines() if f"{WEB}:8080" in line]

    served(f"http://{WEB}:8080/", 6)
    wait_until(lambda: "ESTABLISHED" not in states())  # a client does not wait until the director has its last packet
    assert states().count("FIN_WAIT") >= 6
