# SPDX-License-Identifier: GPL-3.0-or-later
"""Notice when a VIP, a static neighbour or a rule that was declared is gone, whoever took it away.

Whatever configures the network may flush an interface: ifdown and ifup, `nmcli device reapply`, `ip link set down`
(which takes IPv6 addresses for good). Each has hooks of its own, or none; the kernel's events are the same under all.
So it is with whatever loads a packet filter: `nft -f`, `systemctl reload nftables`, `ufw enable`, `iptables-restore`.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from typing import Any, Callable

from .._neighbor.options import WantedNeighbors
from .._nftables.monitor import RuleChanges, generation
from .._rtnetlink.model import Entry, Own
from .._rtnetlink.monitor import Changes
from .._rtnetlink.state import own_addresses, own_neighbors
from .._vip.options import VipSpec

# Managers take an interface down and build it up in several steps; one look after them is enough.
_SETTLE_SECONDS = 1.0
_IFF_UP = 0x1
# The parts of what is declared that are rules of nftables.
OF_RULES = ("firewall", "arp_filters")
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
        wanted = VipSpec.from_options(item)
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


def wait_for_loss(
    read_state: Callable[[], Mapping[str, Any] | None],
    rules: int = 0,
    follow: Callable[[Mapping[str, Any]], None] = lambda _state: None,
) -> list[str] | None:
    """Return what is lost as soon as something is, and an empty list as soon as a packet filter's rule may be.

    Returns None when nothing is declared any more. `read_state` returns what is declared now, or None; it is asked at
    each change of the network, and `follow` is called with it, before that settles and after. `rules` is the generation
    of the rules that were all there.
    """
    with ExitStack() as sockets:
        # Before the first look, so that nothing can happen between.
        changes = sockets.enter_context(closing(Changes()))
        rule_changes: RuleChanges | None = None
        while True:
            state = read_state()
            if state is None:
                return None
            follow(state)
            if any(state.get(part) for part in OF_RULES) and rule_changes is None:
                rule_changes = sockets.enter_context(closing(RuleChanges()))
                if generation() != rules:
                    time.sleep(_SETTLE_SECONDS)
                    return []
            words = lost(state, _up_interfaces(), own_addresses(), own_neighbors() if state.get("neighbors") else ())
            # What is lost of the rules only libnftables can tell, which is not held in memory for that.
            if words or (rule_changes and rule_changes.seen()):
                return words
            select.select([one.fileno() for one in (changes, rule_changes) if one], [], [])
            # At once: a director that has just become master is challenged as a standby until its gate says so.
            state = read_state()
            if state is None:
                return None
            follow(state)
            time.sleep(_SETTLE_SECONDS)
            changes.forget()


def _up_interfaces() -> set[str]:
    found = set()
    for name in os.listdir(_DEVICES):
        # One that goes away while it is looked at, and what is no device (bonding_masters), is left out.
        with suppress(OSError), open(f"{_DEVICES}/{name}/flags", encoding="ascii") as flags:
            if int(flags.read(), 16) & _IFF_UP:
                found.add(name)
    return found
