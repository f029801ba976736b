# SPDX-License-Identifier: GPL-3.0-or-later
"""One sysctl that is a number, or a few numbers, by its file below /proc/sys."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from .._core.errors import AS_ROOT, KernelRefusal, NotPermitted

CORRECT = "correct that and run the task again"


def read_value(path: str) -> int:
    """Return the value; raise OSError where there is no such sysctl."""
    (value,) = read_numbers(path)
    return value


def read_numbers(path: str) -> tuple[int, ...]:
    """Return the numbers of a sysctl that has several; raise OSError where there is no such sysctl."""
    with open(path, encoding="ascii") as source:
        return tuple(map(int, source.read().split()))


def write_value(path: str, value: int) -> None:
    """Set the value, and see that it holds; raise KernelRefusal or NotPermitted."""
    write_numbers(path, (value,))


def write_numbers(path: str, values: Sequence[int]) -> None:
    """Set the numbers of a sysctl, and see that they hold; raise KernelRefusal or NotPermitted."""
    try:
        with open(path, "r+", encoding="ascii") as target:
            target.write(f"{words(values)}\n")
        now = read_numbers(path)
    except OSError as error:
        raise refused(path, error.errno or 0) from None
    if now != tuple(values):
        rule = f"was written, but {words(now)} is read back: another program sets it too"
        value = values[0] if len(values) == 1 else words(values)
        raise KernelRefusal(path, value, rule, "stop that program, and run the task again", 0)


def words(values: Sequence[int]) -> str:
    """Return the numbers as they stand in the file."""
    return " ".join(map(str, values))


def refused(path: str, number: int) -> KernelRefusal:
    """Return what to raise when a file can't be written."""
    if number in (errno.EACCES, errno.EPERM):
        return NotPermitted(path, None, f"cannot be written: {os.strerror(errno.EACCES)}", AS_ROOT, number)
    if number == errno.EROFS:
        remedy = "run the task on the host itself, or make it writable"
        return NotPermitted(path, None, "is read-only here, as in a container", remedy, number)
    return KernelRefusal(path, None, f"cannot be written ({os.strerror(number)})", CORRECT, number)
