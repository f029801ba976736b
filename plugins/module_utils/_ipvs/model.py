# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual services and real servers as data: what identifies them, their settings, their counters.

The records hold the words of the options (``direct``, ``tcp``). Numbers are those of include/uapi/linux/ip_vs.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class ServiceKey(NamedTuple):
    """What tells one virtual service from another: protocol, address and port, or a firewall mark."""

    address_family: str
    protocol: str = ""
    address: str = ""
    port: int = 0
    fwmark: int = 0


class ServiceSettings(NamedTuple):
    """All else that the kernel keeps of a service. `flags` are the one-packet and scheduler bits only."""

    scheduler: str = "wlc"
    flags: int = 0
    persistence_timeout: int = 0
    persistence_netmask: str = ""
    persistence_engine: str = ""


class ServerKey(NamedTuple):
    """What tells one real server of a service from another."""

    address_family: str
    address: str
    port: int


class ServerSettings(NamedTuple):
    """All else that the kernel keeps of a real server, but for its counters."""

    forwarding: str = "direct"
    weight: int = 1
    upper_threshold: int = 0
    lower_threshold: int = 0
    tunnel_type: str = "ipip"
    tunnel_port: int = 0
    tunnel_checksum: str = "none"


FORWARDING = {"direct": 3, "tunnel": 2, "masquerade": 0, "local": 1, "bypass": 4}
TUNNEL_TYPES = {"ipip": 0, "gue": 1, "gre": 2}
TUNNEL_CHECKSUMS = {"none": 0, "plain": 1, "remote": 2}
FLAG_PERSISTENT = 0x1
FLAG_HASHED = 0x2  # the kernel's own note that the service is in its table; always in a dump, never a setting
FLAG_ONE_PACKET = 0x4
SCHEDULER_BITS = (0x8, 0x10, 0x20)


def default_netmask(family: str) -> str:
    """Return the persistence netmask of one client host, in the form of the option."""
    return "255.255.255.255" if family == "ipv4" else "128"


class Timeouts(NamedTuple):
    """Seconds after which an idle TCP connection, one that saw a FIN, and a UDP flow are forgotten."""

    tcp: int
    tcp_fin: int
    udp: int


class Counters(NamedTuple):
    """Totals since the object was made (or `ipvsadm --zero`), and rates per second, estimated every 2 s."""

    connections: int
    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    connections_per_second: int
    packets_in_per_second: int
    packets_out_per_second: int
    bytes_in_per_second: int
    bytes_out_per_second: int


class Connections(NamedTuple):
    """How many connections a server has now: established, in any other state, and templates of persistent clients."""

    active: int
    inactive: int
    persistent: int


class ServerStatus(NamedTuple):
    """What the kernel counts of one real server."""

    connections: Connections
    counters: Counters


class ServiceStatus(NamedTuple):
    """What the kernel counts of one service, and of its servers."""

    counters: Counters
    servers: Mapping[ServerKey, ServerStatus]


class Engine(NamedTuple):
    """The version of IPVS, such as ``1.2.1``, and the number of buckets of its connection table."""

    version: str
    table_size: int


# The two kinds of sync daemon; a host has at most one of each (start_sync_thread in ip_vs_sync.c).
MASTER = "master"
BACKUP = "backup"


class Daemon(NamedTuple):
    """One sync daemon of this host: `master` sends connections, `backup` receives them.

    0 and an empty group stand for what the kernel chooses. The port is the UDP port, and the group an IPv4 or IPv6
    address.
    """

    state: str
    interface: str
    sync_id: int
    max_length: int = 0
    group: str = ""
    port: int = 0
    ttl: int = 0


Servers = Mapping[ServerKey, ServerSettings]
Place = tuple[ServiceKey, ServerKey]


class Former(NamedTuple):
    """A drained server: its settings from before, since when (seconds since 1970; 0: not known), and by whom.

    One that is `declared` drained is so until something else is declared, every other until somebody restores it.
    """

    settings: ServerSettings
    since: int = 0
    declared: bool = False


# The servers that were drained; see drain_state.
Drained = Mapping[Place, Former]
NOBODY: Drained = MappingProxyType({})


class ServiceState(NamedTuple):
    """A service as it is in the kernel (or will be)."""

    settings: ServiceSettings
    servers: Servers


Table = Mapping[ServiceKey, ServiceState]
