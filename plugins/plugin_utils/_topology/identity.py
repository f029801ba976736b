# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host of the inventory an address or a name is."""

from __future__ import annotations

import ipaddress
from typing import Any

from .inventory import Inventory
from .values import several

# The variables with a host's own addresses; the name of a host can be its address too.
ADDRESSES = ("realserver_address", "director_address", "ansible_host")


class Identity:
    """Finds hosts by their own addresses. It reads all hosts when it is first asked for more than a host's name."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._known: dict[str, dict[str, None]] = {}

    def hosts(self, text: str) -> list[str]:
        """Return the host of that name, or the hosts that have this address or this ansible_host; usually one."""
        if text in self._inventory.hostvars:
            return [text]
        if not self._known:
            for host in self._inventory.hosts:
                for key in addresses_of(self._inventory, host):
                    self._known.setdefault(key, {})[host] = None
        return list(self._known.get(same(text), ()))


def addresses_of(inventory: Inventory, host: str) -> set[str]:
    """Return the addresses and names that the inventory says of a host."""
    own = inventory.own(host)
    written = [host, *(one for name in ADDRESSES for one in several(own.get(name)))]
    return {key for key in map(same, written) if key}


def same(text: Any) -> str:
    """Return what all notations of an address have in common, and a name as it is.

    Empty for what is no text, and for a loopback address, which is the address of no host in particular.
    """
    if not isinstance(text, str):
        return ""
    written = text.strip()
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return "" if written == "localhost" else written
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return "" if address.is_loopback else str(address)
