# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's processes as /proc shows them: asked of the kernel, and not of what started them."""

from __future__ import annotations

import os
from pathlib import Path


def run_directory(lab: str = "") -> Path:
    """Return where a lab, by default the one that $LVS_LAB names, keeps what runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lvs.cluster"
    return Path(os.environ.get("LVS_LAB_DIR") or cache) / "run" / (lab or os.environ.get("LVS_LAB", "lab"))


def processes(*labs: str) -> dict[int, str]:
    """Return process id -> command line of everything that was started for these labs, by default for $LVS_LAB."""
    places = tuple(f"{run_directory(lab)}/" for lab in labs or ("",))
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it has ended meanwhile
            if any(place in line for place in places) and not line.startswith("ssh"):
                found[int(process.name)] = line
    return found


def listeners(pid: int) -> list[str]:
    """Return the local addresses, in hexadecimal as the kernel writes them, on which a process takes TCP connections.

    UDP says nothing here: what a guest asks of its name server leaves by a socket that looks like a listening one.
    """
    inodes = {os.readlink(handle) for handle in Path(f"/proc/{pid}/fd").iterdir()}
    found = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = row.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                found.append(f"{table} {fields[1]}")
    return found
