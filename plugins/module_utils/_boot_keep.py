# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice when a VIP or a static neighbour that was declared is gone, whoever took it away.

Whatever configures the network may flush an interface: ifdown and ifup, `nmcli device reapply`, `ip link set down`
(which takes IPv6 addresses for good). Each has hooks of its own, or none; the kernel's events are the same under all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ._neighbor_wanted import WantedNeighbors
from ._rtnl_codec import HostAddress, HostNeighbor
from ._rtnl_watch import Events, host_addresses, host_neighbors
from ._vip_wanted import Wanted

# Managers take an interface down and build it up in several steps; one look after them is enough.
_SETTLE_SECONDS = 1.0
_IFF_UP = 0x1
_DEVICES = "/sys/class/net"


def lost(
    state: Mapping[str, Any],
    interfaces: Mapping[str, int],
    addresses: Iterable[HostAddress],
    neighbors: Iterable[HostNeighbor],
) -> list[str]:
    """Return, in words, what `state` declares and the host has not, on interfaces that can have it now.

    `interfaces` are those that are up, with their numbers. One that is down or missing is waited for, unless it is to
    be created.
    """
    there = {(held.interface, held.address) for held in addresses}
    known = {(entry.interface, entry.address, entry.mac) for entry in neighbors if entry.permanent}
    words = []
    for item in state.get("vips") or ():
        wanted = Wanted.from_options(item)
        number = interfaces.get(wanted.interface)
        if wanted.present and (number is not None or wanted.kind):
            words += [
                f"{vip.address} is gone from {wanted.interface}"
                for vip in wanted.vips
                if (number, vip.address) not in there
            ]
    for item in state.get("neighbors") or ():
        asked = WantedNeighbors.from_options(item)
        number = interfaces.get(asked.interface)
        if asked.present and number is not None:
            words += [
                f"the MAC of {one.address} is gone from {asked.interface}"
                for one in asked.neighbors
                if (number, one.address, one.mac) not in known
            ]
    return words


def wait_for_loss(read_state: Any, events: Events | None = None) -> list[str]:
    """Return what is lost as soon as something is; return nothing when nothing is declared any more.

    `read_state` returns what is declared now, or None. It is asked at each change of the network.
    """
    events = events or Events()  # before the first look, so that nothing can happen between
    try:
        while True:
            state = read_state()
            if state is None:
                return []
            words = lost(state, _up_interfaces(), host_addresses(), host_neighbors() if state.get("neighbors") else ())
            if words:
                return words
            events.wait()
            time.sleep(_SETTLE_SECONDS)
            events.forget()
    finally:
        events.close()


def _up_interfaces() -> dict[str, int]:
    found = {}
    for name in os.listdir(_DEVICES):
        try:
            if int(_read(name, "flags"), 16) & _IFF_UP:
                found[name] = int(_read(name, "ifindex"))
        except (OSError, ValueError):
            continue  # it went away while it was looked at, or is no device (bonding_masters)
    return found


def _read(device: str, attribute: str) -> str:
    with open(f"{_DEVICES}/{device}/{attribute}", encoding="ascii") as source:
        return source.read()
