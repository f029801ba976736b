# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices and addresses of this host through rtnetlink, with pyroute2: read, and changed by the steps of a plan.

pyroute2 is imported only here, and only when a client is made: the import costs seconds on a slow host. What is used
of it means the same in 0.5.14, 0.7.x and 0.9.x.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ._arp_client import announce
from ._errors import KernelRefusal, NotPermitted, NotSupported
from ._vip_model import (
    FALLBACKS,
    SCOPES,
    AddAddress,
    AddLink,
    Announce,
    Current,
    Held,
    Link,
    LowerLink,
    RaiseLink,
    RemoveAddress,
    RemoveLink,
    SettleAddress,
    VipOperation,
)
from ._vip_wanted import Wanted

# include/uapi/linux: if.h, if_arp.h, if_addr.h, netlink.h, rtnetlink.h
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_ARPHRD_ETHER = 1
_IFA_F_SECONDARY, _IFA_F_NODAD, _IFA_F_DADFAILED = 0x01, 0x02, 0x08
_IFA_F_DEPRECATED, _IFA_F_NOPREFIXROUTE = 0x20, 0x200
_FOREVER = 0xFFFFFFFF
# Written out, since 0.5.14 deletes with the flags of a creation; newer kernels take those for a bulk deletion
# and refuse (EOPNOTSUPP).
_DELETE_LINK, _DELETE_ADDRESS = (17, 0x1 | 0x4), (21, 0x1 | 0x4)

_SCOPE_WORDS = {number: word for word, number in SCOPES.items()}
_CONF = "/proc/sys/net/ipv4/conf"
# A tunnel that the module creates is external, in the words of ip-link(8): it takes what comes from any director to
# any address of this host. With neither end given it would be the kernel's fallback device, tunl0, of which there is
# but one; with a local end it would have to be told that address (ip_tunnel_lookup in net/ipv4/ip_tunnel.c).
TUNNELS = tuple(FALLBACKS.values())
LIBRARY, PACKAGE = "pyroute2", "python3-pyroute2"


class LibraryMissing(NotSupported):
    """pyroute2 is not there."""


class VipClient:
    """One open conversation with rtnetlink in the current network namespace.

    Raises LibraryMissing without pyroute2, NotPermitted without CAP_NET_ADMIN, and KernelRefusal, with the step in
    words, for whatever else the kernel refuses.
    """

    def __init__(self) -> None:
        try:
            from pyroute2 import IPRoute, NetlinkError
        except ImportError:
            raise LibraryMissing(
                f"The Python library {LIBRARY} is missing on this host; install the package {PACKAGE}."
            ) from None
        self._refusal: type[Exception] = NetlinkError
        self._rtnl: Any = IPRoute()

    def close(self) -> None:
        """End the conversation."""
        self._rtnl.close()

    def read(self, wanted: Wanted) -> Current:
        """Return all devices and addresses of this host; `promotes` is looked up for the wanted device only."""
        with self._explained("read devices and addresses"):
            links = {message["index"]: _link(message, wanted.interface) for message in self._rtnl.get_links()}
            held = [_held(message, links) for message in self._rtnl.get_addr()]
        return Current({link.name: link for link in links.values()}, tuple(one for one in held if one))

    def apply(self, operations: Sequence[VipOperation]) -> None:
        """Carry out the steps in their order; the first one that is refused ends it."""
        for operation in operations:
            if isinstance(operation, Announce):
                announce(operation.interface, operation.addresses, operation.times, operation.interval)
            else:
                with self._explained(operation.words, operation):
                    self._change(operation)

    def _change(self, operation: VipOperation) -> None:
        if isinstance(operation, AddLink):
            self._add_link(operation)
        elif isinstance(operation, (RaiseLink, LowerLink)):
            state = "up" if isinstance(operation, RaiseLink) else "down"
            self._rtnl.link("set", index=socket.if_nametoindex(operation.interface), state=state)
        elif isinstance(operation, RemoveLink):
            self._rtnl.link(_DELETE_LINK, index=socket.if_nametoindex(operation.interface))
        elif isinstance(operation, AddAddress):
            self._rtnl.addr("add", **_fields(operation.held))
        elif isinstance(operation, SettleAddress):
            self._rtnl.addr("replace", **_fields(operation.held))
        elif isinstance(operation, RemoveAddress):
            with _promoting(operation.held.interface if operation.promote else None):
                self._rtnl.addr(_DELETE_ADDRESS, **_identity(operation.held))

    def _add_link(self, operation: AddLink) -> None:
        tunnel = {f"{operation.kind}_collect_metadata": True} if operation.kind in TUNNELS else {}
        try:
            self._rtnl.link("add", ifname=operation.interface, kind=operation.kind, **tunnel)
        except self._refusal as error:
            # Asking for it has loaded the module, which made this very device.
            if int(getattr(error, "code", 0)) != errno.EEXIST or FALLBACKS.get(operation.interface) != operation.kind:
                raise

    @contextmanager
    def _explained(self, what: str, operation: VipOperation | None = None) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _refusal(what, error.errno or 0, operation) from None
        except self._refusal as error:
            raise _refusal(what, int(getattr(error, "code", 0)), operation) from None


