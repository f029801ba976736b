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


def test_a_device_is_listed_once() -> None:
    device = {"interface": "lo", "addresses": [VIP]}
    with pytest.raises(InvalidValue, match="devices: 'lo' is listed twice; list each device once, with all its"):
        parse_devices({"devices": [device, device]})
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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"addresses": []}, "addresses: [] is not a list with at least one entry; {ONE}."),
        ({"addresses": VIP}, "addresses: '192.0.2.30' is not a list with at least one entry; {ONE}."),
        (
            {"addresses": ["vip.example"]},
            "addresses: 'vip.example' is not an IP address; {ONE}, names are not resolved.",
        ),
        (
            {"addresses": ["192.0.2.300"]},
            "addresses: '192.0.2.300' is not an IP address; {ONE}, names are not resolved.",
        ),
        ({"addresses": [3221226014]}, "addresses: 3221226014 is not an IP address; {ONE}, names are not resolved."),
        ({"addresses": [""]}, "addresses: '' is not an IP address; {ONE}, names are not resolved."),
        (
            {"addresses": ["192.0.2.30/33"]},
            "addresses: '192.0.2.30/33' has no prefix length from 1 to 32; write 192.0.2.30/32.",
        ),
        (
            {"addresses": ["192.0.2.30/0"]},
            "addresses: '192.0.2.30/0' has no prefix length from 1 to 32; write 192.0.2.30/32.",
        ),
        (
            {"addresses": ["192.0.2.30/255.255.255.255"]},
            "addresses: '192.0.2.30/255.255.255.255' has no prefix length from 1 to 32; write 192.0.2.30/32.",
        ),
        (
            {"addresses": ["2001:db8::30/129"]},
            "addresses: '2001:db8::30/129' has no prefix length from 1 to 128; write 2001:db8::30/128.",
        ),
        (
            {"addresses": ["192.0.2.0/24"]},
            "addresses: '192.0.2.0/24' is the network address of 192.0.2.0/24; write 192.0.2.0/32, or a host.",
        ),
        (
            {"addresses": ["192.0.2.255/24"]},
            "addresses: '192.0.2.255/24' is the broadcast address of 192.0.2.0/24; write 192.0.2.255/32, or a host.",
        ),
        (
            {"addresses": ["127.0.0.2"]},
            "addresses: '127.0.0.2' is a loopback address, which every host has for itself; {ONE}.",
        ),
        ({"addresses": ["::1"]}, "addresses: '::1' is a loopback address, which every host has for itself; {ONE}."),
        ({"addresses": ["fe80::1"]}, "addresses: 'fe80::1' is link-local, which IPVS can't serve; {ONE}."),
        (
            {"addresses": ["::ffff:192.0.2.30"]},
            "addresses: '::ffff:192.0.2.30' is an IPv4 address in IPv6 clothes; {ONE}.",
        ),
        (
            {"addresses": ["224.0.0.18"]},
            "addresses: '224.0.0.18' is a multicast address; name the unicast address of one host.",
        ),
        (
            {"addresses": ["0.0.0.0"]},
            "addresses: '0.0.0.0' is the unspecified address; name the unicast address of one host.",
        ),
        (
            {"addresses": ["ff02::1"]},
            "addresses: 'ff02::1' is a multicast address; name the unicast address of one host.",
        ),
        ({"addresses": ["::"]}, "addresses: '::' is the unspecified address; name the unicast address of one host."),
        (
            {"addresses": ["2001:db8::30%eth0"]},
            "addresses: '2001:db8::30%eth0' carries a zone; write the address without %eth0.",
        ),
        (
            {"addresses": ["192.0.2.30/"]},
            "addresses: '192.0.2.30/' has no prefix length from 1 to 32; write 192.0.2.30/32.",
        ),
        (
            {"addresses": ["255.255.255.255"]},
            "addresses: '255.255.255.255' is the broadcast address; name the unicast address of one host.",
        ),
        (
            {"addresses": ["192.0.2.30", "192.0.2.30/24"]},
            "addresses: '192.0.2.30/24' is listed with /32 too; list it once.",
        ),
        (
            {"addresses": ["2001:DB8::30/64", "2001:db8::30"]},
            "addresses: '2001:db8::30' is listed with /64 too; list it once.",
        ),
        ({"interface": "lo:0"}, "interface: 'lo:0' is a label, not a device; write interface: lo and label: lo:0."),
        (
            {"interface": "averyveryverylong"},
            "interface: 'averyveryverylong' is not a device name (1 to 15 bytes, no space, no /); see `ip link`.",
        ),
        ({"interface": ""}, "interface: '' is not a device name (1 to 15 bytes, no space, no /); see `ip link`."),
        (
            {"interface": "../x"},
            "interface: '../x' is not a device name (1 to 15 bytes, no space, no /); see `ip link`.",
        ),
        (
            {"interface": "et h0"},
            "interface: 'et h0' is not a device name (1 to 15 bytes, no space, no /); see `ip link`.",
        ),
        ({"interface": "."}, "interface: '.' is not a device name (1 to 15 bytes, no space, no /); see `ip link`."),
        ({"label": "lo:0 x"}, "label: 'lo:0 x' does not begin with the name of the interface, lo; write lo:0."),
        ({"label": "eth0:0"}, "label: 'eth0:0' does not begin with the name of the interface, lo; write lo:0."),
        ({"label": "lo0"}, "label: 'lo0' does not begin with the name of the interface, lo; write lo:0."),
        ({"label": "lo:"}, "label: 'lo:' does not begin with the name of the interface, lo; write lo:0."),
        ({"label": "lo:0123456789abc"}, "label: 'lo:0123456789abc' is longer than 15 bytes; shorten it, as in lo:0."),
        (
            {"label": "lo:0", "addresses": ["2001:db8::30"]},
            "label: 'lo:0' is for IPv4 only, and all addresses are IPv6; leave it out.",
        ),
        ({"announce": -1}, "announce: -1 is out of range; give a number from 0 to 100."),
        ({"announce": 101}, "announce: 101 is out of range; give a number from 0 to 100."),
        ({"announce_interval": -0.1}, "announce_interval: -0.1 is out of range; give a number from 0 to 60 seconds."),
        ({"announce_interval": 61}, "announce_interval: 61 is out of range; give a number from 0 to 60 seconds."),
        (
            {"announce_interval": float("nan")},
            "announce_interval: nan is out of range; give a number from 0 to 60 seconds.",
        ),
        ({"scope": "site"}, "scope: 'site' is not a choice; choose from global, link, host."),
        ({"kind": "veth"}, "kind: 'veth' is not a choice; choose from dummy, ipip, ip6tnl, gre."),
        (
            {"kind": "ipip", "interface": "ipip0", "addresses": [VIP, "2001:db8::30"]},
            "addresses: '2001:db8::30' is IPv6, which does not come through an ipip device; put it on a device of kind "
            "ip6tnl.",
        ),
        (
            {"kind": "ip6tnl", "interface": "ip6tnl0", "addresses": ["2001:db8::30", VIP]},
            "addresses: '192.0.2.30' is IPv4, which does not come through the kernel's own ip6tnl0; name another interface, "
            "such as ip6tnl1.",
        ),
        ({"on_conflict": "steal"}, "on_conflict: 'steal' is not a choice; choose from fail, warn, ignore."),
        ({"state": "up"}, "state: 'up' is not a choice; choose from present, absent."),
    ],
)
def test_bad_values(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        VipSpec.from_options({"addresses": [VIP], "interface": "lo", **options})
    assert str(caught.value) == message.format(ONE=ONE)
