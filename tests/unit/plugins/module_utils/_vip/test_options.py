# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a VIP at the door: what is taken, and the exact words for what is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._core.vips import Vip, parse_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec, parse_devices
from hypothesis import given
from hypothesis import strategies as st

VIP = "192.0.2.30"
ONE = "write one such as 192.0.2.30 or 2001:db8::30"


@pytest.mark.parametrize(
    ("text", "vip"),
    [
        ("192.0.2.30", Vip("192.0.2.30", 32, False)),
        (" 192.0.2.30 ", Vip("192.0.2.30", 32, False)),
        ("192.0.2.30/32", Vip("192.0.2.30", 32, True)),
        ("192.0.2.30/24", Vip("192.0.2.30", 24, True)),
        ("192.0.2.30/31", Vip("192.0.2.30", 31, True)),
        ("2001:DB8:0:0::30", Vip("2001:db8::30", 128, False)),
        ("2001:db8::30/64", Vip("2001:db8::30", 64, True)),
    ],
)
def test_addresses_are_made_canonical(text: str, vip: Vip) -> None:
    assert parse_vips([text]) == (vip,)


def test_a_device_is_listed_once(error_words: Any) -> None:
    device = {"interface": "lo", "addresses": [VIP]}
    with pytest.raises(InvalidValue) as caught:
        parse_devices({"devices": [device, device]})
    assert error_words(caught.value) == ("devices", "lo")
    (one,) = parse_devices({"devices": [device], "state": "absent", "announce": 2})
    assert one == VipSpec.from_options({**device, "state": "absent", "announce": 2})


def test_each_address_once_in_its_order() -> None:
    vips = parse_vips(["192.0.2.31", "2001:db8::1", "192.0.2.31/32", "192.0.2.30"])
    assert [vip.address for vip in vips] == ["192.0.2.31", "2001:db8::1", "192.0.2.30"]


@given(address=st.ip_addresses())
def test_reading_what_was_written_changes_nothing(address: Any) -> None:
    try:
        (vip,) = parse_vips([str(address)])
    except InvalidValue:
        return
    assert parse_vips([vip.address]) == (vip,)


def test_options_left_out_are_left_out() -> None:
    wanted = VipSpec.from_options({"addresses": [VIP], "interface": "lo", "label": None, "announce_interval": None})
    assert wanted == VipSpec((Vip(VIP, 32, False),), "lo")
    assert wanted.present


NAN = float("nan")  # equals only itself, and in a tuple at that


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ({"addresses": []}, ("addresses", [])),
        ({"addresses": VIP}, ("addresses", "192.0.2.30")),
        (
            {"addresses": ["vip.example"]},
            ("addresses", "vip.example"),
        ),
        (
            {"addresses": ["192.0.2.300"]},
            ("addresses", "192.0.2.300"),
        ),
        ({"addresses": [3221226014]}, ("addresses", 3221226014)),
        ({"addresses": [""]}, ("addresses", "")),
        (
            {"addresses": ["192.0.2.30/33"]},
            ("addresses", "192.0.2.30/33"),
        ),
        (
            {"addresses": ["192.0.2.30/0"]},
            ("addresses", "192.0.2.30/0"),
        ),
        (
            {"addresses": ["192.0.2.30/255.255.255.255"]},
            ("addresses", "192.0.2.30/255.255.255.255"),
        ),
        (
            {"addresses": ["2001:db8::30/129"]},
            ("addresses", "2001:db8::30/129"),
        ),
        (
            {"addresses": ["192.0.2.0/24"]},
            ("addresses", "192.0.2.0/24"),
        ),
        (
            {"addresses": ["192.0.2.255/24"]},
            ("addresses", "192.0.2.255/24"),
        ),
        (
            {"addresses": ["127.0.0.2"]},
            ("addresses", "127.0.0.2"),
        ),
        ({"addresses": ["::1"]}, ("addresses", "::1")),
        ({"addresses": ["fe80::1"]}, ("addresses", "fe80::1")),
        (
            {"addresses": ["::ffff:192.0.2.30"]},
            ("addresses", "::ffff:192.0.2.30"),
        ),
        (
            {"addresses": ["224.0.0.18"]},
            ("addresses", "224.0.0.18"),
        ),
        (
            {"addresses": ["0.0.0.0"]},
            ("addresses", "0.0.0.0"),
        ),
        (
            {"addresses": ["ff02::1"]},
            ("addresses", "ff02::1"),
        ),
        ({"addresses": ["::"]}, ("addresses", "::")),
        (
            {"addresses": ["2001:db8::30%eth0"]},
            ("addresses", "2001:db8::30%eth0"),
        ),
        (
            {"addresses": ["192.0.2.30/"]},
            ("addresses", "192.0.2.30/"),
        ),
        (
            {"addresses": ["255.255.255.255"]},
            ("addresses", "255.255.255.255"),
        ),
        (
            {"addresses": ["192.0.2.30", "192.0.2.30/24"]},
            ("addresses", "192.0.2.30/24"),
        ),
        (
            {"addresses": ["2001:DB8::30/64", "2001:db8::30"]},
            ("addresses", "2001:db8::30"),
        ),
        ({"interface": "lo:0"}, ("interface", "lo:0")),
        (
            {"interface": "averyveryverylong"},
            ("interface", "averyveryverylong"),
        ),
        ({"interface": ""}, ("interface", "")),
        (
            {"interface": "../x"},
            ("interface", "../x"),
        ),
        (
            {"interface": "et h0"},
            ("interface", "et h0"),
        ),
        ({"interface": "."}, ("interface", ".")),
        ({"label": "lo:0 x"}, ("label", "lo:0 x")),
        ({"label": "eth0:0"}, ("label", "eth0:0")),
        ({"label": "lo0"}, ("label", "lo0")),
        ({"label": "lo:"}, ("label", "lo:")),
        ({"label": "lo:0123456789abc"}, ("label", "lo:0123456789abc")),
        (
            {"label": "lo:0", "addresses": ["2001:db8::30"]},
            ("label", "lo:0"),
        ),
        ({"announce": -1}, ("announce", -1)),
        ({"announce": 101}, ("announce", 101)),
        ({"announce_interval": -0.1}, ("announce_interval", -0.1)),
        ({"announce_interval": 61}, ("announce_interval", 61)),
        ({"announce_interval": NAN}, ("announce_interval", NAN)),
        ({"scope": "site"}, ("scope", "site")),
        ({"kind": "veth"}, ("kind", "veth")),
        (
            {"kind": "ipip", "interface": "ipip0", "addresses": [VIP, "2001:db8::30"]},
            ("addresses", "2001:db8::30"),
        ),
        (
            {"kind": "ip6tnl", "interface": "ip6tnl0", "addresses": ["2001:db8::30", VIP]},
            ("addresses", "192.0.2.30"),
        ),
        ({"on_conflict": "steal"}, ("on_conflict", "steal")),
        ({"state": "up"}, ("state", "up")),
    ],
)
def test_bad_values(options: dict[str, Any], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        VipSpec.from_options({"addresses": [VIP], "interface": "lo", **options})
    assert error_words(caught.value) == about
