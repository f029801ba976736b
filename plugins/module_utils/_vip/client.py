# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and addresses of this host through rtnetlink: read, and changed by the steps of a plan."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from .._rtnetlink.dump import addresses, links
from .._rtnetlink.library import DELETE_FLAGS, NO_IPV6, Known, RtnlClient, concurrent_change, error_number, link_index
from .._rtnetlink.model import FALLBACKS, SCOPES, TUNNELS, Address
from .model import CurrentVips, Held
from .operations import (
    AddAddress,
    AddLink,
    Announce,
    LowerLink,
    RaiseLink,
    RemoveAddress,
    RemoveLink,
    SettleAddress,
    VipOperation,
)
from .options import VipSpec

# include/uapi/linux: if_addr.h, rtnetlink.h
_IFA_F_SECONDARY, _IFA_F_NODAD, _IFA_F_DADFAILED = 0x01, 0x02, 0x08
_IFA_F_DEPRECATED, _IFA_F_NOPREFIXROUTE = 0x20, 0x200
_FOREVER = 0xFFFFFFFF
_RTM_DELLINK, _RTM_DELADDR = 17, 21

_SCOPE_WORDS = {number: word for word, number in SCOPES.items()}
_CONF = "/proc/sys/net/ipv4/conf"


class VipClient(RtnlClient):
    """Reads and changes devices and addresses."""

    def read(self, wanted: VipSpec | Sequence[VipSpec]) -> CurrentVips:
        """Return all devices and addresses of this host; `promotes` is looked up for the wanted devices only."""
        found = links()
        held = tuple(_held(one, found[one.device].name) for one in addresses() if one.device in found)
        named = {link.name: link for link in found.values()}
        for one in (wanted,) if isinstance(wanted, VipSpec) else wanted:
            if one.interface in named:
                named[one.interface] = named[one.interface]._replace(promotes=_promotes(one.interface))
        return CurrentVips(named, held)

    def apply(self, operations: Sequence[VipOperation]) -> None:
        """Carry out the steps in their order; the first one that is refused ends it."""
        for operation in operations:
            if isinstance(operation, Announce):
                from .._arp.client import announce  # a run that changes nothing does not compile it

                announce(operation.interface, operation.addresses, operation.times, operation.interval)
            else:
                with self._explained(operation.words, partial(_known, operation=operation)):
                    self._change(operation)

    def _change(self, operation: VipOperation) -> None:
        if isinstance(operation, AddLink):
            self._add_link(operation)
        elif isinstance(operation, (RaiseLink, LowerLink)):
            state = "up" if isinstance(operation, RaiseLink) else "down"
            self._rtnl.link("set", index=link_index(operation.interface), state=state)
        elif isinstance(operation, RemoveLink):
            self._rtnl.link((_RTM_DELLINK, DELETE_FLAGS), index=link_index(operation.interface))
        elif isinstance(operation, AddAddress):
            self._rtnl.addr("add", **_fields(operation.held))
        elif isinstance(operation, SettleAddress):
            self._rtnl.addr("replace", **_fields(operation.held))
        elif isinstance(operation, RemoveAddress):
            with _promoting(operation.held.interface if operation.promote else None):
                self._rtnl.addr((_RTM_DELADDR, DELETE_FLAGS), **_identity(operation.held))

    def _add_link(self, operation: AddLink) -> None:
        # A tunnel that the module creates is external, in the words of ip-link(8): it takes what comes from any
        # director to any address of this host. With neither end given it would be the kernel's fallback device, tunl0,
        # of which there is but one; with a local end it would have to be told that address (ip_tunnel_lookup in
        # net/ipv4/ip_tunnel.c).
        tunnel = {f"{operation.kind}_collect_metadata": True} if operation.kind in TUNNELS else {}
        try:
            self._rtnl.link("add", ifname=operation.interface, kind=operation.kind, **tunnel)
        except self._refusal as error:
            # Asking for it has loaded the module, which made this very device.
            if error_number(error) != errno.EEXIST or FALLBACKS.get(operation.interface) != operation.kind:
                raise


