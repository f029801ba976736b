# SPDX-License-Identifier: GPL-3.0-or-later
"""Generic netlink over the standard library's socket: requests, dumps and batches, with errno as the only language."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ._netlink import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    Message,
    open_netlink,
    pack_attribute,
    pack_message,
    unpack_attributes,
    unpack_messages,
)

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_CAP_ACK = 10

GENL_ID_CTRL = 0x10
CTRL_CMD_GETFAMILY = 3
CTRL_ATTR_FAMILY_ID = 1
CTRL_ATTR_FAMILY_NAME = 2

_GENL_HEADER = struct.Struct("=BBH")  # command, version, reserved
_RECEIVE_BYTES = 1 << 16
# The kernel copies a send into one socket buffer, which the default wmem limit (208 KiB) bounds; stay well below.
_BATCH_BYTES = 1 << 16
_ANSWER_SECONDS = 30.0


class GenlError(OSError):
    """The kernel answered a request with an error; `errno` is its number."""


class Request(NamedTuple):
    """One generic netlink command with its packed attributes."""

    command: int
    attributes: bytes = b""


class Refusal(NamedTuple):
    """The kernel's error for the request at `position` of a batch."""

    position: int
    errno: int


class GenericNetlink:
    """One socket that speaks to one generic netlink family of the current network namespace.

    Raises GenlError(ENOENT) when the kernel has no such family. Every wait is bounded: when a kernel does not
    answer within 30 s the error is ETIMEDOUT.
    """

    def __init__(self, family: str, version: int) -> None:
        self._sequence = 0
        self._version = version
        self._socket = open_netlink(NETLINK_GENERIC, _ANSWER_SECONDS)
        try:
            # An error answer then carries only the header of what it refuses, not the whole message.
            self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
            self._family = GENL_ID_CTRL
            self._family = self._find(family)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def get(self, request: Request) -> bytes:
        """Return the attributes of the one answer to `request`; raise GenlError for the kernel's error."""
        sequence = self._send([request], 0)
        for message in self._answers(sequence):
            if message.kind == NLMSG_ERROR:
                raise _error(message.errno)
            return message.payload[_GENL_HEADER.size :]
        raise AssertionError("unreachable: _answers() goes on until the caller is content")

    def dump(self, request: Request) -> list[bytes]:
        """Return the attributes of every object that `request` lists."""
        sequence = self._send([request], NLM_F_DUMP)
        found = []
        for message in self._answers(sequence):
            if message.kind in (NLMSG_ERROR, NLMSG_DONE):
                if message.errno:
                    raise _error(message.errno)
                break
            found.append(message.payload[_GENL_HEADER.size :])
        return found

    def batch(self, requests: Sequence[Request]) -> tuple[list[Refusal], int]:
        """Send many commands with few system calls; return the kernel's refusals in order, and how many it was sent.

        The kernel carries out the whole of one send even when a command in it fails; later sends are left out then.
        Only the last command of a send asks for an answer: errors come back for any.
        """
        for start, end in _slices(requests):
            last = self._send(requests[start:end], NLM_F_ACK)
            first = last - (end - start) + 1
            refusals = []
            for message in self._answers(first, last):
                if message.kind == NLMSG_ERROR and message.errno:
                    refusals.append(Refusal(start + message.sequence - first, message.errno))
                if message.sequence == last:
                    break
            if refusals:
                return refusals, end
        return [], len(requests)

    def _find(self, family: str) -> int:
        name = pack_attribute(CTRL_ATTR_FAMILY_NAME, family.encode() + b"\0")
        answer = unpack_attributes(self.get(Request(CTRL_CMD_GETFAMILY, name)))
        return int(struct.unpack("=H", answer[CTRL_ATTR_FAMILY_ID])[0])

    def _send(self, requests: Sequence[Request], flags: int) -> int:
        """Send all in one datagram, `flags` on the last only; return the last one's sequence number."""
        parts: list[bytes] = []
        for request in requests:
            self._sequence += 1
            payload = _GENL_HEADER.pack(request.command, self._version, 0) + request.attributes
            mark = flags if len(parts) == len(requests) - 1 else 0
            parts.append(pack_message(self._family, NLM_F_REQUEST | mark, self._sequence, payload))
        with _socket_errors():
            self._socket.send(b"".join(parts))
        return self._sequence

    def _answers(self, first: int, last: int | None = None) -> Iterable[Message]:
        """Yield the messages that answer sequence numbers `first` to `last`, for as long as the caller asks."""
        last = first if last is None else last
        while True:
            with _socket_errors():
                data = self._socket.recv(_RECEIVE_BYTES)
            for message in unpack_messages(data):
                if first <= message.sequence <= last:
                    yield message


def _slices(requests: Sequence[Request]) -> Iterable[tuple[int, int]]:
    start = size = 0
    for index, request in enumerate(requests):
        length = len(request.attributes) + 24
        if size + length > _BATCH_BYTES and index > start:
            yield start, index
            start, size = index, 0
        size += length
    if start < len(requests):
        yield start, len(requests)


@contextmanager
def _socket_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _error(error.errno or errno.ETIMEDOUT) from None  # a timeout has no errno


def _error(number: int) -> GenlError:
    return GenlError(number, os.strerror(number))
