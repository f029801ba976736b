# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules that the kernel does not load by itself."""

from __future__ import annotations

HELPER = "/proc/sys/kernel/modprobe"


def load_module(name: str, helper: str = HELPER) -> None:
    """Load a module by the program that the kernel calls to load one (proc_sys_kernel(5)), if it is not blacklisted.

    No system call takes a module by its name. Nothing is raised: whoever asked sees whether what was missing is there.
    """
    import subprocess  # which nearly no run needs

    try:
        with open(helper, encoding="utf-8") as told:
            program = told.read().strip()
        if program:  # else loading is switched off
            null = subprocess.DEVNULL
            subprocess.run([program, "-q", "-b", "--", name], stdin=null, stdout=null, stderr=null, check=False)
    except OSError:
        pass
