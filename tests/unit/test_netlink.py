# SPDX-License-Identifier: GPL-3.0-or-later
"""The netlink codec: known bytes, round trips, and refusal of what is cut off."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _netlink as netlink
from ansible_collections.lvs.cluster.plugins.module_utils._errors import MalformedAnswer
from hypothesis import given
from hypothesis import strategies as st

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are those of a little-endian host")


@little_endian
def test_attribute_bytes():
    assert netlink.pack_attribute(6, b"rr\0") == bytes.fromhex("0700 0600 7272 0000")
    assert netlink.pack_nested(1, b"\1\2\3\4") == bytes.fromhex("0800 0180 0102 0304")


@little_endian
def test_message_bytes():
    packed = netlink.pack_message(0x10, netlink.NLM_F_REQUEST | netlink.NLM_F_ACK, 7, b"\3\1\0\0")
    assert packed == bytes.fromhex("14000000 1000 0500 07000000 00000000 03010000")


@given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=40), max_size=8))
def test_attributes_round_trip(attributes):
    packed = b"".join(netlink.pack_attribute(number, payload) for number, payload in attributes.items())
    assert len(packed) % 4 == 0
    assert netlink.unpack_attributes(packed) == attributes


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.binary(max_size=40)), max_size=8))
def test_messages_round_trip(messages):
    packed = b"".join(netlink.pack_message(kind, 0, sequence, payload) for kind, sequence, payload in messages)
    assert [tuple(message) for message in netlink.unpack_messages(packed)] == messages


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 9])
def test_cut_off_attributes_are_refused(cut):
    with pytest.raises(MalformedAnswer, match="netlink attribute"):
        netlink.unpack_attributes(netlink.pack_attribute(1, b"12345678")[:cut])


@pytest.mark.parametrize("cut", [3, 15, 17])
def test_cut_off_messages_are_refused(cut):
    with pytest.raises(MalformedAnswer, match="netlink message"):
        list(netlink.unpack_messages(netlink.pack_message(1, 0, 1, b"12345678")[:cut]))


def test_error_number_is_positive():
    message = netlink.Message(netlink.NLMSG_ERROR, 1, (-17).to_bytes(4, sys.byteorder, signed=True) + bytes(16))
    assert message.errno == 17
