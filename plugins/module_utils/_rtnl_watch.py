# SPDX-License-Identifier: GPL-3.0-or-later
"""Links and addresses of this network namespace, watched and listed with nothing but the standard library."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator

from ._netlink import (
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    Message,
    pack_message,
    unpack_messages,
)
from ._rtnl_codec import (
    REQUEST,
    RTM_GETADDR,
    RTM_GETNEIGH,
    HostAddress,
    HostNeighbor,
    decode_address,
    decode_neighbor,
)

# include/uapi/linux/rtnetlink.h
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_RECEIVE_BYTES = 1 << 16
_ANSWER_SECONDS = 30.0


class Events:
    """Whether links or addresses of this network namespace changed since they were last looked at."""

    def __init__(self) -> None:
        self._socket = _route_socket(_RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for a change, `seconds` at most; return whether there was one."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def forget(self) -> None:
        """Forget the changes that were until now."""
        while self.wait(0):
            try:
                self._socket.recv(_RECEIVE_BYTES)
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # more came than the socket holds: that is forgotten too
                    raise


def host_addresses() -> Iterator[HostAddress]:
    """Yield every IPv4 and IPv6 address of this network namespace; raise OSError for the kernel's error."""
    for message in _dump(RTM_GETADDR):
        address = decode_address(message.payload)
        if address:
            yield address


def host_neighbors() -> Iterator[HostNeighbor]:
    """Yield every IPv4 and IPv6 neighbour entry of this network namespace; raise OSError for the kernel's error."""
    for message in _dump(RTM_GETNEIGH):
        neighbor = decode_neighbor(message.payload)
        if neighbor:
            yield neighbor


def _dump(kind: int) -> Iterator[Message]:
    with _route_socket(0) as route:
        route.settimeout(_ANSWER_SECONDS)
        route.send(pack_message(kind, NLM_F_REQUEST | NLM_F_DUMP, 1, REQUEST.pack(socket.AF_UNSPEC)))
        while True:
            for message in unpack_messages(route.recv(_RECEIVE_BYTES)):
                if message.kind in (NLMSG_ERROR, NLMSG_DONE):
                    if message.errno:
                        raise OSError(message.errno, "rtnetlink dump")
                    return
                yield message


def _route_socket(groups: int) -> socket.socket:
    route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    try:
        route.bind((0, groups))
    except BaseException:
        route.close()
        raise
    return route
