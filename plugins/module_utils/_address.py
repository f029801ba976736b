# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as people write them, made canonical once, at the door."""

from __future__ import annotations

import ipaddress

from ._errors import InvalidValue


def parse_host(text: object, option: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the unicast host address that `text` writes.

    Raises InvalidValue for what is not an address, is a network or carries a prefix, or can't belong to one host
    (unspecified, multicast, IPv4 limited broadcast).
    """
    try:
        address = ipaddress.ip_address(str(text).strip())
    except ValueError:
        raise InvalidValue(
            option,
            text,
            "is not an IP address",
            "write one such as 192.0.2.30 or 2001:db8::30, without a prefix length",
        ) from None
    for broken, rule in (
        (address.is_unspecified, "is the unspecified address"),
        (address.is_multicast, "is a multicast address"),
        (str(address) == "255.255.255.255", "is the broadcast address"),
    ):
        if broken:
            raise InvalidValue(option, text, rule, "name the unicast address of one host")
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise InvalidValue(option, text, "carries a zone", "write the address without %" + address.scope_id)
    return address
