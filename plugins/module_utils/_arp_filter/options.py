# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a filter for ARP: parsed, checked and made canonical at the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._core.errors import InvalidValue
from .._core.options import choice, parse_list, switch
from .._core.owner import OWNER_OPTIONS
from .._core.vips import parse_vip_host
from .._nftables.names import parse_labels

ARP_FILTER_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    **OWNER_OPTIONS,
    "addresses": {"type": "list", "elements": "str", "default": []},
    "source_address": {"type": "str"},
    "purge": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
_REMEDY = "name this host's own IPv4 address (RIP)"


class WantedArpFilter(NamedTuple):
    """What one run wants to be kept out of ARP; with `purge` nothing else of the owner's is to be left.

    `addresses` are the VIPs of IPv4 in canonical text; `source` is the host's own address (RIP). `former_name` is what
    the filter was called before its owner was renamed (empty: as now).
    """

    name: str
    addresses: frozenset[str] = frozenset()
    source: str = ""
    purge: bool = True
    former_name: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> WantedArpFilter:
        """Return what the options of `vip_arp_filter` ask for; raise InvalidValue for what breaks a rule."""
        name, former_name = parse_labels(options)
        present = choice(options, "state", ARP_FILTER_OPTIONS) == "present"
        addresses = _addresses(options.get("addresses") or ())
        given = options.get("source_address")
        source = _source(given, addresses) if given else ""
        purge = switch(options, "purge", ARP_FILTER_OPTIONS)
        if not present:
            return cls(name, former_name=former_name)
        if not addresses:
            return cls(name, purge=purge, former_name=former_name)
        if not source:
            rule = f"is missing for {', '.join(sorted(addresses))}"
            raise InvalidValue("source_address", None, rule, _REMEDY)
        return cls(name, addresses, source, purge, former_name)


def _addresses(texts: object) -> frozenset[str]:
    """Return those of IPv4: neighbour discovery answers for the addresses of one device, so IPv6 needs nothing."""
    listed = parse_list("addresses", texts, "list each VIP, such as 192.0.2.30")
    vips = [parse_vip_host(text, "addresses") for text in listed]
    return frozenset(str(vip) for vip in vips if vip.version == 4)


def _source(text: object, addresses: frozenset[str]) -> str:
    source = parse_vip_host(text, "source_address")
    if source.version != 4:
        raise InvalidValue("source_address", text, "is not of IPv4, as ARP is", _REMEDY)
    if str(source) in addresses:
        rule = "is one of the VIPs, which ARP is not to name"
        raise InvalidValue("source_address", text, rule, _REMEDY)
    return str(source)
