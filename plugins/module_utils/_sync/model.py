# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection synchronisation of a host as data: sync daemons, their sysctls, and who declares what.

Sources: net/netfilter/ipvs/ip_vs_sync.c (start_sync_thread: defaults and limits of a daemon) and ip_vs_ctl.c
(ip_vs_control_net_init_sysctl: the sysctls), include/net/ip_vs.h. Run against Linux 5.10 to 6.12.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .._core.address import endpoint, is_ipv6
from .._ipvs.model import BACKUP, MASTER, Daemon

# What the kernel takes where nothing is said (IP_VS_SYNC_GROUP, IP_VS_SYNC_PORT in ip_vs_sync.c).
GROUP = "224.0.0.81"
PORT = 8848
TTL = 1
# The backup daemon comes first, so that it does not miss what the master daemon sends.
STATES = (BACKUP, MASTER)

Numbers = tuple[int, ...]
THRESHOLD = "sync_threshold"
REFRESH_PERIOD = "sync_refresh_period"
BACKUP_ONLY = "backup_only"
# What the kernel begins with, of the sysctls that decide what is synchronised and who serves; sync_threshold alone has
# two numbers.
KERNEL_SYSCTLS: Mapping[str, Numbers] = MappingProxyType(
    {
        THRESHOLD: (3, 50),
        REFRESH_PERIOD: (0,),
        "sync_retries": (0,),
        BACKUP_ONLY: (0,),
        "sync_persist_mode": (0,),
        "sloppy_tcp": (0,),
    }
)

_UDP_HEADER = 8
_IPV4_HEADER = 20
_IPV6_HEADER = 40
_LONGEST_PACKET = 65535
_ETHERNET_MTU = 1500
# A backup's buffer is never smaller.
_SHORTEST = {MASTER: 1, BACKUP: 1024}


def length_limits(state: str, group: str) -> tuple[int, int]:
    """Return the least and the greatest length of a message; the kernel would clamp others without a word."""
    return _SHORTEST[state], _LONGEST_PACKET - _headers(group)


def default_length(state: str, group: str, mtu: int) -> int:
    """Return the length that the kernel chooses: a backup has room for all that its device takes in."""
    packet = min(max(mtu, _ETHERNET_MTU), _LONGEST_PACKET) if state == BACKUP else _ETHERNET_MTU
    return packet - _headers(group)


def _headers(group: str) -> int:
    return _UDP_HEADER + (_IPV6_HEADER if is_ipv6(group) else _IPV4_HEADER)


def identity(daemon: Daemon) -> Daemon:
    """Return a daemon without its length: what the other directors have to agree with."""
    return daemon._replace(max_length=0)


def meets(running: Daemon, wanted: Daemon) -> bool:
    """Return whether a daemon is what is wanted, where a length of 0 is any."""
    return identity(running) == identity(wanted) and wanted.max_length in (0, running.max_length)


def daemon_words(daemon: Daemon) -> str:
    """Return a daemon for people, such as ``master on eth0 (sync ID 7, 224.0.0.81:8848, TTL 1, 1472 bytes)``."""
    length = f", {daemon.max_length} bytes" if daemon.max_length else ""
    to = endpoint(daemon.group, daemon.port)
    return f"{daemon.state} on {daemon.interface} (sync ID {daemon.sync_id}, {to}, TTL {daemon.ttl}{length})"


class Item(NamedTuple):
    """What one declaration says: daemons, and sysctls by name."""

    daemons: tuple[Daemon, ...] = ()
    sysctls: Mapping[str, Numbers] = MappingProxyType({})

    def options(self) -> dict[str, Any]:
        """Return the options of ipvs_sync that say the same."""
        daemons = [shown_daemon(daemon) for daemon in self.daemons]
        sysctls = shown_sysctls(self.sysctls)
        return {**({"daemons": daemons} if daemons else {}), **({"sysctls": sysctls} if sysctls else {})}


def shown_daemon(daemon: Daemon) -> dict[str, Any]:
    """Return a daemon as an option; a length that was not chosen is left out."""
    return {name: value for name, value in daemon._asdict().items() if value}


def shown_sysctls(sysctls: Mapping[str, Numbers]) -> dict[str, Any]:
    """Return sysctls as options, in their usual order."""
    return {name: shown_numbers(name, sysctls[name]) for name in KERNEL_SYSCTLS if name in sysctls}


def shown_numbers(name: str, numbers: Numbers) -> int | list[int]:
    """Return the value of a sysctl as an option."""
    return list(numbers) if name == THRESHOLD else numbers[0]


class Memory(NamedTuple):
    """What is remembered on a host: sysctls from before our runs, and what runs of each cluster declared.

    A cluster has several items where a run ended early: what was there before, and what was to be.
    """

    former: Mapping[str, Numbers] = MappingProxyType({})
    owners: Mapping[str, tuple[Item, ...]] = MappingProxyType({})

    def items_of(self, names: Iterable[str]) -> tuple[Item, ...]:
        """Return what the cluster of these names declared."""
        return tuple(item for name in dict.fromkeys(names) for item in self.owners.get(name, ()))


class SyncState(NamedTuple):
    """What a host has: daemons by state, the sysctls that its kernel has, the MTU of each device, and what it knows."""

    daemons: Mapping[str, Daemon]
    sysctls: Mapping[str, Numbers]
    mtus: Mapping[str, int]
    memory: Memory = Memory()
