# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as people write them, made canonical once, at the door."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from .errors import InvalidValue

# Six pairs of hexadecimal digits with colons or hyphens, or three groups of four with dots
_MAC = re.compile(r"[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){5})|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}")


def parse_host(text: object, option: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the unicast host address that `text` writes.

    Raises InvalidValue for what is not an address, is a network or carries a prefix, or can't belong to one host
    (unspecified, multicast, IPv4 limited broadcast).
    """
    try:
        address, broken = _judged(str(text).strip())
    except ValueError:
        raise InvalidValue(
            option,
            text,
            "is not an IP address",
            "write one such as 192.0.2.30 or 2001:db8::30, without a prefix length",
        ) from None
    if broken:
        raise InvalidValue(option, text, broken, "name the unicast address of one host")
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise InvalidValue(option, text, "carries a zone", "write the address without %" + address.scope_id)
    return address


@lru_cache(maxsize=1024)  # a real server is in many pools
def _judged(text: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, str]:
    """Return the address, and the rule that keeps it from being one host's (empty: none); raise ValueError."""
    address = ipaddress.ip_address(text)
    if address.is_unspecified:
        return address, "is the unspecified address"
    if address.is_multicast:
        return address, "is a multicast address"
    return address, "is the broadcast address" if str(address) == "255.255.255.255" else ""


def parse_mac(text: object, option: str) -> str:
    """Return the MAC of one device that `text` writes, in lower case with colons.

    Raises InvalidValue for what is not a MAC, or can't belong to one device (zero, broadcast, multicast).
    """
    written = str(text).strip().lower()
    if not _MAC.fullmatch(written):
        # YAML 1.1 reads six groups of decimal digits with colons as one number to the base 60.
        raise InvalidValue(option, text, "is not a MAC", "write one such as '52:54:00:00:00:03', in quotes")
    octets = bytes.fromhex(re.sub("[^0-9a-f]", "", written))
    for broken, rule in (
        (not any(octets), "is the zero MAC"),
        (octets == b"\xff" * 6, "is the broadcast MAC"),
        (octets[0] & 1, "is a multicast MAC"),
    ):
        if broken:
            raise InvalidValue(option, text, rule, "name the MAC of one device")
    return octets.hex(":")


def is_ipv6(address: str) -> bool:
    """Whether the text of an address, which is canonical already, is IPv6."""
    return ":" in address


def version(address: str) -> int:
    """Return 4 or 6."""
    return 6 if is_ipv6(address) else 4


def same_family(one: str, other: str) -> bool:
    """Whether both addresses are IPv4, or both IPv6."""
    return is_ipv6(one) == is_ipv6(other)


def endpoint(address: str, port: int | str) -> str:
    """Return address and port as one text, such as ``192.0.2.4:80`` or ``[2001:db8::4]:80``."""
    return f"[{address}]:{port}" if is_ipv6(address) else f"{address}:{port}"


def endpoint_address(text: str) -> str:
    """Return the address of an endpoint, such as ``2001:db8::4`` of ``[2001:db8::4]:80``."""
    return text.rpartition(":")[0].strip("[]")


def packed(address: str) -> bytes:
    """Return the bytes of an address that is canonical already, which sort as people sort addresses."""
    # A table has thousands of servers, and ipaddress takes more than twice as long for an IPv4 address.
    return ipaddress.IPv6Address(address).packed if is_ipv6(address) else bytes(map(int, address.split(".")))
