# SPDX-License-Identifier: GPL-3.0-or-later
"""The address from which this host asks its segment for a VIP."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from .._core.address import is_ipv6
from .._rtnetlink.model import Own
from .packets import UNSPECIFIED


def choose_senders(addresses: Sequence[str], interface: str, own: Sequence[Own]) -> dict[str, str]:
    """Return, for each address, the host's own IPv4 address to ask from.

    It is an address of the device that is not asked for itself, best one in the network of the VIP; and 0.0.0.0, an RFC
    5227 probe, where there is none or where the host has the VIP itself, which could not be answered to otherwise.
    """
    candidates = [
        one
        for one in own
        if one.interface == interface and one.scope == 0 and not is_ipv6(one.address) and one.address not in addresses
    ]
    here = local_addresses(addresses, own)
    senders = {}
    for address in addresses:
        nearest = [one for one in candidates if _reaches(one, address)] or candidates
        usable = nearest and address not in here and not is_ipv6(address)
        senders[address] = nearest[0].address if usable else UNSPECIFIED
    return senders


def local_addresses(addresses: Sequence[str], own: Sequence[Own]) -> dict[str, str]:
    """Return those of the addresses that this host has itself, with the device that each is on."""
    return {one.address: one.interface for one in own if one.address in addresses}


def _reaches(own: Own, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network((own.address, own.prefix), strict=False)
