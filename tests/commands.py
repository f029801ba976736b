# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands as a user types them, and how they ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[1]


class Outcome(NamedTuple):
    """What a command printed, and how it ended."""

    status: int
    output: str

    def changed(self) -> dict[str, int]:
        """Return host -> changed tasks, of a playbook's recap."""
        return {host: int(count) for host, count in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", self.output, re.M)}


def execute(*command: str, cwd: Path = PROJECT, limit: float = 600, **environment: str) -> Outcome:
    """Run a command to its end, `limit` seconds at most; the tools are those of the Python that runs the tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    result = subprocess.run(
        command,
        cwd=cwd,
        env={
            **os.environ,
            "PATH": path,
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit,
    )
    return Outcome(result.returncode, result.stdout)
