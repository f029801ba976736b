# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice when a VIP or a static neighbour that was declared is gone, whoever took it away.

Whatever configures the network may flush an interface: ifdown and ifup, `nmcli device reapply`, `ip link set down`
(which takes IPv6 addresses for good). Each has hooks of its own, or none; the kernel's events are the same under all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Callable

from ._neighbor_plan import Entry
from ._neighbor_wanted import WantedNeighbors
from ._rtnl_view import Changes, Own, own_addresses, own_neighbors
from ._vip_wanted import Wanted

# Managers take an interface down and build it up in several steps; one look after them is enough.
_SETTLE_SECONDS = 1.0
_IFF_UP = 0x1
_DEVICES = "/sys/class/net"


def lost(
    state: Mapping[str, Any], up: Collection[str], addresses: Iterable[Own], neighbors: Iterable[Entry]
) -> list[str]:
    """Return, in words, what `state` declares and the host has not, on interfaces that can have it now.

    `up` names the interfaces that are up. One that is down or missing is waited for, unless it is to be created.
    """
    there = {(own.interface, own.address) for own in addresses}
    known = {(entry.interface, entry.address, entry.mac) for entry in neighbors if entry.permanent}
    words = []
    for item in state.get("vips") or ():
        wanted = Wanted.from_options(item)
        device = wanted.interface
        if wanted.present and (device in up or wanted.kind):
            gone = [vip.address for vip in wanted.vips if device not in up or (device, vip.address) not in there]
            words += [f"{address} is gone from {device}" for address in gone]
    for item in state.get("neighbors") or ():
        asked = WantedNeighbors.from_options(item)
        device = asked.interface
        if asked.present and device in up:
            unknown = [one.address for one in asked.neighbors if (device, one.address, one.mac) not in known]
            words += [f"the MAC of {address} is gone from {device}" for address in unknown]
    return words


def wait_for_loss(read_state: Callable[[], Mapping[str, Any] | None]) -> list[str]:
    """Return what is lost as soon as something is; return nothing when nothing is declared any more.

    `read_state` returns what is declared now, or None. It is asked at each change of the network.
    """
    changes = Changes()  # before the first look, so that nothing can happen between
    try:
        while True:
            state = read_state()
            if state is None:
                return []
            words = lost(state, _up_interfaces(), own_addresses(), own_neighbors() if state.get("neighbors") else ())
            if words:
                return words
            changes.wait()
            time.sleep(_SETTLE_SECONDS)
            changes.forget()
    finally:
        changes.close()


def _up_interfaces() -> set[str]:
    found = set()
    for name in os.listdir(_DEVICES):
        # One that goes away while it is looked at, and what is no device (bonding_masters), is left out.
        with suppress(OSError), open(f"{_DEVICES}/{name}/flags", encoding="ascii") as flags:
            if int(flags.read(), 16) & _IFF_UP:
                found.add(name)
    return found
