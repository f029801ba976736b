# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and ranges of ports in the options of vip_firewall."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import Opening, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.packets import reply, request
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.rules import accept_rule, packet_of
from hypothesis import given
from hypothesis import strategies as st

VIP, VIP6 = "192.0.2.30", "2001:db8::30"


def parsed(**item: Any) -> Opening:
    return WantedFirewall.from_options({"name": "d", "open": [{"address": VIP, **item}]}).openings[0]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"port": 80}, "tcp 192.0.2.30:80"),
        ({"port": "80"}, "tcp 192.0.2.30:80"),
        ({"port": "40000-40100"}, "tcp 192.0.2.30:40000-40100"),
        ({"port": "80-80"}, "tcp 192.0.2.30:80"),
        ({"port": "1-65535"}, "tcp 192.0.2.30:*"),
        ({}, "tcp 192.0.2.30:*"),
        ({"port": 80, "source": "198.51.100.0/24"}, "tcp 192.0.2.30:80 from 198.51.100.0/24"),
        ({"port": 80, "source": "198.51.100.7/32"}, "tcp 192.0.2.30:80 from 198.51.100.7"),
        ({"port": 80, "source": "0.0.0.0/0"}, "tcp 192.0.2.30:80"),
        ({"address": VIP6, "port": 80, "source": "2001:DB8:1::/64"}, "tcp [2001:db8::30]:80 from 2001:db8:1::/64"),
        ({"address": VIP6, "port": 80, "source": "::/0"}, "tcp [2001:db8::30]:80"),
        ({"protocol": "vrrp", "source": "192.0.2.3"}, "vrrp 192.0.2.30 from 192.0.2.3"),
        ({"address": "224.0.0.18", "protocol": "vrrp"}, "vrrp 224.0.0.18"),
        ({"address": "FF02::12", "protocol": "vrrp"}, "vrrp ff02::12"),
    ],
)
def test_openings(item: dict[str, Any], words: str) -> None:
    assert parsed(**item).words == words


@pytest.mark.parametrize(
    ("item", "about"),
    [
        ({"port": "80-"}, ("port", "80-")),
        ({"port": "90-80"}, ("port", "90-80")),
        ({"port": "80-90", "protocol": "gre"}, ("port", "80-90")),
        ({"port": 80, "protocol": "vrrp"}, ("port", 80)),
        ({"address": "224.0.0.81", "port": 80, "direction": "out"}, ("address", "224.0.0.81")),
        ({"address": "0.0.0.0"}, ("address", "0.0.0.0")),
        ({"source": "224.0.0.18"}, ("source", "224.0.0.18")),
        ({"source": "198.51.100.7/24"}, ("source", "198.51.100.7/24")),
        ({"source": "198.51.100.0/33"}, ("source", "198.51.100.0/33")),
        ({"source": "2001:db8::/64"}, ("source", "2001:db8::/64")),
        ({"source": "['198.51.100.0/24']"}, ("source", "['198.51.100.0/24']")),
    ],
)
def test_refused(item: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        parsed(**item)
    assert error_words(caught.value) == about


def test_marks_have_one_rule_for_each_range() -> None:
    marks = [
        {"address": VIP, "ports": [443, "40000-40100", "80", "50000-50100"], "mark": 1},
        {"address": VIP, "ports": ["40101-40200"], "mark": 2},
    ]
    wanted = WantedFirewall.from_options({"name": "d", "marks": marks})
    assert [mark.words for mark in wanted.marks] == [
        "tcp 192.0.2.30:40000-40100 with 1",
        "tcp 192.0.2.30:40101-40200 with 2",
        "tcp 192.0.2.30:50000-50100 with 1",
        "tcp 192.0.2.30:80,443 with 1",
    ]
    for ports in (["40100-40101"], [443], []):
        with pytest.raises(InvalidValue):
            WantedFirewall.from_options({"name": "d", "marks": [*marks, {"address": VIP, "ports": ports, "mark": 3}]})


_opening = st.builds(
    lambda address, protocol, ports, source, direction: Opening(address, protocol, *ports[:1], source, direction, *ports[1:]),
    st.just(VIP), st.sampled_from(["tcp", "udp", "sctp"]), st.sampled_from([(0, 0), (80, 0), (80, 90)]),
    st.sampled_from(["", "198.51.100.7", "198.51.100.0/24"]), st.sampled_from(["in", "out", "through"]),
)  # fmt: skip


@given(_opening)
def test_a_rule_says_what_it_is_for(opening: Opening) -> None:
    for packet in (request(opening), reply(opening)):
        read = packet_of(accept_rule(packet, ""))
        assert read
        if opening.port or not opening.source:
            assert read[:6] == packet[:6]
