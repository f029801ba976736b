# SPDX-License-Identifier: GPL-3.0-or-later
"""Netlink messages and attributes as bytes, the codec that IPVS stands on, and the conversations that they make.

RFC 3549; include/uapi/linux/netlink.h.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .._core.errors import MalformedAnswer

NLM_F_REQUEST = 0x001
NLM_F_ACK = 0x004
NLM_F_DUMP = 0x300

NLMSG_ERROR = 2
NLMSG_DONE = 3

NLA_F_NESTED = 0x8000
# The two highest bits of an attribute's type are flags (nested, network byte order), not part of its number.
NLA_TYPE_MASK = 0x3FFF

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port id: host byte order, as the kernel on this host
_ATTRIBUTE = struct.Struct("=HH")  # length with this header, type
_ERRNO = struct.Struct("=i")
RECEIVE_BYTES = 1 << 16


class Message(NamedTuple):
    """One netlink message, without its header's length and port id."""

    kind: int
    sequence: int
    payload: bytes

    @property
    def errno(self) -> int:
        """The errno (positive, 0 for none) of an NLMSG_ERROR or NLMSG_DONE message."""
        return -int(_ERRNO.unpack_from(self.payload)[0]) if len(self.payload) >= _ERRNO.size else 0


def open_netlink(protocol: int, seconds: float, groups: int = 0) -> socket.socket:
    """Return a socket to one protocol in the current network namespace, which hears of these groups' changes.

    It waits so many seconds at most; raises OSError where the kernel has no such protocol.
    """
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    netlink.settimeout(seconds)
    try:
        netlink.bind((0, groups))
    except BaseException:
        netlink.close()
        raise
    return netlink


class NetlinkError(OSError):
    """The kernel answered a request with an error, or not in time; `errno` is its number, ETIMEDOUT for the latter."""

    def __init__(self, number: int) -> None:
        super().__init__(number, os.strerror(number))


class Conversation:
    """Requests through one socket, numbered from 1 on, and the kernel's answers to them; raises NetlinkError."""

    def __init__(self, netlink: socket.socket) -> None:
        self._socket = netlink
        self._sequence = 0

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def send(self, requests: Iterable[tuple[int, int, bytes]]) -> int:
        """Send requests (type, flags, payload) in one datagram; return the number of the last."""
        packed = []
        for kind, flags, payload in requests:
            self._sequence += 1
            packed.append(pack_message(kind, NLM_F_REQUEST | flags, self._sequence, payload))
        with _socket_errors():
            self._socket.send(b"".join(packed))
        return self._sequence

    def answers(self, first: int, last: int) -> Iterator[Message]:
        """Yield the messages that answer requests `first` to `last`, for as long as the caller asks."""
        while True:
            with _socket_errors():
                data = self._socket.recv(RECEIVE_BYTES)
            for message in unpack_messages(data):
                if first <= message.sequence <= last:
                    yield message

    def get(self, kind: int, payload: bytes) -> Message:
        """Return the one answer to a request."""
        number = self.send([(kind, 0, payload)])
        message = next(self.answers(number, number))
        if message.kind == NLMSG_ERROR:
            raise NetlinkError(message.errno)
        return message

    def dump(self, kind: int, payload: bytes) -> Iterator[Message]:
        """Yield a message for each object that a request lists."""
        number = self.send([(kind, NLM_F_DUMP, payload)])
        for message in self.answers(number, number):
            if message.kind in (NLMSG_ERROR, NLMSG_DONE):
                if message.errno:
                    raise NetlinkError(message.errno)
                return
            yield message


@contextmanager
def _socket_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NetlinkError(error.errno or errno.ETIMEDOUT) from None  # a timeout has no errno


def pack_message(kind: int, flags: int, sequence: int, payload: bytes) -> bytes:
    """Return one message, padded so that another can follow it in the same send."""
    length = _HEADER.size + len(payload)
    return _HEADER.pack(length, kind, flags, sequence, 0) + payload + bytes(-length % 4)


def unpack_messages(data: bytes) -> Iterator[Message]:
    """Yield the messages of one datagram; raise MalformedAnswer when a length does not fit."""
    offset = 0
    while offset < len(data):
        if len(data) - offset < _HEADER.size:
            raise MalformedAnswer(f"netlink message header cut off at byte {offset} of {len(data)}")
        length, kind, _flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            raise MalformedAnswer(f"netlink message of {length} bytes at byte {offset} does not fit in {len(data)}")
        yield Message(kind, sequence, data[offset + _HEADER.size : offset + length])
        offset += length + -length % 4


def pack_attribute(number: int, payload: bytes) -> bytes:
    """Return one attribute, padded to four bytes."""
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, number) + payload + bytes(-length % 4)


def pack_nested(number: int, payload: bytes) -> bytes:
    """Return an attribute that holds attributes, marked as such (strict kernel parsers insist on the mark)."""
    return pack_attribute(number | NLA_F_NESTED, payload)


def unpack_attributes(data: bytes) -> dict[int, bytes]:
    """Return number -> payload for the attributes in `data`; raise MalformedAnswer when a length does not fit."""
    found: dict[int, bytes] = {}
    offset, end = 0, len(data)
    while offset < end:
        if end - offset < _ATTRIBUTE.size:
            raise MalformedAnswer(f"netlink attribute header cut off at byte {offset} of {end}")
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > end:
            raise MalformedAnswer(f"netlink attribute of {length} bytes at byte {offset} does not fit in {end}")
        found[kind & NLA_TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += length + -length % 4
    return found
