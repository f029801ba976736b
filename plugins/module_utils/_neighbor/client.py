# SPDX-License-Identifier: GPL-3.0-or-later
"""Neighbour entries of this host through rtnetlink: read, and changed by the steps of a plan."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

from .._core.address import is_ipv6
from .._rtnetlink.dump import links
from .._rtnetlink.library import DELETE_FLAGS, NO_IPV6, Known, RtnlClient, concurrent_change, error_number, link_index
from .._rtnetlink.model import Entry, Link
from .model import CurrentNeighbors, NextHop
from .options import WantedNeighbors
from .plan import NeighborOperation, SetNeighbor

# include/uapi/linux: neighbour.h, rtnetlink.h
_NUD_PERMANENT, _RTM_DELNEIGH = 0x80, 29
_KINDS = {1: "unicast", 2: "local", 3: "broadcast", 4: "local"}  # 4 is anycast, which the host takes for itself
# No route; routes of type unreachable, prohibit and blackhole (fib_props in net/ipv4/fib_semantics.c)
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL)


class NeighborClient(RtnlClient):
    """Reads and changes neighbour entries."""

    def read(self, wanted: WantedNeighbors) -> CurrentNeighbors:
        """Return all devices, the entries of the wanted address families, and the way to what is to be present."""
        with self._explained("read devices and neighbours"):
            found = links()
            families = sorted({_family(one.address) for one in wanted.neighbors})
            entries = [
                _entry(message, found[message["ifindex"]])
                for family in families
                for message in self._rtnl.get_neighbours(family)
                if message["ifindex"] in found
            ]
            addresses = [one.address for one in wanted.neighbors] if wanted.present else []
            ways = {address: way for address in addresses if (way := self._way(address, found))}
        return CurrentNeighbors({link.name: link for link in found.values()}, tuple(entries), ways)

    def apply(self, operations: Sequence[NeighborOperation]) -> None:
        """Carry out the steps in their order; the first one that is refused ends it."""
        for operation in operations:
            with self._explained(operation.words, partial(_known, operation=operation)):
                fields = {
                    "family": _family(operation.address),
                    "ifindex": link_index(operation.interface),
                    "dst": operation.address,
                }
                if isinstance(operation, SetNeighbor):
                    self._rtnl.neigh("replace", lladdr=operation.mac, state=_NUD_PERMANENT, **fields)
                else:
                    self._rtnl.neigh((_RTM_DELNEIGH, DELETE_FLAGS), **fields)

    def _way(self, address: str, found: dict[int, Link]) -> NextHop | None:
        family = _family(address)
        try:
            (route,) = self._rtnl.route("get", family=family, dst=address, dst_len=128 if is_ipv6(address) else 32)
        except self._refusal as error:
            if error_number(error) in _NO_WAY:
                return None
            raise
        link = found.get(route.get_attr("RTA_OIF"))
        kind = _KINDS.get(route["type"], "other")
        return NextHop(kind, link.name if link else "", route.get_attr("RTA_GATEWAY") or "")


def _entry(message: Any, link: Link) -> Entry:
    mac = message.get_attr("NDA_LLADDR") or ""
    return Entry(link.name, message.get_attr("NDA_DST"), mac, bool(message["state"] & _NUD_PERMANENT))


def _family(address: str) -> int:
    return socket.AF_INET6 if is_ipv6(address) else socket.AF_INET


def _known(number: int, operation: NeighborOperation) -> Known:
    """Return reason and remedy of an errno (ndisc_allow_add in net/ipv6/ndisc.c)."""
    if isinstance(operation, SetNeighbor) and number == errno.EINVAL and is_ipv6(operation.address):
        return NO_IPV6
    return concurrent_change(number)
