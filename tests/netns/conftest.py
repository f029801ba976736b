# SPDX-License-Identifier: GPL-3.0-or-later
"""Fresh network namespaces for each test, gone at its end."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest
from netns_hosts import LIMIT, Namespace, Segment


@pytest.fixture
def make_namespace() -> Iterator[Callable[[], Namespace]]:
    """Return a function that makes a fresh namespace with lo up and IPv6 ready at once; all go at the end."""
    if os.geteuid():
        pytest.skip("network namespaces need root")
    made: list[Namespace] = []

    def make() -> Namespace:
        namespace = Namespace(f"lvs-test-{uuid.uuid4().hex[:8]}")
        subprocess.run(["ip", "netns", "add", namespace.name], check=True, timeout=LIMIT)
        made.append(namespace)
        namespace.ip("link set lo up")
        namespace.sysctl("ipv6/conf/default/accept_dad", 0)
        return namespace

    yield make
    for namespace in made:
        subprocess.run(["ip", "netns", "del", namespace.name], check=True, timeout=LIMIT)


@pytest.fixture
def namespace(make_namespace: Callable[[], Namespace]) -> Namespace:
    """Return one fresh namespace with nothing but lo."""
    return make_namespace()


@pytest.fixture
def make_segment(make_namespace: Callable[[], Namespace]) -> Callable[[int], Segment]:
    """Return a function that makes a segment of so many hosts."""

    def make(size: int) -> Segment:
        switch, segment = make_namespace(), Segment()
        switch.ip("link add br0 type bridge mcast_snooping 0")
        switch.ip("link set br0 up")
        for number in range(1, size + 1):
            host = make_namespace()
            switch.ip(f"link add p{number} type veth peer name eth0 address {segment.mac(number)} netns {host.name}")
            switch.ip(f"link set p{number} master br0 up")
            host.ip("link set eth0 up")
            host.ip(f"addr add 192.0.2.{number}/24 dev eth0")
            host.ip(f"addr add 2001:db8::{number:x}/64 dev eth0 nodad")
            segment.hosts.append(host)
        return segment

    return make


@pytest.fixture
def gateway(make_segment: Callable[[int], Segment]) -> Namespace:
    """Return one host with a second device, eth1 with 198.51.100.1/24, beside its eth0."""
    host = make_segment(1).host(1)
    host.ip("link add eth1 type veth peer name far1")
    for device in ("eth1", "far1"):
        host.ip(f"link set {device} up")
    host.ip("addr add 198.51.100.1/24 dev eth1")
    return host
