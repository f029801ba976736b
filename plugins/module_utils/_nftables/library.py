# SPDX-License-Identifier: GPL-3.0-or-later
"""What the clients of nftables share: libnftables' own Python binding, and its refusals in words.

The binding is imported only here, and only when a client is made.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

from .._core.errors import AS_ROOT, KernelRefusal, LibraryMissing, NotPermitted, PrerequisiteMissing


class Nft:
    """One open conversation with nftables in the current network namespace.

    Raises LibraryMissing without the library, NotPermitted without CAP_NET_ADMIN, which nftables wants of readers
    too (nfnetlink_rcv in net/netfilter/nfnetlink.c), and KernelRefusal for whatever else is refused.
    """

    # Nobody can read without the library: a client that was made has it.
    lacking: PrerequisiteMissing | None = None

    def __init__(self, purpose: str) -> None:
        try:
            from nftables import Nftables

            self._nft: Any = Nftables()
        except (ImportError, OSError):  # the binding without its library ends in an OSError
            raise LibraryMissing("nftables", "python3-nftables", purpose) from None
        self._nft.set_json_output(True)
        self._nft.set_handle_output(True)

    def _ask(self, commands: Sequence[Any], what: str, remedy: str = AS_ROOT) -> Any:
        """Carry out all commands (libnftables-json(5)) or none, and return the answer.

        An error says that `what` failed, and names `remedy` where permission is missing.
        """
        status, answer, error = self._nft.json_cmd({"nftables": list(commands)})
        if status == 0:
            return answer
        reason = " ".join(str(error).split())
        if "Operation not permitted" in reason:
            raise NotPermitted("The task", None, f"is not allowed to {what}", remedy, errno.EPERM)
        rule = f"refused to {what} and changed nothing: {reason}"
        raise KernelRefusal("nftables", None, rule, "correct that and run the task again", errno.EINVAL)
