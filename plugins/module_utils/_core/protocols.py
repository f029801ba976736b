# SPDX-License-Identifier: GPL-3.0-or-later
"""IP protocols and IPVS forwarding methods by name, and how a destination is written."""

from __future__ import annotations

from collections.abc import Iterable

from .address import endpoint

# IANA's numbers: a host without /etc/protocols does not know the names. What is in a tunnel has no port of its own.
TRANSPORTS = {"tcp": 6, "udp": 17, "sctp": 132}
PROTOCOLS = {**TRANSPORTS, "ipip": 4, "ipv6": 41, "gre": 47, "vrrp": 112}
# Those that can be asked for; the kernel reports local and bypass too.
FORWARDING_METHODS = DIRECT, TUNNEL, MASQUERADE = ("direct", "tunnel", "masquerade")


def target_words(address: str, protocol: str, ports: Iterable[object], source: str = "") -> str:
    """Return what packets are for, and from whom, such as ``ipip 192.0.2.4 from 192.0.2.3``."""
    sender = f" from {source}" if source else ""
    if protocol not in TRANSPORTS:
        return f"{protocol} {address}{sender}"
    return f"{protocol} {endpoint(address, ','.join(map(str, ports)) or '*')}{sender}"