def _held(one: Address, interface: str) -> Held:
    ipv6 = one.family == socket.AF_INET6
    return Held(
        interface,
        one.address,
        one.prefix,
        _SCOPE_WORDS.get(one.scope, str(one.scope)),
        "" if ipv6 else one.label,
        peer=one.far if one.far != one.address else "",
        # For IPv6 the same bit means a temporary address.
        secondary=not ipv6 and bool(one.flags & _IFA_F_SECONDARY),
        deprecated=ipv6 and bool(one.flags & _IFA_F_DEPRECATED),
        noprefixroute=ipv6 and bool(one.flags & _IFA_F_NOPREFIXROUTE),
        usable=not (ipv6 and one.flags & _IFA_F_DADFAILED),
    )


def _identity(held: Held) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "index": link_index(held.interface),
        "family": socket.AF_INET6 if held.ipv6 else socket.AF_INET,
        "address": held.peer or held.address,
        "prefixlen": held.prefix,
    }
    return {**fields, "local": held.address} if held.peer else fields


def _fields(held: Held) -> dict[str, Any]:
    fields = _identity(held)
    if not held.ipv6:
        scope = SCOPES[held.scope] if held.scope in SCOPES else int(held.scope)
        return {**fields, "scope": scope, "label": held.label}
    return {
        **fields,
        "flags": _IFA_F_NODAD | (_IFA_F_NOPREFIXROUTE if held.noprefixroute else 0),
        # The lifetimes three times, in this order: 0.5.14 knows the raw attribute only; 0.7.x loses the named ones,
        # and takes `preferred` from inside the attribute; 0.9.x ignores the attribute's and takes the named ones.
        "preferred_lft": 0 if held.deprecated else _FOREVER,
        "valid_lft": _FOREVER,
        "cacheinfo": {
            "ifa_preferred": 0 if held.deprecated else _FOREVER,
            "ifa_valid": _FOREVER,
            "preferred": 0 if held.deprecated else _FOREVER,
            "valid": _FOREVER,
        },
    }


@contextmanager
def _promoting(interface: str | None) -> Iterator[None]:
    """Switch promote_secondaries on meanwhile: the secondaries of what is removed then never leave the device.

    Removing and adding them again would lose their routes, and the host if it died in between.
    """
    if interface is None:
        yield
        return
    path = f"{_CONF}/{interface}/promote_secondaries"
    _set(path, "1")
    try:
        yield
    finally:
        _set(path, "0")


def _promotes(interface: str) -> bool:
    # The kernel ors the two (IN_DEV_PROMOTE_SECONDARIES).
    return any(_setting(f"{_CONF}/{where}/promote_secondaries") == "1" for where in ("all", interface))


def _setting(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _set(path: str, value: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(value)


def _known(number: int, operation: VipOperation) -> Known:
    """Return reason and remedy of an errno; they depend on the step (net/ipv4/devinet.c, net/ipv6/addrconf.c)."""
    if isinstance(operation, AddLink) and number == errno.EEXIST and operation.kind in TUNNELS:
        rule = f"it allows one external {operation.kind} device, and this host has that already"
        return rule, "name that device as the interface, or remove it"
    ipv6 = isinstance(operation, (AddAddress, SettleAddress)) and operation.held.ipv6
    if isinstance(operation, AddLink) and number == errno.EOPNOTSUPP:
        instead = "" if operation.kind in TUNNELS else ", or use lo"
        return f"it has no {operation.kind} devices", f"install the kernel's {operation.kind} module{instead}"
    if ipv6 and number in (errno.EACCES, errno.EOPNOTSUPP):
        return NO_IPV6
    if isinstance(operation, RemoveAddress) and operation.promote and number in (errno.EACCES, errno.EROFS):
        rule = "this would remove its secondary addresses too, and promote_secondaries cannot be set"
        return rule, "set that sysctl to 1 first"
    return concurrent_change(number)
