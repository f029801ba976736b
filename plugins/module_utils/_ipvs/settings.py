# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts for all services of a host: after how long IPVS forgets connections, and its sysctls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.options import given, in_range
from .model import Timeouts

SYSCTLS = "/proc/sys/net/ipv4/vs"  # of this process's network namespace
# What the kernel begins with (ip_vs_control_net_init_sysctl in ip_vs_ctl.c), of those that decide which server a client
# comes to. Others flip by themselves (drop_entry), or are for other forwarding methods.
KERNEL_SYSCTLS = {"conn_reuse_mode": 1, "expire_nodest_conn": 0, "expire_quiescent_template": 0}
# The kernel's own, in seconds (ip_vs_proto_tcp.c and ip_vs_proto_udp.c).
KERNEL_TIMEOUTS = {"tcp": 900, "tcp_fin": 120, "udp": 300}
_HIGHEST = {"conn_reuse_mode": 3}  # two bits; the others are switches

TIMEOUT_OPTIONS: dict[str, Any] = {name: {"type": "int"} for name in Timeouts._fields}
SYSCTL_OPTIONS: dict[str, Any] = {name: {"type": "int"} for name in KERNEL_SYSCTLS}
_LONGEST = ((1 << 31) - 1) // 1000


def parse_timeouts(options: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the timeouts that are given, in seconds; raise InvalidValue.

    The kernel takes 0 for "as it is", and refuses what does not fit into 31 bits when it is counted in clock ticks
    (ip_vs_set_timeout in ip_vs_ctl.c), of which there are 1000 a second at most.
    """
    timeouts = given(options)
    for name, value in timeouts.items():
        in_range(f"timeouts.{name}", value, 1, _LONGEST)
    return timeouts


def parse_sysctls(options: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the sysctls that are given; raise InvalidValue. The kernel itself would take any number."""
    sysctls = given(options)
    for name, value in sysctls.items():
        in_range(f"sysctls.{name}", value, 0, _HIGHEST.get(name, 1))
    return sysctls
