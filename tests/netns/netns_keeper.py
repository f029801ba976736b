# SPDX-License-Identifier: GPL-3.0-or-later
"""The resident program of boot_restore in a network namespace."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.lvs.cluster.plugins.module_utils._restore.unit import KEEP
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program
from netns_hosts import LIMIT, Namespace, with_libraries


class Keeper:
    """The program as systemd would run it."""

    def __init__(self, directory: Path, namespace: Namespace, inside: Sequence[str] = ()) -> None:
        self.namespace = namespace
        self._inside = inside or ("ip", "netns", "exec", namespace.name)
        self.state = directory / "test.json"
        self.program = directory / "restore.pyz"
        self.program.write_bytes(restore_program())
        self._ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ready.bind(str(directory / "notify"))
        self._ready.settimeout(LIMIT)
        self._log = directory / "log"
        self.process: subprocess.Popen[str] | None = None

    def declare(self, **state: object) -> None:
        """Write what is declared."""
        self.state.write_text(json.dumps(state))

    def start(self, *libraries: Path) -> None:
        """Start it, with what is in these directories too, and wait until it says that all is there."""
        command = [*self._inside, sys.executable, str(self.program)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, KEEP, str(self.state)],
                env={**with_libraries(*libraries), "NOTIFY_SOCKET": self._ready.getsockname()},
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert self._ready.recv(100) == b"READY=1"
        self.awake_until(lambda: b"--watch" in self.command_line())

    def command_line(self) -> bytes:
        return Path(f"/proc/{self.process.pid}/cmdline").read_bytes()

    def log(self) -> list[str]:
        """Return what it said."""
        return self._log.read_text().splitlines()

    def awake_until(self, done: Callable[[], bool]) -> None:
        """Wait until `done`, LIMIT seconds at most; half of the time at most goes into looking, the rest is the program's."""
        began = time.monotonic()
        end = began + LIMIT
        while not done():
            assert self.process.poll() is None, self.log()
            now = time.monotonic()
            assert now < end, self.log()
            time.sleep(0.05 + now - began)
            began = time.monotonic()

    def close(self) -> None:
        self._ready.close()
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(LIMIT)
