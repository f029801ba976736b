# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of rtnetlink share: pyroute2, and the kernel's refusals in words.

pyroute2 is imported only here, and only when something is asked of it: the import costs seconds on a slow host. What is
used of it means the same in 0.5.14, 0.7.x and 0.9.x.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Optional

from .._core.errors import LibraryMissing, PrerequisiteMissing, refusal

# NLM_F_REQUEST and NLM_F_ACK. Deletions are written out with them, since 0.5.14 deletes with the flags of a creation;
# newer kernels take those for a bulk deletion and refuse (EOPNOTSUPP).
DELETE_FLAGS = 0x1 | 0x4
_LIBRARY = "pyroute2"
# Reason and remedy of an errno; None where it has no meaning of its own.
Known = Optional[tuple[str, str]]
NO_IPV6 = ("IPv6 is disabled on that interface (disable_ipv6)", "enable it, or leave IPv6 addresses out")


class RtnlClient:
    """A conversation with rtnetlink in the current network namespace, which begins when it is first used.

    Raises LibraryMissing without pyroute2 when something is asked of it; `lacking` says it before. Raises NotPermitted
    without CAP_NET_ADMIN, and KernelRefusal, with the step in words, for whatever else the kernel refuses.
    """

    def __init__(self) -> None:
        self._opened: Any = None
        # What the library raises when the kernel refuses; nothing as long as it was not used.
        self._refusal: type[Exception] | tuple[()] = ()

    @property
    def lacking(self) -> PrerequisiteMissing | None:
        """pyroute2, where this host has none: it is looked for without the import."""
        return None if sys.modules.get(_LIBRARY) or importlib.util.find_spec(_LIBRARY) else _missing()

    def close(self) -> None:
        """End the conversation."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _rtnl(self) -> Any:
        """pyroute2's IPRoute."""
        if self._opened is None:
            try:
                from pyroute2 import IPRoute, NetlinkError
            except ImportError:
                raise _missing() from None
            self._refusal = NetlinkError
            self._opened = IPRoute()
        return self._opened

    @contextmanager
    def _explained(self, what: str, known: Callable[[int], Known] | None = None) -> Iterator[None]:
        """Raise every failure to do `what` as an LvsError; `known` returns reason and remedy of an errno."""
        try:
            yield
        except OSError as error:
            number = error.errno or 0
        except self._refusal as error:
            number = error_number(error)
        else:
            return
        raise refusal(what, number, (known or concurrent_change)(number)) from None


def _missing() -> LibraryMissing:
    return LibraryMissing(_LIBRARY, "python3-pyroute2", "rtnetlink")


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


def concurrent_change(number: int) -> Known:
    """Return reason and remedy of an errno that says, at every step, that another program made or removed an object."""
    if number in (errno.EEXIST, errno.ENOENT, errno.EADDRNOTAVAIL, errno.ENODEV):
        return f"another program changed it at the same time ({os.strerror(number)})", "run the task again"
    return None
