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


# An address of documentation (RFC 5737), which nobody has. Exit status 7 of curl: the connection was refused.
OUTSIDE = (
    "curl --silent --max-time 20 --output /dev/null --write-out '%{exitcode} %{time_total}' http://192.0.2.1/ || true"
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_connection_to_the_outside_fails_at_once(on_host, host):
    status, seconds = on_host(host, OUTSIDE).split()
    assert status == "7"
    assert float(seconds) < 5


def test_a_machine_downloads_packages_and_nothing_else(on_host):
    """The package proxy is there for apt, and serves no other server."""
    update = "apt-get update --quiet=2 --error-on=any && echo downloaded"
    assert on_host("client", update).split()[-1] == "downloaded"
    refused = (
        "curl --silent --proxy http://10.0.2.100:3128 --output /dev/null --write-out '%{http_code}' http://192.0.2.1/"
    )
    assert on_host("client", refused) == "403"


@pytest.mark.parametrize("host", HOSTS)
def test_a_machine_is_small(on_host, host):
    (total,) = [
        line.split()[1] for line in on_host(host, "cat /proc/meminfo").splitlines() if line.startswith("MemTotal")
    ]
    assert int(total) <= 512 * 1024


def test_every_machine_is_somebody_else(on_host):
    for command in ("hostname", "cat /etc/machine-id", "cat /sys/class/net/lan0/address"):
        assert len({on_host(host, command) for host in HOSTS}) == len(HOSTS)
