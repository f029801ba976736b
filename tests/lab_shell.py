# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a lab by their shells, and what tests ask of them again and again."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE
from typing import NamedTuple

from lab_access import ssh_command

_LIMIT = 120  # seconds


class LabShell(NamedTuple):
    """The hosts of the lab that an inventory describes."""

    inventory: str

    def run(
        self, host: str, command: str, stdin: str | None = None, limit: float = _LIMIT, stderr: int | None = PIPE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host, and return its result; with `stderr` None its errors are shown at once."""
        remote = [*ssh_command(host, self.inventory), command]
        return subprocess.run(remote, input=stdin, stdout=PIPE, stderr=stderr, text=True, timeout=limit)

    def on(self, host: str, command: str, stdin: str | None = None) -> str:
        """Run a command on a host, and return what it printed; a failure is the test's failure."""
        done = self.run(host, command, stdin)
        assert done.returncode == 0, f"{host}: {command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def mac(self, host: str, interface: str = "lan0") -> str:
        """Return the MAC of a host's interface."""
        return self.on(host, f"cat /sys/class/net/{interface}/address").strip()

    def who_answers(self, host: str, vip: str) -> set[str]:
        """Return the MACs that answer a host's ARP requests for a VIP within five seconds, in which it sends five.

        Not fewer: told to end after so many answers (`-c`), arping may have them all of the quicker of two. It fails
        where nobody answers, and where its answers are not as many as its requests.
        """
        told = self.run(host, f"arping -b -w 5 -I lan0 {vip}").stdout
        assert "Sent " in told, told
        return {one.lower() for one in re.findall(r"\[([0-9A-Fa-f:]{17})\]", told)}

    @contextmanager
    def hearing(self, host: str, packets: str) -> Iterator[list[str]]:
        """Listen on a host's segment; afterwards the list holds tcpdump's line of the first such packet, if there was one.

        By itself tcpdump would be told of packets a second late, and one that is ended before that says nothing of them.
        """
        dump = f"echo $$; exec tcpdump --immediate-mode -i lan0 -n -c 1 '{packets}'"
        listen = [*ssh_command(host, self.inventory), dump]
        heard: list[str] = []
        with subprocess.Popen(listen, stdout=PIPE, stderr=PIPE, text=True) as watch:
            assert watch.stdout is not None
            assert watch.stderr is not None
            process = watch.stdout.readline().strip()
            try:
                while "listening on" not in (line := watch.stderr.readline()):
                    assert line, "tcpdump did not begin"
                yield heard
            finally:
                self.on(host, f"kill -INT {process} 2> /dev/null || true")
                heard += filter(None, watch.communicate(timeout=_LIMIT)[0].splitlines())

    def counted(self, director: str) -> dict[str, list[int]]:
        """Return each TCP service of a director with its connections, packets in and packets out until now.

        The kernel adds its counters up every two seconds (ip_vs_est.c).
        """
        told = self.on(director, "sleep 3; ipvsadm -Ln --stats --exact")
        lines = [line.split() for line in told.splitlines()]
        return {line[1]: [int(number) for number in line[2:5]] for line in lines if line[0] == "TCP"}

    def visits(self, url: str, number: int, header: str = "x-served-by") -> Counter[str]:
        """Return how many of the client's visits each server answered; one that fails fails the test."""
        each = f"curl -sf -m 20 -o /dev/null -D - '{url}' || exit 1"
        heads = self.on("client", f"for i in $(seq {number}); do {each}; done")
        return Counter(re.findall(rf"^{header}: *(\S+)", heads, re.MULTILINE | re.IGNORECASE))
