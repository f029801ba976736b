# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and ending the lab's own processes: by an argument that only they have, and by process id."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .errors import LabError


def arguments(pid: int, proc: Path = Path("/proc")) -> list[str]:
    """The command line of a process; empty when it has ended."""
    try:
        raw = (proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [os.fsdecode(word) for word in raw.split(b"\0")[:-1]]


def find(program: str, marker: str, proc: Path = Path("/proc")) -> int | None:
    """The process of this program that has marker as one whole argument.

    The pid file is not believed: it may be of before a reboot, and its number another's by now.
    """
    for pid in _pids(proc):
        words = arguments(pid, proc)
        if words and os.path.basename(words[0]).startswith(program) and marker in words[1:]:
            return pid
    return None


def below(program: str, directory: Path, proc: Path = Path("/proc")) -> list[Path]:
    """What the processes of this program have as arguments below directory, relative to it; sorted, each once.

    It finds what still runs when its directory is gone.
    """
    found = set()
    for pid in _pids(proc):
        words = arguments(pid, proc)
        if words and os.path.basename(words[0]).startswith(program):
            found |= {Path(word).relative_to(directory) for word in words[1:] if word.startswith(f"{directory}/")}
    return sorted(found)


def _pids(proc: Path) -> Iterator[int]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def end(program: str, marker: str, wait: float = 0.0, patience: float = 3.0) -> bool:
    """End that process: wait for it to go by itself, then SIGTERM, then SIGKILL; False when there was none.

    The signal goes through a handle of the process, taken before its command line is looked at, so that it can never
    reach a stranger who got the same number. Raises LabError when even SIGKILL does not help. Times in seconds.
    """
    pid = find(program, marker)
    if pid is None:
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if marker not in arguments(pid):
            return True
        if _gone(pid, marker, wait):
            return True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if _gone(pid, marker, patience):
                return True
    finally:
        os.close(handle)
    remedy = f"look at it with ps -p {pid}"
    raise LabError(f"Process of {program}", pid, "has not ended after SIGKILL", remedy)


def _gone(pid: int, marker: str, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while marker in arguments(pid):  # a zombie has no command line
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
