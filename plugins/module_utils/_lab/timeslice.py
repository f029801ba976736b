# SPDX-License-Identifier: GPL-3.0-or-later
"""Long turns on the processor for a QEMU that emulates one.

Translated code fills the processor's caches, and each interruption makes it fill them anew. Linux 6.6 and newer change
between those that want a processor about every millisecond: six emulated machines on two processors then take one and
a half to two times the processor time for the same work. With long turns each waits longer for its own, some tenths of
a second where processors are few.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from contextlib import suppress
from pathlib import Path

SLICE = 100_000_000  # ns, of the 0.1 to 100 ms that sched_setattr(2) takes
# The number of sched_setattr, which glibc has by name only since 2.41 (arch/x86/entry/syscalls/syscall_64.tbl;
# include/uapi/asm-generic/unistd.h has that of arm64 and riscv64).
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
# Size, policy, flags, nice, priority, runtime, deadline, period, least and most utilisation.
_SCHED_ATTR = struct.Struct("=IIQiIQQQII")


def lengthen_turns(pid: int) -> None:
    """Let every thread of this process work for long once it has its turn; those that it makes later are alike.

    They become SCHED_BATCH, which interrupts nobody when it wakes; Linux 6.12 and newer also take a slice of SLICE,
    older ones refuse it or leave it out. Nothing of this needs a privilege. It makes the work only cheaper: what the
    kernel does not do is left, and so is a thread that has ended.
    """
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():  # the first is the main thread, which makes the others
            with suppress(OSError):
                os.sched_setscheduler(int(task.name), os.SCHED_BATCH, os.sched_param(0))
                _set_slice(int(task.name))


def _set_slice(thread: int) -> None:
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None:
        return
    nice = os.getpriority(os.PRIO_PROCESS, thread)
    attributes = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_BATCH, 0, nice, 0, SLICE, 0, 0, 0, 0)
    ctypes.CDLL(None).syscall(number, thread, ctypes.c_char_p(attributes), 0)
