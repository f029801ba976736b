# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the QEMU of a lab machine, and quotes its logs."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

QEMU = "qemu-system-x86_64"
_EXCERPT_LINES = 20


def excerpt(run: Path) -> str:
    """The last lines of QEMU's own words and of the console."""
    text = ""
    for name, title in (("qemu.log", "QEMU said"), ("console.log", "The end of its console")):
        path = run / name
        lines = path.read_text(errors="replace").splitlines()[-_EXCERPT_LINES:] if path.exists() else []
        text += f"\n{title} ({path}):\n" + ("\n".join("  " + line for line in lines) or "  (nothing)")
    return text


async def begin_qemu(argv: list[str], run: Path) -> asyncio.subprocess.Process:
    """A QEMU that outlives who began it, and says what it has to say in a log."""
    with open(run / "qemu.log", "wb") as log:
        return await asyncio.create_subprocess_exec(
            *argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
