# SPDX-License-Identifier: GPL-3.0-or-later
"""Who answers for each VIP: which segment to ask, from which address, and what the answers mean."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._core.errors import InvalidValue
from .._core.options import in_range, parse_interface, parse_wait
from .._core.vips import parse_vips
from .._rtnetlink.model import Route
from .model import OwnerAnswer

OWNER_OPTIONS: dict[str, Any] = {
    "addresses": {"type": "list", "elements": "str", "required": True},
    "interface": {"type": "str"},
    "timeout": {"type": "float", "default": 2.0},
    "attempts": {"type": "int", "default": 2},
    "beyond": {"type": "str", "choices": ["fail", "leave_out"], "default": "fail"},
}
_LONGEST_WAIT, _MOST_ATTEMPTS = 60, 20


class OwnerInquiry(NamedTuple):
    """What to ask; `interface` is None when the routes are to say it."""

    addresses: tuple[str, ...]
    interface: str | None
    timeout: float
    attempts: int
    leave_out: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> OwnerInquiry:
        """Return what the options of `vip_owner_info` ask; raise InvalidValue for what breaks a rule."""
        vips = parse_vips(options["addresses"])
        for vip in vips:
            if not vip.single:
                text = f"{vip.address}/{vip.prefix}"
                raise InvalidValue("addresses", text, "is a whole network", f"write {vip.address}")
        interface = options.get("interface")
        return cls(
            tuple(vip.address for vip in vips),
            None if interface is None else parse_interface(interface),
            parse_wait(options, "timeout", 2.0, _LONGEST_WAIT),
            in_range("attempts", options.get("attempts", 2), 1, _MOST_ATTEMPTS),
            options.get("beyond") == "leave_out",
        )


def beyond_gateways(routes: Mapping[str, Route | None]) -> dict[str, str]:
    """Return those of the addresses that are reached through a gateway, with it; nobody here can be asked for them."""
    return {address: route.gateway for address, route in routes.items() if route and route.gateway}


def choose_interface(routes: Mapping[str, Route | None]) -> str:
    """Return the device whose segment holds every address, given the route to each; raise InvalidValue otherwise."""
    chosen: dict[str, str] = {}
    for address, route in routes.items():
        if route is None or route.gateway:
            where = (
                f"is behind the gateway {route.gateway}" if route else "is on no network that this host has a route to"
            )
            raise InvalidValue(
                "addresses", address, f"{where}, not on a segment of this host", "name the interface to ask on"
            )
        chosen.setdefault(route.interface, address)
    if len(chosen) > 1:
        where = ", ".join(f"{address} on {interface}" for interface, address in chosen.items())
        raise InvalidValue(
            "addresses", list(routes), f"are on different segments ({where})", "ask for those of each segment in a task"
        )
    return next(iter(chosen))


def summarise(
    owners: Mapping[str, Sequence[OwnerAnswer]], here: Mapping[str, str], beyond: Mapping[str, str] | None = None
) -> list[str]:
    """Return one line for each address, for people."""
    left_out = beyond or {}
    width = max(len(address) for address in (*owners, *left_out))
    lines = [
        f"{address:<{width}}  not asked for, since it is behind the gateway {gateway}"
        for address, gateway in left_out.items()
    ]
    for address, answers in owners.items():
        who = ", ".join(f"{answer.mac} ({answer.latency_ms} ms)" for answer in answers)
        if len(answers) > 1:
            who = f"CONFLICT, {len(answers)} hosts answer: {who}"
        elif not answers:
            who = "nobody answers"
        if address in here:
            who += f"; this host has it too, on {here[address]}, and does not hear itself"
        lines.append(f"{address:<{width}}  {who}")
    return lines


def check_interface(interface: str) -> None:
    """Raise InvalidValue when this host has no such device."""
    names = [name for _index, name in socket.if_nameindex()]
    if interface not in names:
        raise InvalidValue(
            "interface",
            interface,
            f"does not exist on this host, which has {', '.join(sorted(names))}",
            "name one of these",
        )
