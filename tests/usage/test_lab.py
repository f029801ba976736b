# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab promises to the machine it runs on."""

from __future__ import annotations

import pytest
from lab_processes import listeners, processes

HOSTS = ("director", "rs1", "rs2", "client")
LOOPBACK = "0100007F"


def test_nothing_listens_but_on_the_loopback():
    running = processes()
    assert len(running) >= len(HOSTS)
    open_to = [listener for pid in running for listener in listeners(pid)]
    assert len(open_to) >= len(HOSTS)
    assert [listener for listener in open_to if listener.split()[1].split(":")[0] != LOOPBACK] == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_machine_is_small(on_host, host):
    (total,) = [
        line.split()[1] for line in on_host(host, "cat /proc/meminfo").splitlines() if line.startswith("MemTotal")
    ]
    assert int(total) <= 512 * 1024


def test_every_machine_is_somebody_else(on_host):
    for command in ("hostname", "cat /etc/machine-id", "cat /sys/class/net/lan0/address"):
        assert len({on_host(host, command) for host in HOSTS}) == len(HOSTS)
