# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules that the kernel does not load by itself."""

from __future__ import annotations

HELPER = "/proc/sys/kernel/modprobe"
_LIMIT = 60.0  # seconds; a module whose initialization hangs would block the task for ever


def load_module(name: str, helper: str = HELPER, limit: float = _LIMIT) -> None:
    """Load a module by the program that the kernel calls to load one (proc_sys_kernel(5)), if it is not blacklisted.

    No system call takes a module by its name. The program is killed after `limit` seconds. Nothing is raised: the
    caller checks whether the kernel now has what was missing.
    """
    import subprocess  # which nearly no run needs

    try:
        with open(helper, encoding="utf-8") as told:
            program = told.read().strip()
        if program:  # else loading is switched off
            null = subprocess.DEVNULL
            command = [program, "-q", "-b", "--", name]
            process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null)
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                process.kill()  # without a wait: a process that hangs in the kernel does not end
    except OSError:
        pass
