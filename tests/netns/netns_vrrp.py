# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors that are network namespaces: the module writes their files, and keepalived runs as their unit says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._arp.client import Segment as Asker
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import VrrpUnit
from forked import run_module
from netns_hosts import LIMIT, Namespace, Segment, with_libraries

VIP, VIP2, VIP6 = "192.0.2.30", "192.0.2.31", "2001:db8::30"
VRID = 51
ANCHOR = f"169.254.{VRID}.{VRID}"
GATE = "/run/lvs-cluster-vrrp/gate"
# Seconds between two requests of who answers for VIPs.
EACH = 0.004
# What keepalived writes when it has read its configuration, at its start and again; 2.1 has other words than later releases.
_STARTED = r"BACKUP STATE \(init\)|entering FAULT state"
_RELOADED = r"Reload complete|Opening file"


def until(done: Callable[[], bool], what: str, told: Callable[[], str] = str) -> None:
    """Wait until `done`, LIMIT seconds at most; `told` is what a failure shows."""
    end = time.monotonic() + LIMIT
    while not done():
        assert time.monotonic() < end, f"{what} has not come about within {LIMIT} s\n{told()}"
        time.sleep(0.02)


class Director:
    """A host that runs keepalived, with an /etc and a /run of its own; `number` is its place on the segment."""

    def __init__(self, host: Namespace, number: int, directory: Path) -> None:
        self.host, self.number = host, number
        self.etc, self.run = directory / "etc", directory / "run"
        self.log = directory / "log"
        self.unit = VrrpUnit()
        self.process: subprocess.Popen[bytes] | None = None
        for place in (self.etc, self.run):
            place.mkdir(parents=True)
        self.log.touch()
        # A file of keepalived's package, without which 2.3 does nothing
        for file in Path("/etc/keepalived").glob("keepalived.config-opts"):
            place = self.etc / "keepalived"
            place.mkdir()
            (place / file.name).write_bytes(file.read_bytes())

    @property
    def address(self) -> str:
        """The host's own IPv4 address."""
        return f"192.0.2.{self.number}"

    def options(self, group: Sequence[Director] = (), vips: Sequence[str] = (VIP, VIP6), **changes: Any) -> dict:
        """Return the options of one instance; the first host has the highest priority."""
        return {
            "name": "web",
            "vrid": VRID,
            "interface": "eth0",
            "priority": 255 - self.number,
            "source_address": self.address,
            "peers": [peer.address for peer in group if peer is not self],
            "vips": [{"address": vip} for vip in vips],
            **changes,
        }

    def module(self, name: str, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a module on the host."""
        mounts = [(str(self.etc), "/etc"), (str(self.run), "/run")]
        options["_ansible_check_mode"] = check
        return run_module(self.host.name, name, options, mounts, with_libraries()["PYTHONPATH"], LIMIT)

    def declare(self, *instances: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Run vrrp_instances, and return its answer."""
        answer = self.module("vrrp_instances", instances=list(instances), **options)
        assert not answer.get("failed"), answer
        return answer

    def start(self) -> None:
        """Start keepalived as systemd would, and wait until it has read its configuration."""
        (self.run / self.unit.runtime).mkdir(exist_ok=True)
        for command in self._commands("ExecStartPre"):
            self._inside(command).wait(LIMIT)
        (command,) = self._commands("ExecStart")
        before = self.said(_STARTED)
        self.process = self._inside(command)
        until(lambda: self.said(_STARTED) > before, "the start", self.log.read_text)

    def reload(self) -> None:
        """Have keepalived read its configuration again as systemd would, and wait until it has."""
        before = self.said(_RELOADED)
        for command in self._commands("ExecReload"):
            if command[0] == "/bin/kill":
                assert command[1:] == ["-HUP", "$MAINPID"]
                self.process.send_signal(signal.SIGHUP)
            else:
                self._inside(command).wait(LIMIT)
        until(lambda: self.said(_RELOADED) > before, "the reload", self.log.read_text)

    def stop(self) -> None:
        """Stop keepalived gracefully."""
        self.process.terminate()
        self.process.wait(LIMIT)

    def signal_all(self, number: int) -> None:
        """Send a signal to all processes of keepalived at once."""
        for process in self.processes():
            os.kill(process, number)
        if number == signal.SIGKILL:
            self.process.wait(LIMIT)

    def processes(self) -> list[int]:
        """Return the process ids of keepalived and its children."""
        main = self.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        return [main, *map(int, children)]

    def close(self) -> None:
        """End keepalived however it is."""
        if self.process and self.process.poll() is None:
            self.signal_all(signal.SIGCONT)
            self.signal_all(signal.SIGKILL)

    def write_gate(self, number: int) -> None:
        """Let the host be eligible, more or less; the file is replaced in one step."""
        path = self.run / Path(GATE).relative_to("/run")
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name("gate.new")
        temporary.write_text(f"{number}\n")
        temporary.replace(path)

    def addresses(self) -> set[str]:
        """Return all addresses of the host, without prefix lengths."""
        return {one["local"] for link in self.host.json("addr show") for one in link["addr_info"]}

    def is_master(self, vips: Sequence[str] = (VIP, VIP6)) -> bool:
        """Return whether the host has the anchor and these VIPs."""
        return {ANCHOR, *vips} <= self.addresses()

    def has_nothing(self, vips: Sequence[str] = (VIP, VIP6)) -> bool:
        """Return whether the host has neither the anchor nor any of these VIPs."""
        return not {ANCHOR, *vips} & self.addresses()

    def said(self, pattern: str) -> int:
        """Return how often keepalived has written this, in whatever letters."""
        return len(re.findall(pattern, self.log.read_text(), re.IGNORECASE))

    def _commands(self, setting: str) -> list[list[str]]:
        text = (self.etc / Path(self.unit.unit_file).relative_to("/etc")).read_text()
        lines = [line.partition("=") for line in text.splitlines()]
        # One whose failure does not matter begins with a hyphen.
        return [shlex.split(value.removeprefix("-")) for name, _equals, value in lines if name == setting]

    def _capabilities(self) -> str:
        """Return the capabilities that the unit leaves to keepalived, as setpriv(1) writes them."""
        ((allowed),) = self._commands("CapabilityBoundingSet")
        return ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in allowed)

    @property
    def inside(self) -> list[str]:
        """Return what runs the command that is appended on the host, with its files."""
        mount = 'mount --bind "$1" /etc && mount --bind "$2" /run && shift 2 && exec "$@"'
        return ["ip", "netns", "exec", self.host.name, "sh", "-c", mount, "sh", str(self.etc), str(self.run)]

    def _inside(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Begin a command on the host, with its files and the capabilities of the unit."""
        inside = [*self.inside, "setpriv", f"--bounding-set=-all,{self._capabilities()}", "--no-new-privs"]
        with self.log.open("a") as log:
            return subprocess.Popen([*inside, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


class Watcher:
    """Asks a segment every few milliseconds who has the VIPs, from a host of it, and records each answer."""

    def __init__(self, segment: Segment, number: int, vips: Sequence[str] = (VIP, VIP6)) -> None:
        self.answers: list[tuple[float, str, str]] = []
        self._vips, self._sender = vips, f"192.0.2.{number}"
        with segment.host(number).entered():
            self._asker = Asker("eth0")
            assert self._asker.nd
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(LIMIT)
        self._asker.__exit__()

    def _ask(self) -> None:
        families = {is_ipv6(vip) for vip in self._vips}
        while not self._stop.is_set():
            for vip in self._vips:
                self._asker.ask(vip, self._sender)
            for vip, mac in self._asker.receive(families, EACH):
                self.answers.append((time.monotonic(), vip, mac))

    def owners(self, vip: str) -> list[str]:
        """Return who answered for a VIP, in order, with each that answered several times in a row once."""
        macs = [mac for _when, address, mac in list(self.answers) if address == vip]
        return [mac for place, mac in enumerate(macs) if not place or macs[place - 1] != mac]

    def wait_for_answers(self, vip: str, count: int = 20) -> None:
        """Wait until so many more answers for a VIP have come."""
        before = len([one for one in self.answers if one[1] == vip])
        until(lambda: len([one for one in self.answers if one[1] == vip]) >= before + count, f"answers for {vip}")


@contextmanager
def directors(segment: Segment, directory: Path, count: int = 2) -> Iterator[list[Director]]:
    """Yield the first hosts of a segment as directors, and end what they run."""
    made = [Director(segment.host(number), number, directory / str(number)) for number in range(1, count + 1)]
    try:
        yield made
    finally:
        for one in made:
            one.close()
