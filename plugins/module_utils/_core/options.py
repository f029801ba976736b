# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the options of several modules share."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple

from .address import parse_host
from .errors import InvalidValue

# Device and label names are char[IFNAMSIZ] with a closing zero (include/uapi/linux/if.h).
_LONGEST_NAME = 15
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


def parse_interface(name: object, labels: bool = False) -> str:
    """Return the name of a device; raise InvalidValue for what the kernel does not take (dev_valid_name).

    `labels` says whether the module that is spoken of has an option for them.
    """
    text = str(name)
    if ":" in text:
        device = text.partition(":")[0]
        remedy = f"write interface: {device}" + (f" and label: {text}" if labels else "")
        raise InvalidValue("interface", text, "is a label, not a device", remedy)
    if not text or len(text.encode()) > _LONGEST_NAME or text in (".", "..") or "/" in text or text.split() != [text]:
        raise InvalidValue(
            "interface", text, f"is not a device name (1 to {_LONGEST_NAME} bytes, no space, no /)", "see `ip link`"
        )
    return text


def choice(options: Mapping[str, Any], name: str, spec: Mapping[str, Any]) -> str | None:
    """Return the value of an option; raise InvalidValue when it is none of the choices that `spec` gives it."""
    value, choices = options.get(name), spec[name]["choices"]
    if value is not None and value not in choices:
        raise InvalidValue(name, value, "is not a choice", f"choose from {', '.join(choices)}")
    return value


def in_range(option: str, value: int, lowest: int, highest: int) -> int:
    """Return the value; raise InvalidValue unless it is from `lowest` to `highest`."""
    if not lowest <= value <= highest:
        raise InvalidValue(option, value, "is out of range", f"give a number from {lowest} to {highest}")
    return value


class Vip(NamedTuple):
    """One VIP in canonical text; `written` says whether its prefix length was written out."""

    address: str
    prefix: int
    written: bool

    @property
    def ipv6(self) -> bool:
        """Whether this is an IPv6 address."""
        return ":" in self.address

    @property
    def single(self) -> bool:
        """Whether the prefix covers the address alone."""
        return self.prefix == (128 if self.ipv6 else 32)


def parse_vips(texts: object) -> tuple[Vip, ...]:
    """Return the VIPs of a list, each once and in its order; raise InvalidValue for one that can't be a VIP."""
    if isinstance(texts, str) or not isinstance(texts, (list, tuple)) or not texts:
        raise InvalidValue("addresses", texts, "is not a list with at least one address", _EXAMPLE)
    vips: dict[str, Vip] = {}
    for text in texts:
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
