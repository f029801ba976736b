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
    ("options", "message"),
    [
        (one(mac=None), f"mac is missing for {VIP}; name the MAC of the director, or write state: absent."),
        (one(mac=""), f"mac: '' {QUOTED}"),
        (one(mac="52:54:00:00:00"), f"mac: '52:54:00:00:00' {QUOTED}"),
        (one(mac="52:54:00:00:00:03:04"), f"mac: '52:54:00:00:00:03:04' {QUOTED}"),
        (one(mac="52:54:00:00:00:0g"), f"mac: '52:54:00:00:00:0g' {QUOTED}"),
        (one(mac="52:54:0:0:0:3"), f"mac: '52:54:0:0:0:3' {QUOTED}"),
        (one(mac="52:54-00:00-00:03"), f"mac: '52:54-00:00-00:03' {QUOTED}"),
        (one(mac="5254:00ab:cd03"), f"mac: '5254:00ab:cd03' {QUOTED}"),
        (one(mac="525400abcd03"), f"mac: '525400abcd03' {QUOTED}"),
        # What YAML makes of 52:54:00:00:00:03 without quotes
        (one(mac=41135040003), f"mac: 41135040003 {QUOTED}"),
        (one(mac="rs1"), f"mac: 'rs1' {QUOTED}"),
        (one(mac="00:00:00:00:00:00"), "mac: '00:00:00:00:00:00' is the zero MAC; name the MAC of one device."),
        (one(mac="FF-FF-FF-FF-FF-FF"), "mac: 'FF-FF-FF-FF-FF-FF' is the broadcast MAC; name the MAC of one device."),
        (one(mac="0100.5e00.0012"), "mac: '0100.5e00.0012' is a multicast MAC; name the MAC of one device."),
        (one(mac="33:33:00:00:00:01"), "mac: '33:33:00:00:00:01' is a multicast MAC; name the MAC of one device."),
        (one("vip.example"), f"address: 'vip.example' is not an IP address; {BARE}."),
        (one("192.0.2.300"), f"address: '192.0.2.300' is not an IP address; {BARE}."),
        (one("192.0.2.30/32"), f"address: '192.0.2.30/32' is not an IP address; {BARE}."),
        (one(None), f"address is not an IP address; {BARE}."),
        (one("127.0.0.2"), f"address: '127.0.0.2' is a loopback address, which every host has for itself; {ONE}."),
        (one("::1"), f"address: '::1' is a loopback address, which every host has for itself; {ONE}."),
        (one("0.0.0.0"), f"address: '0.0.0.0' is the unspecified address; {HOST}."),
        (one("::"), f"address: '::' is the unspecified address; {HOST}."),
        (one("224.0.0.18"), f"address: '224.0.0.18' is a multicast address; {HOST}."),
        (one("ff02::1"), f"address: 'ff02::1' is a multicast address; {HOST}."),
        (one("255.255.255.255"), f"address: '255.255.255.255' is the broadcast address; {HOST}."),
        (one("fe80::1"), f"address: 'fe80::1' is link-local, which IPVS can't serve; {ONE}."),
        (one("2001:db8::30%eth0"), "address: '2001:db8::30%eth0' carries a zone; write the address without %eth0."),
        (one("::ffff:192.0.2.30"), f"address: '::ffff:192.0.2.30' is an IPv4 address in IPv6 clothes; {ONE}."),
        (
            {"neighbors": [{"address": VIP6, "mac": MAC}, {"address": "2001:db8:0::30", "mac": MAC}]},
            "address: '2001:db8:0::30' is listed twice; list it once.",
        ),
        ({"neighbors": []}, f"neighbors: [] is not a list with at least one entry; {LISTED}"),
        ({"neighbors": None}, f"neighbors is not a list with at least one entry; {LISTED}"),
        ({"neighbors": VIP}, f"neighbors: '192.0.2.30' is not a list with at least one entry; {LISTED}"),
        ({"neighbors": [VIP]}, f"neighbors: '192.0.2.30' is not a dictionary; {LISTED}"),
        ({"interface": "eth0:1"}, "interface: 'eth0:1' is a label, not a device; write interface: eth0."),
        ({"interface": None}, f"interface: '' {DEVICE}"),
        ({"interface": "averyveryverylong"}, f"interface: 'averyveryverylong' {DEVICE}"),
        ({"interface": "../x"}, f"interface: '../x' {DEVICE}"),
        ({"state": "static"}, "state: 'static' is not a choice; choose from present, absent."),
    ],
)
def test_bad_values(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        WantedNeighbors.from_options({"interface": "eth0", **one(), **options})
    assert str(caught.value) == message
