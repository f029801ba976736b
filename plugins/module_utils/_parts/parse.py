# SPDX-License-Identifier: GPL-3.0-or-later
"""Each part of a declaration, parsed by its own module's options; raises InvalidValue as that module does.

Packages are imported where they are needed: a declaration that is kept unchanged is not parsed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._arp_filter.options import WantedArpFilter
    from .._firewall.options import WantedFirewall
    from .._gate.model import Gate
    from .._ipvs.options import WantedService
    from .._neighbor.options import WantedNeighbors
    from .._sync.options import WantedSync
    from .._vip.options import VipSpec


def parse_vip(options: Mapping[str, Any]) -> VipSpec:
    """Return VIPs on one device, from the options of vip_iface."""
    from .._vip.options import VipSpec

    return VipSpec.from_options(options)


def parse_service(options: Mapping[str, Any]) -> WantedService:
    """Return one virtual service, from the options of ipvs_service."""
    from .._ipvs.options import parse_service as parse

    return parse(options)


def parse_neighbors(options: Mapping[str, Any]) -> WantedNeighbors:
    """Return neighbour entries of one device, from the options of vip_neighbor."""
    from .._neighbor.options import WantedNeighbors

    return WantedNeighbors.from_options(options)


def parse_arp_filter(options: Mapping[str, Any]) -> WantedArpFilter:
    """Return one ARP filter, from the options of vip_arp_filter."""
    from .._arp_filter.options import WantedArpFilter

    return WantedArpFilter.from_options(options)


def parse_firewall(options: Mapping[str, Any]) -> WantedFirewall:
    """Return one owner's openings and marks, from the options of vip_firewall."""
    from .._firewall.options import WantedFirewall

    return WantedFirewall.from_options(options)


def parse_sync(options: Mapping[str, Any]) -> WantedSync:
    """Return sync daemons and their sysctls, from the options of ipvs_sync."""
    from .._sync.options import WantedSync

    return WantedSync.from_options(options)


def parse_gate(options: Mapping[str, Any]) -> Gate:
    """Return the gate of a director, from the option of boot_restore."""
    from .._gate.model import Gate

    return Gate.from_options(options)


def check_settings(timeouts: Mapping[str, Any], sysctls: Mapping[str, Any]) -> None:
    """Raise InvalidValue for timeouts or sysctls that ipvs_table would refuse."""
    from .._ipvs.settings import parse_sysctls, parse_timeouts

    parse_timeouts(timeouts)
    parse_sysctls(sysctls)
