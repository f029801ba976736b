# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a preflight has to know of this host; changes nothing, and needs no library."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from .._arp.client import PROBE_INTERVAL, PROBES, find_owners
from .._arp.owners import check_interface
from .._arp.senders import choose_senders
from .._core.errors import InvalidValue, LvsError, NotPermitted
from .._ipvs.schedulers import check_scheduler
from .._owner.summary import read_summaries
from .._rtnetlink.model import Own
from .._rtnetlink.routes import main_routes, routes_to
from .._rtnetlink.state import own_addresses
from .managers import managers
from .model import ABSENT, BUILT_IN, LIBRARIES, LOADED, MODULE, UNKNOWN, Gateway, Hop, HostFacts, Interface, Scheduler
from .reverse_path import filtered_addresses

# include/uapi/linux: sockios.h, if.h, if_arp.h
_SIOCGIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8927
_IFREQ = struct.Struct("16s24x")
_IFF_UP, _IFF_LOOPBACK, _IFF_NOARP = 0x1, 0x8, 0x80
_ARPHRD_ETHER = 1
_TREES = ("/lib/modules", "/usr/lib/modules")


def read_facts(addresses: Sequence[str], schedulers: Sequence[str], interface: str | None, root: str = "") -> HostFacts:
    """Return the facts of this host; ask the segment for `addresses`, on `interface` or where the routes lead.

    Raises NotPermitted without CAP_NET_RAW when there is something to ask, KernelRefusal when addresses can't be read.
    """
    own, release = own_addresses(), os.uname().release
    tree = next((tree for tree in _TREES if os.path.isdir(f"{root}{tree}/{release}")), _TREES[0])
    hops = {
        address: Hop(route.interface, route.gateway) if route else Hop()
        for address, route in routes_to(addresses).items()
    }
    owners, unasked = ask(hops, interface, own)
    interfaces = _interfaces(own)
    return HostFacts(
        kernel=release,
        interfaces=interfaces,
        gateways=default_gateways(),
        ip_vs=ip_vs_state(release, root),
        schedulers={name: _scheduler(name, release, root + tree) for name in schedulers},
        managers=managers(root, {one.name: one.addresses for one in interfaces}),
        owners=owners,
        unasked=unasked,
        # To find one costs next to nothing; to import it may cost seconds.
        libraries=tuple(name for name in LIBRARIES if importlib.util.find_spec(name)),
        routes=hops,
        filtered=filtered_addresses(interfaces, addresses),
        ipv6_forwarding=bool(_sysctl("all", "forwarding", "ipv6")),
        declarations=read_summaries(root),
    )


def ip_vs_state(release: str, root: str = "") -> str:
    """Return whether the kernel that runs has IPVS: loaded, builtin, module, absent, or unknown (modules hidden)."""
    if os.path.exists(f"{root}/proc/net/ip_vs") or os.path.isdir(f"{root}/sys/module/ip_vs"):
        return LOADED
    for tree in _TREES:
        directory = f"{root}{tree}/{release}"
        built_in, modules = _lines(f"{directory}/modules.builtin"), _lines(f"{directory}/modules.dep")
        if built_in is None or modules is None:
            continue
        if any(line.split(".ko")[0].endswith("/ip_vs") for line in built_in):
            return BUILT_IN
        return MODULE if any(line.split(".ko")[0].endswith("/ip_vs") for line in modules) else ABSENT
    return UNKNOWN


def default_gateways() -> tuple[Gateway, ...]:
    """Return the gateways of the main table's default routes, of both families; the preferred one of each first."""
    defaults = [route for route in main_routes() if route.network.prefixlen == 0 and route.gateway]
    defaults.sort(key=lambda route: (route.network.version, route.metric))
    return tuple(Gateway(route.gateway, route.interface) for route in defaults)


def ask(
    hops: Mapping[str, Hop], interface: str | None, own: Sequence[Own]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return the MACs that answer for each address, and the reason for each that could not be asked for."""
    segments: dict[str, list[str]] = {}
    owners: dict[str, tuple[str, ...]] = {}
    unasked: dict[str, str] = {}
    for address, hop in hops.items():
        device = hop.interface if hop.on_link else interface
        if device:
            segments.setdefault(device, []).append(address)
        else:
            unasked[address] = "it is on no segment of this host"
    for device, asked in segments.items():
        try:
            check_interface(device)
            found = find_owners(device, choose_senders(asked, device, own), PROBES * PROBE_INTERVAL, PROBES)
        except NotPermitted:
            raise
        except LvsError as error:
            unasked.update(dict.fromkeys(asked, str(error)))
        else:
            owners.update({address: tuple(answer.mac for answer in answers) for address, answers in found.items()})
    return owners, unasked


def _interfaces(own: Sequence[Own]) -> tuple[Interface, ...]:
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as query:
        for _index, name in socket.if_nameindex():
            with suppress(OSError):  # the device has just gone
                found.append(_interface(query, name, own))
    return tuple(found)


def _interface(query: socket.socket, name: str, own: Iterable[Own]) -> Interface:
    request = _IFREQ.pack(name.encode())
    flags = struct.unpack_from("=H", fcntl.ioctl(query, _SIOCGIFFLAGS, request), 16)[0]
    kind, mac = struct.unpack_from("=H6s", fcntl.ioctl(query, _SIOCGIFHWADDR, request), 16)
    return Interface(
        name,
        mac.hex(":") if kind == _ARPHRD_ETHER else "",
        up=bool(flags & _IFF_UP),
        addresses=tuple(f"{one.address}/{one.prefix}" for one in own if one.interface == name),
        proxy_arp=bool(_effective(name, "proxy_arp")),
        arp_filter=bool(_effective(name, "arp_filter")),
        forwarding=bool(_sysctl(name, "forwarding")),
        arp_ignore=_effective(name, "arp_ignore"),
        arp=not flags & (_IFF_LOOPBACK | _IFF_NOARP),
        accept_local=bool(_effective(name, "accept_local")),
        rp_filter=_effective(name, "rp_filter"),
    )


def _effective(name: str, key: str) -> int:
    """Return the value that acts on a device: the larger one, which also switches on what either does.

    IN_DEV_MAXCONF and IN_DEV_ORCONF in include/linux/inetdevice.h.
    """
    return max(_sysctl("all", key), _sysctl(name, key))


def _sysctl(name: str, key: str, family: str = "ipv4") -> int:
    text = (_lines(f"/proc/sys/net/{family}/conf/{name}/{key}") or ["0"])[0].strip()
    return int(text) if text.isdigit() else 0


def _scheduler(name: str, release: str, tree: str) -> Scheduler:
    try:
        check_scheduler(name, release, tree)
    except InvalidValue as error:
        return Scheduler(False, error.remedy)
    return Scheduler(True)


def _lines(path: str) -> list[str] | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read().splitlines()
    except OSError:
        return None
