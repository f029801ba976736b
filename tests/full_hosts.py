# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the scenario `full`, for its tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab_shell import LabShell

INVENTORY = "molecule/full/inventory"
RIPS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5", "rs3": "192.168.91.7"}
FIREWALLS = {"director": "nftables", "rs1": "nftables", "rs2": "firewalld"}
SHELL = LabShell(INVENTORY)
on, served = SHELL.on, SHELL.visits
_LIMIT = 60  # seconds


def reaches(address: str, port: int) -> bool:
    """Return whether the client gets a TCP connection there."""
    return SHELL.run("client", f"nc -z -w 5 {address} {port}").returncode == 0


@contextmanager
def routed_by(name: str, vip: str) -> Iterator[None]:
    """Have the client send what is for the VIP to a server itself, past the director."""
    on("client", f"ip route add {vip}/32 via {RIPS[name]}")
    try:
        yield
    finally:
        on("client", f"ip route del {vip}/32 via {RIPS[name]}")


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until it holds; the test fails when it takes too long."""
    end = time.monotonic() + _LIMIT
    while not holds():
        assert time.monotonic() < end
        time.sleep(1)
