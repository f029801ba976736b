# SPDX-License-Identifier: GPL-3.0-or-later
"""Long slices for the threads of a process, as this machine's kernel reports them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from fast_lab import long_turns
from lab_processes import run_directory

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
RELEASE = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


@contextmanager
def process(*words, name=sys.executable):
    """A process of two threads, with further words on its command line."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([name, "-c", THREADS, *words], executable=sys.executable, **pipes) as child:
        child.stdout.readline()
        try:
            yield child
        finally:
            child.kill()


def turns(pid):
    """Of every thread: its policy and, if this kernel reports it, its slice in ns."""
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        told = task / "sched"
        said = re.search(r"^se\.slice +: +(\d+)", told.read_text(), re.MULTILINE) if told.exists() else None
        found.add((os.sched_getscheduler(int(task.name)), int(said[1]) if said else None))
    return found


def long_ones(told):
    """Return the turns that replace one whose slice is `told`."""
    return {(os.SCHED_BATCH, told if told is None or RELEASE < (6, 12) else long_turns.SLICE)}


def test_every_thread_has_long_turns_and_gives_them_on():
    with process() as child:
        ((_, told),) = turns(child.pid)
        long_turns.lengthen_turns(child.pid)
        wanted = long_ones(told)
        assert turns(child.pid) == wanted
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        assert len(list(Path(f"/proc/{child.pid}/task").iterdir())) == 3
        assert turns(child.pid) == wanted


@pytest.mark.parametrize("machine", ["x86_64", "pdp11"])
def test_where_the_slice_is_refused_or_cannot_be_asked_for_the_policy_is_left(machine, monkeypatch):
    monkeypatch.setattr(long_turns.platform, "machine", lambda: machine)
    monkeypatch.setattr(long_turns, "_SCHED_SETATTR", {"x86_64": 1 << 20})  # no system call has this number
    with process() as child:
        ((_, told),) = turns(child.pid)
        long_turns.lengthen_turns(child.pid)
        assert turns(child.pid) == {(os.SCHED_BATCH, told)}


def test_a_nice_process_stays_so():
    with process() as child:
        os.setpriority(os.PRIO_PROCESS, child.pid, 7)
        long_turns.lengthen_turns(child.pid)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 7


def test_a_process_that_has_ended_is_no_error():
    with subprocess.Popen(["true"]) as child:
        child.wait()
    long_turns.lengthen_turns(child.pid)


@pytest.mark.parametrize(
    ("name", "accelerator", "lab", "found"),
    [
        ("qemu-system-x86_64", "tcg,thread=multi", "mine", True),
        ("/usr/bin/qemu-system-x86_64", "tcg,thread=multi", "mine", True),
        ("qemu-system-x86_64", "kvm", "mine", False),
        ("qemu-system-x86_64", "tcg,thread=multi", "other", False),
        ("vde_switch", "tcg,thread=multi", "mine", False),
    ],
)
def test_only_emulators_of_these_labs_are_found(tmp_path, monkeypatch, name, accelerator, lab, found):
    monkeypatch.setenv("LVS_LAB_DIR", str(tmp_path))
    with process("-accel", accelerator, "-pidfile", f"{run_directory(lab)}/rs1/pid", name=name) as child:
        assert long_turns.emulators(["another", "mine"]) == ({child.pid} if found else set())


def test_a_machine_that_starts_meanwhile_has_long_turns(tmp_path, monkeypatch):
    monkeypatch.setenv("LVS_LAB_DIR", str(tmp_path))
    monkeypatch.setattr(long_turns, "INTERVAL", 0.01)
    words = ("-accel", "tcg", "-pidfile", f"{run_directory('mine')}/rs1/pid")
    with long_turns.long_turns(["mine"]), process(*words, name="qemu-system-x86_64") as child:
        deadline = time.monotonic() + 30
        while {policy for policy, _ in turns(child.pid)} != {os.SCHED_BATCH} and time.monotonic() < deadline:
            time.sleep(0.01)
        assert {policy for policy, _ in turns(child.pid)} == {os.SCHED_BATCH}
