# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the lab: nothing of it is left but the image."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_nothing_is_left():
    base = os.environ.get("LVS_LAB_DIR") or str(
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lvs.cluster"
    )
    run_directory = Path(base) / "run" / os.environ.get("LVS_LAB", "lab")
    subprocess.run(
        ["ansible-playbook", "lvs.cluster.lab_down", "-i", "lab"],
        cwd=PROJECT,
        env={**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")},
        check=True,
        timeout=120,
    )
    assert not run_directory.exists()
    ours = [
        (process.name, command)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and str(run_directory) in (command := command_line(process))
    ]
    assert ours == []


def command_line(process: Path) -> str:
    """Return a process's command line, '' for one that is gone."""
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
