# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a static neighbour entry at the door: what is taken, and the exact words for what is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import parse_mac
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import Neighbor, WantedNeighbors
from hypothesis import given
from hypothesis import strategies as st

VIP, VIP6, MAC = "192.0.2.30", "2001:db8::30", "52:54:00:ab:cd:03"
ONE = "write one such as 192.0.2.30 or 2001:db8::30"
BARE = f"{ONE}, without a prefix length"
HOST = "name the unicast address of one host"
QUOTED = "is not a MAC; write one such as '52:54:00:00:00:03', in quotes."
LISTED = "list each as address: 192.0.2.30 and mac: '52:54:00:00:00:03'."
DEVICE = "is not a device name (1 to 15 bytes, no space, no /); see `ip link`."


@pytest.mark.parametrize(
    "text", [MAC, MAC.upper(), f" {MAC}\n", "52-54-00-AB-CD-03", "5254.00ab.cd03", "5254.00AB.CD03"]
)
def test_mac_is_made_canonical(text: str) -> None:
    assert parse_mac(text, "mac") == MAC


@given(octets=st.binary(min_size=6, max_size=6), form=st.sampled_from(["colon", "dash", "dotted"]), upper=st.booleans())
def test_every_form_of_a_mac_is_read_the_same(octets: bytes, form: str, upper: bool) -> None:
    text = {"colon": octets.hex(":"), "dash": octets.hex("-"), "dotted": octets.hex(".", 2)}[form]
    try:
        mac = parse_mac(text.upper() if upper else text, "mac")
    except InvalidValue:
        assert octets == bytes(6) or octets[0] & 1
    else:
        assert mac == octets.hex(":") == parse_mac(mac, "mac")


@given(text=st.text(alphabet="0123456789abcdefABCDEF:-. ", max_size=20))
def test_a_mac_is_canonical_or_refused(text: str) -> None:
    try:
        mac = parse_mac(text, "mac")
    except InvalidValue:
        return
    assert parse_mac(mac, "mac") == mac
    assert "".join(filter(str.isalnum, text)).lower() == mac.replace(":", "")


def test_options() -> None:
    neighbors = [{"address": VIP, "mac": "5254.00AB.CD03"}, {"address": "2001:DB8:0::30", "mac": MAC}]
    wanted = WantedNeighbors.from_options({"interface": "eth0", "neighbors": neighbors, "state": None})
    assert wanted == WantedNeighbors((Neighbor(VIP, MAC), Neighbor(VIP6, MAC)), "eth0")
    assert wanted.present


def test_absent_needs_no_mac() -> None:
    neighbors = [{"address": VIP, "mac": None}, {"address": VIP6, "mac": MAC.upper()}]
    wanted = WantedNeighbors.from_options({"interface": "eth0", "neighbors": neighbors, "state": "absent"})
    assert wanted == WantedNeighbors((Neighbor(VIP), Neighbor(VIP6, MAC)), "eth0", present=False)


def one(address: Any = VIP, mac: Any = MAC) -> dict[str, Any]:
    """Return the options of one neighbour."""
    return {"neighbors": [{"address": address, "mac": mac}]}


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (one(mac=None), ("mac", None)),
        (one(mac=""), ("mac", "")),
        (one(mac="52:54:00:00:00"), ("mac", "52:54:00:00:00")),
        (one(mac="52:54:00:00:00:03:04"), ("mac", "52:54:00:00:00:03:04")),
        (one(mac="52:54:00:00:00:0g"), ("mac", "52:54:00:00:00:0g")),
        (one(mac="52:54:0:0:0:3"), ("mac", "52:54:0:0:0:3")),
        (one(mac="52:54-00:00-00:03"), ("mac", "52:54-00:00-00:03")),
        (one(mac="5254:00ab:cd03"), ("mac", "5254:00ab:cd03")),
        (one(mac="525400abcd03"), ("mac", "525400abcd03")),
        # What YAML makes of 52:54:00:00:00:03 without quotes
        (one(mac=41135040003), ("mac", 41135040003)),
        (one(mac="rs1"), ("mac", "rs1")),
        (one(mac="00:00:00:00:00:00"), ("mac", "00:00:00:00:00:00")),
        (one(mac="FF-FF-FF-FF-FF-FF"), ("mac", "FF-FF-FF-FF-FF-FF")),
        (one(mac="0100.5e00.0012"), ("mac", "0100.5e00.0012")),
        (one(mac="33:33:00:00:00:01"), ("mac", "33:33:00:00:00:01")),
        (one("vip.example"), ("address", "vip.example")),
        (one("192.0.2.300"), ("address", "192.0.2.300")),
        (one("192.0.2.30/32"), ("address", "192.0.2.30/32")),
        (one(None), ("address", None)),
        (one("127.0.0.2"), ("address", "127.0.0.2")),
        (one("::1"), ("address", "::1")),
        (one("0.0.0.0"), ("address", "0.0.0.0")),
        (one("::"), ("address", "::")),
        (one("224.0.0.18"), ("address", "224.0.0.18")),
        (one("ff02::1"), ("address", "ff02::1")),
        (one("255.255.255.255"), ("address", "255.255.255.255")),
        (one("fe80::1"), ("address", "fe80::1")),
        (one("2001:db8::30%eth0"), ("address", "2001:db8::30%eth0")),
        (one("::ffff:192.0.2.30"), ("address", "::ffff:192.0.2.30")),
        (
            {"neighbors": [{"address": VIP6, "mac": MAC}, {"address": "2001:db8:0::30", "mac": MAC}]},
            ("address", "2001:db8:0::30"),
        ),
        ({"neighbors": []}, ("neighbors", [])),
        ({"neighbors": None}, ("neighbors", None)),
        ({"neighbors": VIP}, ("neighbors", "192.0.2.30")),
        ({"neighbors": [VIP]}, ("neighbors", "192.0.2.30")),
        ({"interface": "eth0:1"}, ("interface", "eth0:1")),
        ({"interface": None}, ("interface", "")),
        ({"interface": "averyveryverylong"}, ("interface", "averyveryverylong")),
        ({"interface": "../x"}, ("interface", "../x")),
        ({"state": "static"}, ("state", "static")),
    ],
)
def test_bad_values(options: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        WantedNeighbors.from_options({"interface": "eth0", **one(), **options})
    assert error_words(caught.value) == about
