# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs as people write them, parsed and checked."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from .address import is_ipv6, parse_host
from .errors import InvalidValue
from .options import parse_list

_EXAMPLE = "write one such as 192.0.2.30 or 2001:db8::30"


def parse_vip_host(text: object, option: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address, written without a prefix length; raise InvalidValue for one that can't be a VIP."""
    address = parse_host(text, option)
    for broken, rule in (
        (address.is_loopback, "is a loopback address, which every host has for itself"),
        (address.version == 6 and address.is_link_local, "is link-local, which IPVS can't serve"),
        (getattr(address, "ipv4_mapped", None), "is an IPv4 address in IPv6 clothes"),
    ):
        if broken:
            raise InvalidValue(option, text, rule, _EXAMPLE)
    return address


class Vip(NamedTuple):
    """One VIP in canonical text; `written` says whether its prefix length was written out."""

    address: str
    prefix: int
    written: bool

    @property
    def ipv6(self) -> bool:
        """Whether this is an IPv6 address."""
        return is_ipv6(self.address)

    @property
    def single(self) -> bool:
        """Whether the prefix covers the address alone."""
        return self.prefix == (128 if self.ipv6 else 32)


def parse_vips(texts: object) -> tuple[Vip, ...]:
    """Return the VIPs of a list, each once and in its order; raise InvalidValue for one that can't be a VIP."""
    vips: dict[str, Vip] = {}
    for text in parse_list("addresses", texts, _EXAMPLE, least=1):
        vip = _vip(text)
        if vips.setdefault(vip.address, vip).prefix != vip.prefix:
            raise InvalidValue("addresses", text, f"is listed with /{vips[vip.address].prefix} too", "list it once")
    return tuple(vips.values())


def _vip(text: object) -> Vip:
    host, slash, length = str(text).strip().partition("/")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise InvalidValue("addresses", text, "is not an IP address", f"{_EXAMPLE}, names are not resolved") from None
    address = parse_vip_host(host, "addresses")
    longest = address.max_prefixlen
    if slash and not (length.isascii() and length.isdigit() and 1 <= int(length) <= longest):
        raise InvalidValue("addresses", text, f"has no prefix length from 1 to {longest}", f"write {host}/{longest}")
    prefix = int(length) if slash else longest
    if address.version == 4 and prefix < 31:
        network = ipaddress.ip_network((int(address), prefix), strict=False)
        if address in (network.network_address, network.broadcast_address):
            what = "network" if address == network.network_address else "broadcast"
            raise InvalidValue("addresses", text, f"is the {what} address of {network}", f"write {host}/32, or a host")
    return Vip(str(address), prefix, bool(slash))
