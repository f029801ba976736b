# SPDX-License-Identifier: GPL-3.0-or-later
"""Generic netlink over the standard library's socket: requests, dumps and batches, with errno as the only language."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .messages import NLM_F_ACK, NLMSG_ERROR, Conversation, open_netlink, pack_attribute, unpack_attributes

NETLINK_GENERIC = 16
SOL_NETLINK = 270
NETLINK_CAP_ACK = 10

GENL_ID_CTRL = 0x10
CTRL_CMD_GETFAMILY = 3
CTRL_ATTR_FAMILY_ID = 1
CTRL_ATTR_FAMILY_NAME = 2

_GENL_HEADER = struct.Struct("=BBH")  # command, version, reserved
# The kernel copies a send into one socket buffer, which the default wmem limit (208 KiB) bounds; stay well below.
_BATCH_BYTES = 1 << 16
_ANSWER_SECONDS = 30.0


class GenlRequest(NamedTuple):
    """One generic netlink command with its packed attributes."""

    command: int
    attributes: bytes = b""


class Refusal(NamedTuple):
    """The kernel's error for the request at `position` of a batch."""

    position: int
    errno: int


class GenericNetlink:
    """One socket that speaks to one generic netlink family of the current network namespace.

    Raises NetlinkError: with ENOENT when the kernel has no such family, with ETIMEDOUT when it does not answer within
    30 s.
    """

    def __init__(self, family: str, version: int) -> None:
        self._version = version
        netlink = open_netlink(NETLINK_GENERIC, _ANSWER_SECONDS)
        self._talk = Conversation(netlink)
        try:
            # An error answer then carries only the header of what it refuses, not the whole message.
            netlink.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
            self._family = GENL_ID_CTRL
            self._family = self._find(family)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the socket back."""
        self._talk.close()

    def get(self, request: GenlRequest) -> bytes:
        """Return the attributes of the one answer to `request`."""
        return self._talk.get(self._family, self._payload(request)).payload[_GENL_HEADER.size :]

    def dump(self, request: GenlRequest) -> list[bytes]:
        """Return the attributes of every object that `request` lists."""
        answers = self._talk.dump(self._family, self._payload(request))
        return [message.payload[_GENL_HEADER.size :] for message in answers]

    def batch(self, requests: Sequence[GenlRequest]) -> tuple[list[Refusal], int]:
        """Send many commands with few system calls; return the kernel's refusals in order, and how many it was sent.

        The kernel carries out the whole of one send even when a command in it fails; later sends are left out then.
        Only the last command of a send asks for an answer: errors come back for any.
        """
        for start, end in _slices(requests):
            last = self._talk.send(self._acknowledged(requests[start:end]))
            first = last - (end - start) + 1
            refusals = []
            for message in self._talk.answers(first, last):
                if message.kind == NLMSG_ERROR and message.errno:
                    refusals.append(Refusal(start + message.sequence - first, message.errno))
                if message.sequence == last:
                    break
            if refusals:
                return refusals, end
        return [], len(requests)

    def _find(self, family: str) -> int:
        name = pack_attribute(CTRL_ATTR_FAMILY_NAME, family.encode() + b"\0")
        answer = unpack_attributes(self.get(GenlRequest(CTRL_CMD_GETFAMILY, name)))
        return int(struct.unpack("=H", answer[CTRL_ATTR_FAMILY_ID])[0])

    def _payload(self, request: GenlRequest) -> bytes:
        return _GENL_HEADER.pack(request.command, self._version, 0) + request.attributes

    def _acknowledged(self, requests: Sequence[GenlRequest]) -> Iterator[tuple[int, int, bytes]]:
        """Yield the messages of one send, the last of which asks for an answer."""
        last = len(requests) - 1
        for position, request in enumerate(requests):
            yield self._family, NLM_F_ACK if position == last else 0, self._payload(request)


def _slices(requests: Sequence[GenlRequest]) -> Iterable[tuple[int, int]]:
    start = size = 0
    for index, request in enumerate(requests):
        length = len(request.attributes) + 24
        if size + length > _BATCH_BYTES and index > start:
            yield start, index
            start, size = index, 0
        size += length
    if start < len(requests):
        yield start, len(requests)
