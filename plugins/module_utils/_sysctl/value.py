# SPDX-License-Identifier: GPL-3.0-or-later
"""One sysctl that is a number, by its file below /proc/sys."""

from __future__ import annotations

import errno
import os

from .._core.errors import KernelRefusal, NotPermitted


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
        raise KernelRefusal(
            f"{path}: {value} was written and {now} is read back; another program on this host sets it too: "
            "stop that, and run again.",
            0,
        )


def refused(path: str, number: int) -> KernelRefusal:
    """Return what to raise when a file can't be written."""
    if number in (errno.EACCES, errno.EPERM):
        return NotPermitted(f"{path}: no permission to write here; run the task as root (become: true).", number)
    if number == errno.EROFS:
        return NotPermitted(
            f"{path}: it is read-only here, as in a container; run the task on the host itself, or make it writable.",
            number,
        )
    return KernelRefusal(f"{path}: cannot be written ({os.strerror(number)}); put that right and run again.", number)
