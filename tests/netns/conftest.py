# SPDX-License-Identifier: GPL-3.0-or-later
"""Fresh network namespaces for each test, gone at its end."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from netns_firewall import VIP, VIP6, Module, serving
from netns_hosts import Namespace, Segment, run_ip


@pytest.fixture
def make_namespace() -> Iterator[Callable[[], Namespace]]:
    """Return a function that makes a fresh namespace with lo up and IPv6 ready at once; all go at the end."""
    if os.geteuid():
        pytest.skip("network namespaces need root")
    made: list[Namespace] = []

    def make() -> Namespace:
        namespace = Namespace(f"lvs-test-{uuid.uuid4().hex[:8]}")
        run_ip("netns", "add", namespace.name)
        made.append(namespace)
        namespace.ip("link set lo up")
        namespace.sysctl("ipv6/conf/default/accept_dad", 0)
        return namespace

    yield make
    run_ip("-batch", "-", lines=[f"netns del {namespace.name}" for namespace in made])


@pytest.fixture
def namespace(make_namespace: Callable[[], Namespace]) -> Namespace:
    """Return one fresh namespace with nothing but lo."""
    return make_namespace()


@pytest.fixture
def make_segment(make_namespace: Callable[[], Namespace]) -> Callable[[int], Segment]:
    """Return a function that makes a segment of so many hosts."""

    def make(size: int) -> Segment:
        switch, segment = make_namespace(), Segment()
        segment.hosts += [make_namespace() for _ in range(size)]
        lines = ["link add br0 type bridge mcast_snooping 0"]
        for number, host in enumerate(segment.hosts, 1):
            mac = segment.mac(number)
            lines.append(f"link add p{number} type veth peer name eth0 address {mac} netns {host.name}")
            lines.append(f"link set p{number} master br0 up")
        switch.ip(*lines)
        for number, host in enumerate(segment.hosts, 1):
            host.ip(
                "link set eth0 up",
                f"addr add 192.0.2.{number}/24 dev eth0",
                f"addr add 2001:db8::{number:x}/64 dev eth0 nodad",
            )
        # The kernel notices later that both ends are up, and drops what is sent until then. A bridge that comes up takes
        # in all its ports that are; and the call comes after what the kernel is still doing under the same lock.
        for number, host in enumerate(segment.hosts, 1):
            host.wait_until_running("eth0")
            switch.wait_until_running(f"p{number}")
        switch.ip("link set br0 up")
        return segment

    return make


@pytest.fixture
def nftables_binding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with libnftables' Python binding, and nothing else of the distribution's (an Ansible, say); or skip.

    It is where Debian has it: the Python of the tests is another one. Imports find it, too.
    """
    (tmp_path / "nftables").symlink_to(Path("/usr/lib/python3/dist-packages/nftables"))
    monkeypatch.syspath_prepend(str(tmp_path))
    pytest.importorskip("nftables", reason="python3-nftables is not installed")
    return tmp_path


@pytest.fixture
def dbus_binding(nftables_binding: Path) -> Path:
    """Return the same directory with D-Bus' Python binding, too; or skip."""
    for found in Path("/usr/lib/python3/dist-packages").glob("*dbus*"):
        if found.name == "dbus" or found.name.startswith("_dbus"):
            (nftables_binding / found.name).symlink_to(found)
    pytest.importorskip("dbus", reason="python3-dbus is not installed, or not for this Python")
    return nftables_binding


@pytest.fixture
def gateway(make_segment: Callable[[int], Segment]) -> Namespace:
    """Return one host with a second device, eth1 with 198.51.100.1/24, beside its eth0."""
    host = make_segment(1).host(1)
    host.ip("link add eth1 type veth peer name far1")
    for device in ("eth1", "far1"):
        host.ip(f"link set {device} up")
    host.ip("addr add 198.51.100.1/24 dev eth1")
    return host


@pytest.fixture
def module(nftables_binding: Path) -> Module:
    """Return a function that runs vip_firewall on a host, and returns its answer."""

    def run(host: Namespace, check: bool = False, **options: Any) -> dict[str, Any]:
        answer = host.module("vip_firewall", check=check, path=nftables_binding, **options)
        assert "operations" in answer, answer
        return answer

    return run


@pytest.fixture
def hosts(make_segment: Callable[[int], Segment]) -> Iterator[tuple[Namespace, Namespace]]:
    """Return a client, and a host with the VIPs that serves ports 80 and 81."""
    segment = make_segment(2)
    client, host = segment.hosts
    host.ip(f"addr add {VIP}/32 dev eth0")
    host.ip(f"addr add {VIP6}/128 dev eth0 nodad")
    with serving(host):
        yield client, host
