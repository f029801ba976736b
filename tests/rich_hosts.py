# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the scenario `rich`, for its tests."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab_access import ssh_command

INVENTORY = "molecule/rich/inventory"
RIPS = {"rs1": "192.168.91.4", "rs2": "192.168.91.5", "rs3": "192.168.91.7"}
FIREWALLS = {"director": "nftables", "rs1": "nftables", "rs2": "firewalld"}
_LIMIT = 60  # seconds


def on(host: str, command: str, stdin: str | None = None) -> str:
    done = subprocess.run(
        [*ssh_command(host, INVENTORY), command], input=stdin, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{host}: {command}\n{done.stdout}{done.stderr}"
    return done.stdout


def served(url: str, visits: int) -> Counter:
    """Return how many of the visits each server answered; one that fails fails the test."""
    each = "curl -sf -m 10 -o /dev/null -w '%header{x-served-by}\\n'"
    return Counter(on("client", f"for i in $(seq {visits}); do {each} '{url}' || exit 1; done").split())


def reaches(address: str, port: int) -> bool:
    """Return whether the client gets a TCP connection there."""
    done = subprocess.run(
        [*ssh_command("client", INVENTORY), f"nc -z -w 5 {address} {port}"], capture_output=True, timeout=_LIMIT
    )
    return done.returncode == 0


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
