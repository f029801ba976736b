# SPDX-License-Identifier: GPL-3.0-or-later
"""The LAN segments: one vde_switch each, a learning switch on a unix socket."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from . import process
from .errors import AGAIN, LabError
from .qemu import check_socket_path

PROGRAM = "vde_switch"
_PORTS = "128"


def _directory(lab: Path, segment: str) -> Path:
    return lab / f"{segment}.switch"


def runs(lab: Path, segment: str) -> bool:
    """Whether the segment's switch runs."""
    return process.find(PROGRAM, str(_directory(lab, segment))) is not None


def present(lab: Path) -> list[str]:
    """The segments that have had a switch, or have one still."""
    names = {path.name for path in [*lab.glob("*.switch"), *process.below(PROGRAM, lab)]}
    return sorted(name[: -len(".switch")] for name in names if name.endswith(".switch"))


def start(lab: Path, segment: str) -> None:
    """Start the segment's switch; raises LabError with its words."""
    directory = _directory(lab, segment)
    check_socket_path(directory / ".00000-00000")  # the longest socket that a client makes there
    shutil.rmtree(directory, ignore_errors=True)
    argv = [PROGRAM, "-sock", str(directory), "-mode", "0600", "-numports", _PORTS, "-daemon"]
    done = subprocess.run(
        argv, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode or not runs(lab, segment):
        rule = f"did not start: {done.stdout.strip() or done.returncode}"
        raise LabError("switch of segment", segment, rule, AGAIN)


def end(lab: Path, segment: str) -> None:
    """End the segment's switch and remove its sockets."""
    process.end(PROGRAM, str(_directory(lab, segment)))
    shutil.rmtree(_directory(lab, segment), ignore_errors=True)
