# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are network namespaces on this machine's real kernel; its own namespace and devices are never touched."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forked import call, run_module

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _IFF_RUNNING = 0x8913, 0x40  # include/uapi/linux/sockios.h and if.h
# How many random cases a test tries; fewer where a machine is emulated.
RANDOM = int(os.environ.get("LVS_RANDOM_CASES", "100"))
# What a module changes a network with, and asks a segment with.
RIGHTS = ("net_admin", "net_raw")
# Seconds; nothing here takes longer unless it hangs.
LIMIT = int(os.environ.get("LVS_LIMIT", "60"))
_DRIVER = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
from forked import give_up
give_up(sys.argv[3:])
module = importlib.import_module("ansible_collections.lvs.cluster.plugins.modules." + sys.argv[1])
with patch_module_args(json.loads(sys.argv[2])):
    module.main()
"""


def with_libraries(*first: Path) -> dict[str, str]:
    """Return this environment for a Python that has the collection too, and what is in `first` before all else."""
    places = [
        *first,
        Path(__file__).resolve().parents[2] / ".collections",
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}


def run_ip(*arguments: str, lines: Iterable[str] = ()) -> str:
    """Run ip(8), which reads `lines` when it is asked for a batch, and return what it prints; a failure is the test's.

    It enters a namespace by itself, where `ip netns exec` mounts /sys anew and begins another process.
    """
    done = try_ip(*arguments, lines=lines)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {'; '.join(lines)}\n{done.stdout}{done.stderr}"
    return done.stdout


def try_ip(*arguments: str, lines: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run ip(8) in the same way, and return how it ended."""
    return subprocess.run(
        ["ip", *arguments],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@dataclass
class Namespace:
    """One network namespace, by the name that `ip netns` knows it by."""

    name: str

    def run(self, *command: str) -> str:
        """Run a command inside, and return what it prints; a failure is the test's failure."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *command], capture_output=True, text=True, timeout=LIMIT, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, line: str) -> str:
        """Run a command line inside, and return why it failed; empty when it went well."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, "sh", "-c", line],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return done.stderr.strip() or "unknown" if done.returncode else ""

    def ip(self, *lines: str) -> str:
        """Have one process of ip(8) carry out these lines inside."""
        return run_ip("-netns", self.name, "-batch", "-", lines=lines)

    def try_ip(self, *lines: str) -> None:
        """Have it carry out these lines inside, whichever of them fail."""
        try_ip("-netns", self.name, "-force", "-batch", "-", lines=lines)

    def json(self, arguments: str) -> Any:
        """Return what `ip -json -details` says inside."""
        return json.loads(run_ip("-netns", self.name, "-json", "-details", *arguments.split()))

    def without_fallbacks(self, message: str) -> str:
        """Return the message without the tunnel devices that a kernel puts into every namespace, once it has tunnels."""
        return re.sub(r", (tunl0|ip6tnl0)\b|\b(tunl0|ip6tnl0), ", "", message)

    def sysctl(self, name: str, value: object) -> None:
        """Set one sysctl, named with slashes below net/; the kernel shows the calling thread those of its namespace."""
        with self.entered(), open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(f"{value}\n")

    def wait_until_running(self, device: str) -> None:
        """Wait until a device has a carrier, and the kernel knows."""
        end = time.monotonic() + LIMIT
        with self.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            while True:
                answer = fcntl.ioctl(asking, _SIOCGIFFLAGS, struct.pack("16sH14x", device.encode(), 0))
                if struct.unpack("16sH14x", answer)[1] & _IFF_RUNNING:
                    return
                assert time.monotonic() < end, f"{device} in {self.name} gets no carrier"
                time.sleep(0.005)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread inside."""
        with open("/proc/self/ns/net") as home, open(f"/run/netns/{self.name}") as inside:
            call("setns", inside.fileno(), _CLONE_NEWNET)
            try:
                yield
            finally:
                call("setns", home.fileno(), _CLONE_NEWNET)

    def module(
        self,
        name: str,
        /,
        check: bool = False,
        lacking: tuple[str, ...] = (),
        path: Path | None = None,
        bindings: Path | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Run a module of the collection inside, as Ansible would, and return its answer, failed or not.

        `lacking` are capabilities that it is run without. Directories of libraries that come before the others are
        `path`, for this run, and `bindings`, which many runs have.
        """
        options["_ansible_check_mode"] = check
        if not path:
            libraries = with_libraries(*([bindings] if bindings else []))["PYTHONPATH"]
            return run_module(self.name, name, options, (), libraries, LIMIT, lacking)
        driver = [sys.executable, "-c", _DRIVER, name, json.dumps(options), *lacking]
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *driver],
            env=with_libraries(path, Path(__file__).parent),
            capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@dataclass
class Segment:
    """Hosts on one switch; each has a device eth0 with 192.0.2.N/24 and 2001:db8::N/64, N from 1 on."""

    hosts: list[Namespace] = field(default_factory=list)

    def mac(self, number: int) -> str:
        """Return the MAC of host N's eth0."""
        return f"02:00:00:00:00:{number:02x}"

    def host(self, number: int) -> Namespace:
        """Return host N."""
        return self.hosts[number - 1]


@contextmanager
def fresh_namespaces() -> Iterator[Callable[[], Namespace]]:
    """Yield a function that makes a fresh namespace with lo up and IPv6 ready at once; all go at the end."""
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


def build_segment(make_namespace: Callable[[], Namespace], size: int) -> Segment:
    """Return a segment of so many hosts."""
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
