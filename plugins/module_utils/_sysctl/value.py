# SPDX-License-Identifier: GPL-3.0-or-later
"""One sysctl that is a number, by its file below /proc/sys."""

from __future__ import annotations

import errno
import os

from .._core.errors import AS_ROOT, KernelRefusal, NotPermitted

CORRECT = "correct that and run the task again"


def read_value(path: str) -> int:
    """Return the value; raise OSError where there is no such sysctl."""
    with open(path, encoding="ascii") as source:
        return int(source.read())


def write_value(path: str, value: int) -> None:
    """Set the value, and see that it holds; raise KernelRefusal or NotPermitted."""
    try:
        with open(path, "r+", encoding="ascii") as target:
            target.write(f"{value}\n")
        now = read_value(path)
    except OSError as error:
        raise refused(path, error.errno or 0) from None
    if now != value:
        rule = f"was written, but {now} is read back: another program sets it too"
        raise KernelRefusal(path, value, rule, "stop that program, and run the task again", 0)


def refused(path: str, number: int) -> KernelRefusal:
    """Return what to raise when a file can't be written."""
    if number in (errno.EACCES, errno.EPERM):
        return NotPermitted(path, None, f"cannot be written: {os.strerror(errno.EACCES)}", AS_ROOT, number)
    if number == errno.EROFS:
        remedy = "run the task on the host itself, or make it writable"
        return NotPermitted(path, None, "is read-only here, as in a container", remedy, number)
    return KernelRefusal(path, None, f"cannot be written ({os.strerror(number)})", CORRECT, number)
