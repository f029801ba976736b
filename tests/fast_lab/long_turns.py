# SPDX-License-Identifier: GPL-3.0-or-later
"""Long time slices for the QEMU processes that emulate a processor in the tests' labs.

Translated code fills the processor's caches, and each interruption makes QEMU fill them again. Linux 6.6 and newer switch
between runnable threads about every millisecond: six emulated machines on two processors then use one and a half to two
times the processor time for the same work. With long slices each machine waits longer for its own, some tenths of a
second if there are few processors.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab_processes import processes

SLICE = 100_000_000  # ns; sched_setattr(2) accepts 0.1 to 100 ms
INTERVAL = 1.0  # seconds between two searches for new processes
# The number of sched_setattr, which glibc has by name only since 2.41 (arch/x86/entry/syscalls/syscall_64.tbl;
# include/uapi/asm-generic/unistd.h has that of arm64 and riscv64).
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
# Size, policy, flags, nice, priority, runtime, deadline, period, least and most utilisation.
_SCHED_ATTR = struct.Struct("=IIQiIQQQII")


def emulators(labs: Iterable[str]) -> set[int]:
    """Return the process ids of the QEMUs of these labs that emulate a processor."""
    return {
        pid
        for pid, line in processes(*labs).items()
        if Path(line.split(" ", 1)[0]).name.startswith("qemu-system-") and " -accel tcg" in line
    }


@contextmanager
def long_turns(labs: Iterable[str]) -> Iterator[None]:
    """Lengthen the slices of the labs' machines, also of those that start later, until the block ends."""
    names, ended = list(labs), threading.Event()

    def work() -> None:
        known: set[int] = set()
        while not ended.wait(INTERVAL):
            found = emulators(names)
            for pid in found - known:
                lengthen_turns(pid)
            known = found

    thread = threading.Thread(target=work, name="long turns", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def lengthen_turns(pid: int) -> None:
    """Give every thread of this process long slices; threads that it creates later inherit them.

    SCHED_BATCH does not preempt another thread when it wakes. Linux 6.12 and newer also accept a slice of SLICE; older
    ones reject or ignore it. None of this needs a privilege. It only saves processor time: a setting that the kernel does
    not accept is left as it is, and so is a thread that has ended.
    """
    with suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():  # the first is the main thread, which creates the others
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
