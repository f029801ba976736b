# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that are network namespaces on this machine's real kernel; its own namespace and devices are never touched."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forked import run_module

_CLONE_NEWNET = 0x40000000
# How many random cases a test tries; fewer where a machine is emulated.
RANDOM = int(os.environ.get("LVS_RANDOM_CASES", "100"))
LIMIT = 60  # seconds; no command here takes longer unless it hangs
_DRIVER = """
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
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

    def ip(self, arguments: str) -> str:
        """Run `ip` inside."""
        return self.run("ip", *arguments.split())

    def json(self, arguments: str) -> Any:
        """Run `ip -json -details` inside, and return what it says."""
        return json.loads(self.run("ip", "-json", "-details", *arguments.split()))

    def without_fallbacks(self, message: str) -> str:
        """Return the message without the tunnel devices that a kernel puts into every namespace, once it has tunnels."""
        return re.sub(r", (tunl0|ip6tnl0)\b|\b(tunl0|ip6tnl0), ", "", message)

    def sysctl(self, name: str, value: object) -> None:
        """Set one sysctl, named with slashes below net/."""
        self.run("sh", "-c", f"echo {value} > /proc/sys/net/{name}")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread inside."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net") as home, open(f"/run/netns/{self.name}") as inside:
            _setns(libc, inside.fileno())
            try:
                yield
            finally:
                _setns(libc, home.fileno())

    def module(
        self, name: str, /, check: bool = False, wrapper: tuple[str, ...] = (), path: Path | None = None, **options: Any
    ) -> dict[str, Any]:
        """Run a module of the collection inside, as Ansible would, and return its answer, failed or not.

        `wrapper` is a command that runs the module as its own last arguments say, such as setpriv(1); `path` is a
        directory of libraries that come before the others.
        """
        options["_ansible_check_mode"] = check
        if not wrapper and not path:
            return run_module(self.name, name, options, (), with_libraries()["PYTHONPATH"], LIMIT)
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *wrapper, sys.executable, "-c", _DRIVER, name, json.dumps(options)],
            env=with_libraries(*([path] if path else [])),
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


def _setns(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
