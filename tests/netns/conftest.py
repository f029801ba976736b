# SPDX-License-Identifier: GPL-3.0-or-later
"""Fresh network namespaces for each test, gone at its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from netns_firewall import CLIENT, VIP, VIP6, Module, serving
from netns_hosts import Namespace, Segment, build_segment, fresh_namespaces


@pytest.fixture
def make_namespace() -> Iterator[Callable[[], Namespace]]:
    """Return a function that makes a fresh namespace with lo up and IPv6 ready at once; all go at the end."""
    if os.geteuid():
        pytest.skip("network namespaces need root")
    with fresh_namespaces() as make:
        yield make


@pytest.fixture
def namespace(make_namespace: Callable[[], Namespace]) -> Namespace:
    """Return one fresh namespace with nothing but lo."""
    return make_namespace()


@pytest.fixture
def make_segment(make_namespace: Callable[[], Namespace]) -> Callable[[int], Segment]:
    """Return a function that makes a segment of so many hosts."""

    return lambda size: build_segment(make_namespace, size)


@pytest.fixture(scope="session")
def bindings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the distribution's Python bindings of libnftables and D-Bus, and nothing else of it (an Ansible, say).

    They are where Debian has them: the Python of the tests is another one.
    """
    directory = tmp_path_factory.mktemp("bindings")
    for found in Path("/usr/lib/python3/dist-packages").glob("*"):
        if found.name in ("nftables", "dbus") or found.name.startswith("_dbus"):
            (directory / found.name).symlink_to(found)
    return directory


@pytest.fixture
def nftables_binding(bindings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory with libnftables' Python binding, which imports find too; or skip."""
    monkeypatch.syspath_prepend(str(bindings))
    pytest.importorskip("nftables", reason="python3-nftables is not installed")
    return bindings


@pytest.fixture
def dbus_binding(nftables_binding: Path) -> Path:
    """Return the same directory, where D-Bus' Python binding is too; or skip."""
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
        answer = host.module("vip_firewall", check=check, bindings=nftables_binding, **options)
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


@pytest.fixture
def routed(make_segment: Callable[[int], Segment]) -> Iterator[tuple[Namespace, Namespace, Namespace]]:
    """Return a client, a host that routes, and a server whose answers to that client go by way of the host.

    The client's packets come to the server without it.
    """
    client, director, server = segment_hosts = make_segment(3).hosts
    client.ip(f"addr add {CLIENT}/32 dev eth0")
    client.ip(f"route add 192.0.2.3/32 dev eth0 src {CLIENT}")
    server.ip(f"route add {CLIENT}/32 via 192.0.2.2")
    director.ip(f"route add {CLIENT}/32 via 192.0.2.1")
    client.ip("addr add 2001:db8:1::1/128 dev eth0 nodad")
    client.ip("route add 2001:db8::3/128 dev eth0 src 2001:db8:1::1")
    server.ip("route add 2001:db8:1::1/128 via 2001:db8::2")
    director.ip("route add 2001:db8:1::1/128 via 2001:db8::1")
    for family in ("ipv4/conf/all/forwarding", "ipv6/conf/all/forwarding"):
        director.sysctl(family, 1)
    for device in ("all", "eth0"):
        director.sysctl(f"ipv4/conf/{device}/send_redirects", 0)
        for host in segment_hosts:
            host.sysctl(f"ipv6/conf/{device}/accept_redirects", 0)
            host.sysctl(f"ipv4/conf/{device}/rp_filter", 0)
    with serving(server):
        yield client, director, server
