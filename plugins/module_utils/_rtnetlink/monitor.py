# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether links or addresses changed, as the kernel reports it over netlink."""

from __future__ import annotations

import errno
import select

from .._netlink.messages import RECEIVE_BYTES
from .dump import route_socket

_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100


class Changes:
    """Whether links or addresses of this network namespace changed since they were last looked at."""

    def __init__(self) -> None:
        self._socket = route_socket(_RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR)

    def fileno(self) -> int:
        """Return what select(2) wants."""
        return self._socket.fileno()

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
                self._socket.recv(RECEIVE_BYTES)
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # more came than the socket holds: that is forgotten too
                    raise