def _link(message: Any, detailed: str) -> Link:
    name, flags = message.get_attr("IFLA_IFNAME"), message["flags"]
    info = message.get_attr("IFLA_LINKINFO")
    arp = message["ifi_type"] == _ARPHRD_ETHER and not flags & (_IFF_LOOPBACK | _IFF_NOARP)
    return Link(
        name,
        (info.get_attr("IFLA_INFO_KIND") if info else None) or "",
        up=bool(flags & _IFF_UP),
        arp=arp,
        loopback=bool(flags & _IFF_LOOPBACK),
        # The kernel ors the two (IN_DEV_PROMOTE_SECONDARIES).
        promotes=name == detailed
        and any(_setting(f"{_CONF}/{where}/promote_secondaries") == "1" for where in ("all", name)),
        mac=(message.get_attr("IFLA_ADDRESS") or "") if arp else "",
    )


def _held(message: Any, links: dict[int, Link]) -> Held | None:
    index, family = message["index"], message["family"]
    if index not in links or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    far = message.get_attr("IFA_ADDRESS")
    address = message.get_attr("IFA_LOCAL") or far
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    ipv6 = family == socket.AF_INET6
    return Held(
        links[index].name,
        address,
        message["prefixlen"],
        _SCOPE_WORDS.get(message["scope"], str(message["scope"])),
        "" if ipv6 else message.get_attr("IFA_LABEL") or "",
        peer=far if far != address else "",
        # For IPv6 the same bit means a temporary address.
        secondary=not ipv6 and bool(flags & _IFA_F_SECONDARY),
        deprecated=ipv6 and bool(flags & _IFA_F_DEPRECATED),
        plain=ipv6 and bool(flags & _IFA_F_NOPREFIXROUTE),
        usable=not (ipv6 and flags & _IFA_F_DADFAILED),
    )


def _identity(held: Held) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "index": socket.if_nametoindex(held.interface),
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
        "flags": _IFA_F_NODAD | (_IFA_F_NOPREFIXROUTE if held.plain else 0),
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


def _setting(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _set(path: str, value: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(value)


def _refusal(what: str, number: int, operation: VipOperation | None) -> KernelRefusal:
    if number == errno.EPERM:
        return NotPermitted(
            f"Not allowed to {what}: this needs CAP_NET_ADMIN; run the task as root (become: true).", number
        )
    return KernelRefusal(f"The kernel refused to {what}: {_reason(number, operation)}.", number)


def _reason(number: int, operation: VipOperation | None) -> str:
    """Return why, and what to do: an errno's meaning depends on the step (net/ipv4/devinet.c, net/ipv6/addrconf.c)."""
    if isinstance(operation, AddLink) and number == errno.EEXIST and operation.kind in TUNNELS:
        return (
            f"it has one external {operation.kind} device at most, and this host has that already; name it as the "
            "interface, or remove it"
        )
    ipv6 = isinstance(operation, (AddAddress, SettleAddress)) and operation.held.ipv6
    if number in (errno.EEXIST, errno.EADDRNOTAVAIL, errno.ENODEV):
        return f"another program changed it at the same moment ({os.strerror(number)}); run the task again"
    if isinstance(operation, AddLink) and number == errno.EOPNOTSUPP:
        instead = "" if operation.kind in TUNNELS else ", or use lo"
        return f"it has no {operation.kind} devices; install the kernel's {operation.kind} module{instead}"
    if ipv6 and number in (errno.EACCES, errno.EOPNOTSUPP):
        return "IPv6 is switched off there (disable_ipv6); switch it on, or leave IPv6 addresses out"
    if isinstance(operation, RemoveAddress) and operation.promote and number in (errno.EACCES, errno.EROFS):
        return "its secondaries would fall with it, and promote_secondaries can't be set; set that sysctl to 1 first"
    return f"{os.strerror(number)} (errno {number})"
