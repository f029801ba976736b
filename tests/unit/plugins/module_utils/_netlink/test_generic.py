# SPDX-License-Identifier: GPL-3.0-or-later
"""Generic netlink when the kernel is silent, or the socket fails."""

from __future__ import annotations

import errno
import socket

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._netlink import generic as genl
from ansible_collections.lvs.cluster.plugins.module_utils._netlink.messages import NetlinkError


class Socket:
    """In a netlink socket's place: takes everything, and fails when it is to receive."""

    def __init__(self, failure: OSError) -> None:
        self.failure, self.closed = failure, False

    def settimeout(self, _seconds: float) -> None: ...

    def setsockopt(self, *_option: int) -> None: ...

    def bind(self, _address: tuple[int, int]) -> None: ...

    def send(self, data: bytes) -> int:
        return len(data)

    def recv(self, _size: int) -> bytes:
        raise self.failure

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("failure", "number"),
    [(socket.timeout("timed out"), errno.ETIMEDOUT), (OSError(errno.ENOBUFS, "No buffer space"), errno.ENOBUFS)],
)
def test_every_failure_has_an_errno_and_gives_the_socket_back(monkeypatch, failure, number):
    made = Socket(failure)
    monkeypatch.setattr(socket, "socket", lambda *_arguments: made)
    with pytest.raises(NetlinkError) as raised:
        genl.GenericNetlink("IPVS", 1)
    assert (raised.value.errno, made.closed) == (number, True)
