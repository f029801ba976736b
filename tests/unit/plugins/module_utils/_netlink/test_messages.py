# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink: known bytes, round trips, refusal of what is cut off, and what of a socket belongs to a conversation."""

from __future__ import annotations

import errno
import socket
import sys

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import MalformedAnswer
from ansible_collections.lvs.cluster.plugins.module_utils._netlink import messages as netlink
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


class Socket:
    """In a netlink socket's place: keeps what is sent, and answers with prepared messages, each in a datagram of its own."""

    def __init__(self, *answers: tuple[int, int, bytes] | OSError) -> None:
        self.sent, self.answers, self.closed = [], list(answers), False

    def send(self, data: bytes) -> int:
        self.sent.append(list(netlink.unpack_messages(data)))
        return len(data)

    def recv(self, _size: int) -> bytes:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        kind, sequence, payload = answer
        return netlink.pack_message(kind, 0, sequence, payload)

    def close(self) -> None:
        self.closed = True


def status(number: int) -> bytes:
    return (-number).to_bytes(4, sys.byteorder, signed=True)


def test_requests_are_numbered_through_the_conversation():
    own = Socket()
    talk = netlink.Conversation(own)
    assert [talk.send([(1, 0, b""), (2, 0, b"abcd")]), talk.send([(3, 0, b"")])] == [2, 3]
    assert own.sent == [[(1, 1, b""), (2, 2, b"abcd")], [(3, 3, b"")]]


def test_answers_to_other_requests_are_passed_over():
    own = Socket((9, 7, b"late"), (9, 1, b"mine"))
    with netlink.Conversation(own) as talk:
        assert talk.get(8, b"") == (9, 1, b"mine")
    assert own.closed


def test_a_dump_ends_with_its_last_message():
    own = Socket((9, 1, b"one1"), (9, 1, b"two2"), (netlink.NLMSG_DONE, 1, status(0)), (9, 1, b"late"))
    assert [message.payload for message in netlink.Conversation(own).dump(8, b"")] == [b"one1", b"two2"]


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ((netlink.NLMSG_ERROR, 1, status(errno.EPERM)), errno.EPERM),
        (OSError(errno.ENOBUFS, "No buffer space"), errno.ENOBUFS),
        (socket.timeout("timed out"), errno.ETIMEDOUT),
    ],
)
@pytest.mark.parametrize("asking", [lambda talk: talk.get(8, b""), lambda talk: list(talk.dump(8, b""))])
def test_what_goes_wrong_has_an_errno(asking, answer, number):
    with pytest.raises(netlink.NetlinkError) as raised:
        asking(netlink.Conversation(Socket(answer)))
    assert raised.value.errno == number


def test_a_dump_that_broke_off_is_no_answer():
    own = Socket((9, 1, b"one1"), (netlink.NLMSG_DONE, 1, status(errno.ENOMEM)))
    with pytest.raises(netlink.NetlinkError, match="Cannot allocate memory"):
        list(netlink.Conversation(own).dump(8, b""))
