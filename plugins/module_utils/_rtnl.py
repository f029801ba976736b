# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of rtnetlink share: pyroute2, the devices of this host, and the kernel's refusals in words.

pyroute2 is imported only here, and only when a client is made: the import costs seconds on a slow host. What is used
of it means the same in 0.5.14, 0.7.x and 0.9.x.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

from ._errors import KernelRefusal, LibraryMissing, NotPermitted, unexplained
from ._vip_model import Link

# NLM_F_REQUEST and NLM_F_ACK. Deletions are written out with them, since 0.5.14 deletes with the flags of a creation;
# newer kernels take those for a bulk deletion and refuse (EOPNOTSUPP).
DELETE_FLAGS = 0x1 | 0x4
# include/uapi/linux: if.h, if_arp.h
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_ARPHRD_ETHER = 1


class RtnlClient:
    """One open conversation with rtnetlink in the current network namespace.

    Raises LibraryMissing without pyroute2, NotPermitted without CAP_NET_ADMIN, and KernelRefusal, with the step in
    words, for whatever else the kernel refuses.
    """

    def __init__(self) -> None:
        try:
            from pyroute2 import IPRoute, NetlinkError
        except ImportError:
            raise LibraryMissing("pyroute2", "python3-pyroute2", "rtnetlink") from None
        self._refusal: type[Exception] = NetlinkError
        self._rtnl: Any = IPRoute()

    def close(self) -> None:
        """End the conversation."""
        self._rtnl.close()

    def _links(self) -> dict[int, Link]:
        return {message["index"]: _link(message) for message in self._rtnl.get_links()}

    @contextmanager
    def _explained(self, what: str, reason: Callable[[int], str] | None = None) -> Iterator[None]:
        """Turn every failure into one of ours: could not do `what`, and `reason` tells why from the errno."""
        try:
            yield
        except OSError as error:
            raise _refused(what, error.errno or 0, reason or plain_reason) from None
        except self._refusal as error:
            raise _refused(what, error_number(error), reason or plain_reason) from None


def error_number(refusal: Exception) -> int:
    """Return the errno that pyroute2's NetlinkError carries."""
    return int(getattr(refusal, "code", 0))


def link_index(name: str) -> int:
    """Return a device's number; raise OSError, ENODEV, when it has gone."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        # Older Pythons leave the errno out.
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from None


def plain_reason(number: int) -> str:
    """Return why, and what to do, for an errno that means the same at every step."""
    if number in (errno.EEXIST, errno.ENOENT, errno.EADDRNOTAVAIL, errno.ENODEV):
        return f"another program changed it at the same moment ({os.strerror(number)}); run the task again"
    return unexplained(number)


def _refused(what: str, number: int, reason: Callable[[int], str]) -> KernelRefusal:
    if number == errno.EPERM:
        return NotPermitted(
            f"Not allowed to {what}: this needs CAP_NET_ADMIN; run the task as root (become: true).", number
        )
    return KernelRefusal(f"The kernel refused to {what}: {reason(number)}.", number)


def _link(message: Any) -> Link:
    flags, info = message["flags"], message.get_attr("IFLA_LINKINFO")
    return Link(
        message.get_attr("IFLA_IFNAME"),
        (info.get_attr("IFLA_INFO_KIND") if info else None) or "",
        up=bool(flags & _IFF_UP),
        arp=message["ifi_type"] == _ARPHRD_ETHER and not flags & (_IFF_LOOPBACK | _IFF_NOARP),
        loopback=bool(flags & _IFF_LOOPBACK),
        mac=message.get_attr("IFLA_ADDRESS") or "",
    )
