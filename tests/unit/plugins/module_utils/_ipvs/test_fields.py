# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPVS field table: bytes as the kernel has them, and round trips through them."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs import fields
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import pack_attribute, unpack_attributes
from hypothesis import given
from hypothesis import strategies as st
from ipvs_strategies import servers, service_keys, service_settings

WEB = fields.ServiceKey("ipv4", "tcp", "192.168.91.30", 80)


@pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")
def test_service_bytes():
    settings = fields.ServiceSettings("rr", 0, 300, "255.255.255.0", "")
    assert fields.encode_service(WEB, settings).hex(" ", 4) == (
        "06000100 02000000 06000200 06000000 14000300 c0a85b1e 00000000 00000000 00000000 06000400 00500000 "
        "07000600 72720000 0c000700 01000000 ffffffff 08000800 2c010000 08000900 ffffff00"
    )


@pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")
def test_server_bytes():
    key = fields.ServerKey("ipv6", "2001:db8::4", 80)
    settings = fields.ServerSettings("tunnel", 7, 10, 5, "gue", 6080, "remote")
    assert fields.encode_server(key, settings).hex(" ", 4) == (
        "06000b00 0a000000 14000100 20010db8 00000000 00000000 00000004 06000200 00500000 "
        "08000300 02000000 08000400 07000000 08000500 0a000000 08000600 05000000 05000d00 01000000 06000e00 17c00000 "
        "06000f00 02000000"
    )


@pytest.mark.parametrize(
    ("name", "value", "family", "data"),
    [
        ("port", 8080, "ipv4", "1f90"),
        ("persistence_netmask", "255.255.255.0", "ipv4", "ffffff00"),
        ("persistence_netmask", "64", "ipv6", (64).to_bytes(4, sys.byteorder).hex()),
        ("address", "2001:db8::1", "ipv6", "20010db8000000000000000000000001"),
        ("address", "192.0.2.1", "ipv4", "c0000201" + "00" * 12),
        ("scheduler", "wlc", "ipv4", "776c6300"),
        ("forwarding", "direct", "ipv4", (3).to_bytes(4, sys.byteorder).hex()),
        ("tunnel_port", 6080, "ipv4", "17c0"),
        ("tunnel_type", "gre", "ipv4", "02"),
        ("tunnel_type", "7", "ipv4", "07"),
    ],
)
def test_values(name, value, family, data):
    table = [field for table in fields.TABLES.values() for field in table]
    field = next(field for field in table if field.name == name)
    assert field.kind.pack(value, family).hex() == data
    assert field.kind.unpack(bytes.fromhex(data), family) == value


@given(st.data())
def test_service_round_trip(data):
    key = data.draw(service_keys())
    settings = data.draw(service_settings(key))
    assert fields.decode_service(fields.encode_service(key, settings)) == (key, settings)


@given(st.data())
def test_server_round_trip(data):
    for key, settings in data.draw(servers(data.draw(service_keys()))).items():
        assert fields.decode_server(fields.encode_server(key, settings)) == (key, settings)


def test_what_the_kernel_adds_is_no_setting():
    settings = fields.ServiceSettings("rr", 0, 0, "255.255.255.255")
    flags = fields.FLAGS.pack(fields.FLAG_HASHED, "ipv4")
    attributes = unpack_attributes(fields.encode_service(WEB, settings))
    attributes[7] = flags
    attributes[10] = b"counters"
    dumped = b"".join(pack_attribute(number, payload) for number, payload in attributes.items())
    assert fields.decode_service(dumped) == (WEB, settings)


def test_kernel_without_tunnel_types():
    key = fields.ServerKey("ipv4", "192.0.2.4", 80)
    attributes = unpack_attributes(fields.encode_server(key, fields.ServerSettings("tunnel", 3)))
    old = b"".join(
        pack_attribute(number, payload) for number, payload in attributes.items() if number not in (13, 14, 15)
    )
    assert fields.decode_server(old) == (key, fields.ServerSettings("tunnel", 3))
