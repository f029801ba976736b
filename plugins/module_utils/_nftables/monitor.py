# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the rules of nftables changed, seen with nothing but the standard library.

Each transaction counts the kernel's generation up (nft_gen in net/netfilter/nf_tables_api.c), and tells a group of
netlink what it did. iptables-nft, firewalld and ufw change rules by such transactions too.
"""

from __future__ import annotations

import errno
import select
import socket
import struct

from .._core.errors import MalformedAnswer, refusal
from .._netlink.messages import RECEIVE_BYTES, Conversation, open_netlink, unpack_attributes, unpack_messages

# include/uapi/linux/netfilter: nfnetlink.h, nf_tables.h
_NETLINK_NETFILTER, SUBSYSTEM, _GROUP = 12, 10, 7  # NFNL_SUBSYS_NFTABLES, NFNLGRP_NFTABLES
_NEWGEN, _GETGEN, _GEN_ID = 15, 16, 1
# NEWTABLE, DELTABLE, NEWCHAIN, DELCHAIN, NEWRULE, DELRULE. Those of sets, as of fail2ban's, take no rule away.
_RULES = {SUBSYSTEM << 8 | number for number in (0, 2, 3, 5, 6, 8)}
_HEADER = bytes(4)  # of any family
_ID = struct.Struct(">I")
_WAIT = 10.0


class RuleChanges:
    """Whether tables, chains or rules of this network namespace changed since this was last asked."""

    def __init__(self) -> None:
        self._socket = open_netfilter(1 << _GROUP - 1)

    def fileno(self) -> int:
        """Return what select(2) wants."""
        return self._socket.fileno()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def seen(self) -> bool:
        """Return whether there was such a change, and forget it."""
        changed = False
        while select.select([self], [], [], 0)[0]:
            try:
                messages = unpack_messages(self._socket.recv(RECEIVE_BYTES))
                changed = any(message.kind in _RULES for message in messages) or changed
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                changed = True  # more came than the socket holds
        return changed


def generation() -> int:
    """Return the number of the present rules; raise KernelRefusal when the kernel does not say."""
    try:
        with Conversation(open_netfilter()) as talk:
            answer = talk.get(SUBSYSTEM << 8 | _GETGEN, _HEADER)
    except OSError as error:
        raise refusal("list the rules of nftables", error.errno or 0) from None
    number = unpack_attributes(answer.payload[len(_HEADER) :]).get(_GEN_ID, b"")
    if answer.kind != SUBSYSTEM << 8 | _NEWGEN or len(number) != _ID.size:
        raise MalformedAnswer("the generation of nftables' rules")
    return int(_ID.unpack(number)[0])


def open_netfilter(groups: int = 0) -> socket.socket:
    """Return a socket to netfilter in the current network namespace; raise OSError where the kernel has none."""
    return open_netlink(_NETLINK_NETFILTER, _WAIT, groups)
