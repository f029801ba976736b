# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_firewall where packets come through tunnels, or answers come back through the director.

This kernel need have neither IPVS nor tunnels: what a director sends is sent by hand, and a server's answers go to the client
by a host that never saw the requests. That is how connection tracking takes them on a director, too (ip_vs_notrack).
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._parts.handlers import restore
from netns_firewall import (
    CLIENT,
    OPEN,
    THROUGH,
    TYPICAL,
    VIP,
    VIP6,
    Module,
    count,
    counted,
    listed,
    load,
    reaches,
    send,
    send_error,
    serving,
)
from netns_hosts import Namespace

DIP, RIP, OTHER, RIP6 = "192.0.2.1", "192.0.2.2", "192.0.2.99", "2001:db8::2"


@pytest.mark.parametrize(
    ("protocol", "number", "port"),
    [("ipip", 4, 0), ("ipv6", 41, 0), ("gre", 47, 0), ("udp", 17, 6080), ("vrrp", 112, 0)],
)
def test_a_tunnel_is_open_to_its_director_alone(
    hosts: tuple[Namespace, Namespace], module: Module, protocol: str, number: int, port: int
) -> None:
    director, server = hosts
    director.ip(f"addr add {OTHER}/24 dev eth0")
    load(server, TYPICAL)
    count(server, f"meta l4proto {number}")
    former = listed(server)
    opening: dict[str, Any] = {"address": RIP, "protocol": protocol, "source": DIP, **({"port": port} if port else {})}

    def seen() -> int:
        before = counted(server)[0]
        for source in (DIP, OTHER):
            send(director, number, source, RIP, port)
        send(director, number, DIP, VIP, port)
        return counted(server)[0] - before

    assert seen() == 0
    done = module(server, name="realserver", open=[opening, *OPEN])
    words = f"udp {RIP}:6080 from {DIP}" if port else f"{protocol} {RIP} from {DIP}"
    assert f"open {words} in inet filter input" in done["operations"]
    assert seen() == 1
    assert reaches(director, VIP, 80), "what comes out of the tunnel is for the VIP"
    assert not module(server, name="realserver", open=[opening, *OPEN])["changed"]
    anybody = {name: value for name, value in opening.items() if name != "source"}
    module(server, name="realserver", open=[anybody, *OPEN])
    assert seen() == 2
    module(server, name="realserver", state="absent")
    assert (seen(), reaches(director, VIP, 80)) == (0, False)
    assert listed(server) == former


