# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of static neighbour entries: parsed, checked and made canonical at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._core.address import parse_mac
from .._core.errors import InvalidValue
from .._core.options import choice, parse_interface, parse_mappings
from .._core.owner import OWNER_OPTIONS
from .._core.vips import parse_vip_host

NEIGHBOR_OPTIONS: dict[str, Any] = {
    "interface": {"type": "str", "required": True},
    "neighbors": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "address": {"type": "str", "required": True},
            "mac": {"type": "str"},
        },
    },
    **OWNER_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_EXAMPLE = "list each as address: 192.0.2.30 and mac: '52:54:00:00:00:03'"


class Neighbor(NamedTuple):
    """A VIP and the MAC of who has it, both in canonical text; None means that the MAC was left out."""

    address: str
    mac: str | None = None


class WantedNeighbors(NamedTuple):
    """What one run wants of one device; with `present` every neighbour has a MAC."""

    neighbors: tuple[Neighbor, ...]
    interface: str
    present: bool = True

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> WantedNeighbors:
        """Return what the options of `vip_neighbor` ask for; raise InvalidValue for what breaks a rule."""
        present = choice(options, "state", NEIGHBOR_OPTIONS) == "present"
        interface = parse_interface(options.get("interface") or "")
        return cls(_neighbors(options.get("neighbors"), present), interface, present)


def _neighbors(items: object, present: bool) -> tuple[Neighbor, ...]:
    neighbors: dict[str, Neighbor] = {}
    for item in parse_mappings("neighbors", items, _EXAMPLE, least=1):
        address = str(parse_vip_host(item.get("address"), "address"))
        if address in neighbors:
            raise InvalidValue("address", item["address"], "is listed twice", "list it once")
        mac = item.get("mac")
        if mac is None and present:
            raise InvalidValue(
                "mac", None, f"is missing for {address}", "name the MAC of the director, or write state: absent"
            )
        neighbors[address] = Neighbor(address, None if mac is None else parse_mac(mac, "mac"))
    return tuple(neighbors.values())
