# SPDX-License-Identifier: GPL-3.0-or-later
"""Long turns for the threads of a process, asked of this machine's kernel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab import timeslice as lab_timeslice

# Two threads at first and, after a line on standard input, a third.
THREADS = """
import sys, threading
begin = lambda: threading.Thread(target=threading.Event().wait, daemon=True).start()
begin()
print(flush=True)
sys.stdin.readline()
begin()
print(flush=True)
sys.stdin.readline()
"""


@contextmanager
def process():
    """A process of two threads."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", THREADS], **pipes) as child:
        child.stdout.readline()
        try:
            yield child
        finally:
            child.kill()


def turns(pid):
    """Of every thread: its policy and, where this kernel tells, its slice in ns."""
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        told = task / "sched"
        said = re.search(r"^se\.slice +: +(\d+)", told.read_text(), re.MULTILINE) if told.exists() else None
        found.add((os.sched_getscheduler(int(task.name)), int(said[1]) if said else None))
    return found


def test_every_thread_has_long_turns_and_gives_them_on():
    with process() as child:
        ((_, told),) = turns(child.pid)
        lab_timeslice.lengthen_turns(child.pid)
        release = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])
        wanted = {(os.SCHED_BATCH, told if told is None or release < (6, 12) else lab_timeslice.SLICE)}
        assert turns(child.pid) == wanted
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert len(list(Path(f"/proc/{child.pid}/task").iterdir())) == 3
        assert turns(child.pid) == wanted


@pytest.mark.parametrize("machine", ["x86_64", "pdp11"])
def test_where_the_slice_is_refused_or_cannot_be_asked_for_the_policy_is_left(machine, monkeypatch):
    monkeypatch.setattr(lab_timeslice.platform, "machine", lambda: machine)
    monkeypatch.setattr(lab_timeslice, "_SCHED_SETATTR", {"x86_64": 1 << 20})  # no system call has this number
    with process() as child:
        ((_, told),) = turns(child.pid)
        lab_timeslice.lengthen_turns(child.pid)
        assert turns(child.pid) == {(os.SCHED_BATCH, told)}


def test_a_nice_process_stays_so():
    with process() as child:
        os.setpriority(os.PRIO_PROCESS, child.pid, 7)
        lab_timeslice.lengthen_turns(child.pid)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 7


def test_a_process_that_has_ended_is_no_error():
    with subprocess.Popen(["true"]) as child:
        child.wait()
    lab_timeslice.lengthen_turns(child.pid)