def test_a_group_is_open_to_the_other_directors_alone(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    """As for the connections that directors send each other (224.0.0.81, UDP 8848)."""
    other, director = hosts
    other.ip(f"addr add {OTHER}/24 dev eth0")
    load(director, TYPICAL)
    count(director, "ip daddr 224.0.0.81 udp dport 8848")
    former = listed(director)
    opening = {"address": "224.0.0.81", "protocol": "udp", "port": 8848, "source": DIP}

    def seen() -> int:
        before = counted(director)[0]
        for source in (DIP, OTHER):
            send(other, 17, source, "224.0.0.81", 8848)
        return counted(director)[0] - before

    other.ip("route add 224.0.0.0/4 dev eth0")
    director.run("ip", "addr", "add", "224.0.0.81/32", "dev", "eth0", "autojoin")
    assert seen() == 0
    assert module(director, name="director", open=[opening])["operations"][-1].startswith("open udp 224.0.0.81:8848")
    assert seen() == 1
    assert not module(director, name="director", open=[opening])["changed"]
    module(director, name="director", state="absent")
    assert seen() == 0
    assert listed(director) == former


def test_a_tunnel_of_ipv6(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    director, server = hosts
    load(server, TYPICAL)
    count(server, "meta l4proto { 4, 41 }")
    opening = {"address": RIP6, "protocol": "ipv6", "source": "2001:db8::1"}
    module(server, name="realserver", open=[opening])
    for number in (41, 4):
        send(director, number, "2001:db8::1", RIP6)
    assert counted(server) == [1]
    assert not module(server, name="realserver", open=[opening])["changed"]


def test_a_director_whose_output_is_closed_sends_tunnels(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    """And nothing else, and nothing comes in for it."""
    server, director = hosts
    load(director, TYPICAL.replace("chain forward", "chain output").replace("hook forward", "hook output"))
    former = listed(director)
    count(server, "ip protocol ipencap")
    opening = {"address": DIP, "protocol": "ipip", "direction": "out"}

    def sent(protocol: int = 4, target: str = DIP) -> bool:
        before = counted(server)
        # The socket itself is told that its packet may not leave.
        with suppress(PermissionError):
            send(director, protocol, RIP, target)
        return counted(server) != before

    server.ip(f"addr add {OTHER}/24 dev eth0")
    assert not sent()
    assert module(director, name="director", open=[opening])["operations"] == [f"open ipip {DIP} in inet filter output"]
    assert (sent(), sent(target=OTHER)) == (True, False)
    assert not module(director, name="director", open=[opening])["changed"]
    module(director, name="director", state="absent")
    assert not sent()
    assert listed(director) == former


def test_answers_that_come_back_through_the_director(
    routed: tuple[Namespace, Namespace, Namespace], module: Module
) -> None:
    client, director, server = routed
    both = ("192.0.2.3", "2001:db8::3")
    assert all(reaches(client, rip, port) for rip in both for port in (80, 81))
    load(director, TYPICAL)
    former = listed(director)
    assert not any(reaches(client, rip, 80) for rip in both)
    done = module(director, name="director", open=THROUGH, untracked=True)
    assert done["operations"] == [
        "open replies of tcp 192.0.2.3:80 in inet filter forward",
        "open replies of tcp [2001:db8::3]:80 in inet filter forward",
    ]
    assert not module(director, name="director", open=THROUGH, untracked=True)["changed"]
    assert all(reaches(client, rip, 80) for rip in both)
    assert not any(reaches(client, rip, 81) for rip in both)
    # What the server asks for itself is no answer.
    with serving(client):
        assert not reaches(server, CLIENT, 80)
        assert reaches(server, "192.0.2.1", 80)
    # The director itself is as closed as before, and finds the server.
    assert reaches(director, "192.0.2.3", 80)
    module(director, name="director", state="absent")
    assert not any(reaches(client, rip, 80) for rip in both)
    assert listed(director) == former


def test_without_the_opening_of_replies_a_chain_that_knows_them_is_left_alone(
    routed: tuple[Namespace, Namespace, Namespace], module: Module
) -> None:
    """With net.ipv4.vs.conntrack answers are established, so that a typical filter lets them pass."""
    director = routed[1]
    load(director, TYPICAL)
    assert not module(director, name="director", open=THROUGH)["changed"]


def test_errors_about_answers_reach_the_vip(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    """A client behind a narrow link would wait for ever: a director's connection tracking takes them to be about nothing."""
    client, host = hosts
    load(host, TYPICAL)
    count(host, "ip protocol icmp icmp type { destination-unreachable, redirect }")
    for payload in ("0304" + "0" * 8 + "0578", "0501" + "0" * 4 + "c0000263"):
        send_error(client, DIP, VIP, payload)
    assert counted(host) == [0]
    done = module(host, name="director", open=OPEN, untracked=True)["operations"]
    assert f"open icmp destination-unreachable to {VIP} in inet filter input" in done
    assert f"open icmpv6 packet-too-big to {VIP6} in inet filter input" in done
    assert not module(host, name="director", open=OPEN, untracked=True)["changed"]
    for payload in ("0304" + "0" * 8 + "0578", "0501" + "0" * 4 + "c0000263"):
        send_error(client, DIP, VIP, payload)
    send_error(client, DIP, RIP, "0304" + "0" * 8 + "0578")
    assert counted(host) == [1]


def test_neighbours_find_vips_of_ipv6_where_they_find_the_host(
    hosts: tuple[Namespace, Namespace], module: Module
) -> None:
    """Neighbour discovery is the host's own: where its filter lets it pass, it passes for the VIP too."""
    client, host = hosts
    load(host, TYPICAL)
    module(host, name="director", open=OPEN, untracked=True)
    assert reaches(client, VIP6, 80)
    assert not reaches(client, VIP6, 81)


def test_what_was_opened_stays_until_it_is_purged(hosts: tuple[Namespace, Namespace], module: Module) -> None:
    client, host = hosts
    load(host, TYPICAL)
    module(host, name="realserver", open=OPEN, purge=False)
    fewer = module(host, name="realserver", open=OPEN[1:], purge=False)
    assert (fewer["changed"], fewer["former"]) == (False, [f"tcp {VIP}:80"])
    assert reaches(client, VIP, 80)
    # What keeps the rules there does not close it either.
    with host.entered():
        assert (
            next(restore("firewall", {"firewall": [{"name": "realserver", "open": OPEN[1:], "purge": False}]})).words
            == []
        )
    assert reaches(client, VIP, 80)
    done = module(host, name="realserver", open=OPEN[1:])
    assert (done["operations"], done["former"]) == ([f"close tcp {VIP}:80 in inet filter input"], [])
    assert (reaches(client, VIP, 80), reaches(client, VIP6, 80)) == (False, True)
