# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_owner_info without a network: which segment, from which address, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp.model import OwnerAnswer
from ansible_collections.lvs.cluster.plugins.module_utils._arp.owners import OwnerInquiry, choose_interface, summarise
from ansible_collections.lvs.cluster.plugins.module_utils._arp.senders import choose_senders
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink import routes
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Own

VIP, VIP2 = "192.0.2.30", "198.51.100.30"
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\tFE0200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
eth1\t000200C0\t00000000\t0001\t0\t0\t50\t00FFFFFF\t0\t0\t0
eth2\t006433C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t007100CB\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ROUTES6 = """\
20010db8000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 20010db80000000000000000000000fe 00000400 00000001 00000000 00000003     eth0
20010db8000000000000000000000030 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000001 00000000 80200001       lo
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
"""


@pytest.mark.parametrize(
    ("address", "interface", "gateway"),
    [
        ("192.0.2.30", "eth1", ""),
        ("198.51.100.30", "eth2", ""),
        ("203.0.113.1", "eth0", "192.0.2.254"),
        ("2001:db8::30", "eth0", ""),
        ("2001:db8:1::1", "eth0", "2001:db8::fe"),
    ],
)
def test_routes(address: str, interface: str, gateway: str) -> None:
    found = routes.parse_ipv4_routes(ROUTES.splitlines()) + routes.parse_ipv6_routes(ROUTES6.splitlines())
    route = routes.best_route(address, found)
    assert route
    assert (route.interface, route.gateway) == (interface, gateway)


def test_addresses_on_two_segments_are_refused(error_words: Any) -> None:
    found = routes.parse_ipv4_routes(ROUTES.splitlines())
    with pytest.raises(InvalidValue) as caught:
        choose_interface({one: routes.best_route(one, found) for one in (VIP, VIP2)})
    assert error_words(caught.value) == ("addresses", ["192.0.2.30", "198.51.100.30"])


@pytest.mark.parametrize(
    ("own", "sender"),
    [
        ([Own("eth0", "192.0.2.6", 24, 0)], "192.0.2.6"),
        ([Own("eth0", "10.0.0.1", 8, 0), Own("eth0", "192.0.2.6", 24, 0)], "192.0.2.6"),
        ([Own("eth0", "10.0.0.1", 8, 0)], "10.0.0.1"),
        ([Own("eth1", "192.0.2.6", 24, 0)], "0.0.0.0"),
        ([Own("eth0", "192.0.2.6", 24, 253)], "0.0.0.0"),
        ([Own("eth0", "2001:db8::6", 64, 0)], "0.0.0.0"),
        ([Own("eth0", VIP, 24, 0)], "0.0.0.0"),
        ([Own("eth0", "192.0.2.6", 24, 0), Own("lo", VIP, 32, 254)], "0.0.0.0"),
        ([], "0.0.0.0"),
    ],
)
def test_sender(own: list[Own], sender: str) -> None:
    assert choose_senders([VIP], "eth0", own) == {VIP: sender}


def test_summary() -> None:
    one, two = OwnerAnswer("52:54:00:00:00:03", 0.4), OwnerAnswer("52:54:00:00:00:04", 1.2)
    assert summarise({VIP: [one, two], "2001:db8::30": [one], VIP2: []}, {VIP2: "eth0"}) == [
        "192.0.2.30     CONFLICT, 2 hosts answer: 52:54:00:00:00:03 (0.4 ms), 52:54:00:00:00:04 (1.2 ms)",
        "2001:db8::30   52:54:00:00:00:03 (0.4 ms)",
        "198.51.100.30  nobody answers; this host has it too, on eth0, and does not hear itself",
    ]


NAN = float("nan")  # equals only itself, and in a tuple at that


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ({"addresses": ["192.0.2.30/24"]}, ("addresses", "192.0.2.30/24")),
        ({"timeout": 0}, ("timeout", 0)),
        ({"timeout": 61}, ("timeout", 61)),
        ({"timeout": NAN}, ("timeout", NAN)),
        ({"attempts": 0}, ("attempts", 0)),
        ({"interface": "lo:0"}, ("interface", "lo:0")),
    ],
)
def test_bad_values(options: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        OwnerInquiry.from_options({"addresses": [VIP], **options})
    assert error_words(caught.value) == about
