# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab says when QEMU, the guest or the machine that it runs on lets it down; nothing is started for it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab import channel as lab_channel
from ansible_collections.lvs.cluster.plugins.module_utils._lab import machine as lab_machine
from ansible_collections.lvs.cluster.plugins.module_utils._lab import probe as lab_probe
from ansible_collections.lvs.cluster.plugins.module_utils._lab import process as lab_process
from ansible_collections.lvs.cluster.plugins.module_utils._lab import run as lab_run
from ansible_collections.lvs.cluster.plugins.module_utils._lab import switch as lab_switch
from ansible_collections.lvs.cluster.plugins.module_utils._lab import template as lab_template
from ansible_collections.lvs.cluster.plugins.module_utils._lab.channel import Agent, Monitor
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import AGAIN, LabError, SnapshotRefused
from ansible_collections.lvs.cluster.plugins.module_utils._lab.qemu import INITRD, KERNEL
from lab_module_runs import HOST, MACHINE, run


class Said:
    """In the place of QEMU's client, or of the agent's answers: says one thing after the other, errors too."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    async def say(self, *_arguments: Any, **_options: Any) -> Any:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    connect = execute = readline = say


def refused(work: Any) -> str:
    """Return the error with which the work ends."""
    with pytest.raises(LabError) as caught:
        asyncio.run(work)
    return str(caught.value)


def monitor(*answers: Any) -> Monitor:
    made = Monitor.__new__(Monitor)
    made._path, made._client = "/lab/monitor.sock", Said(*answers)
    return made


@pytest.mark.parametrize(
    ("work", "answer", "message"),
    [
        (lambda m: m.connect(0), OSError("gone"), f"QEMU's monitor /lab/monitor.sock does not answer: gone; {AGAIN}."),
        (lambda m: m.execute("cont"), EOFError(), f"QEMU refused cont: EOFError; {AGAIN}."),
        (lambda m: m.finish_migration("loading"), EOFError(), "loading failed: QEMU ended; run lvs.cluster.lab_up again."),
        (lambda m: m.finish_migration("loading"), {"status": "failed", "error-desc": "bad"},
         "loading failed: bad; run lvs.cluster.lab_up again."),
    ],
)  # fmt: skip
def test_monitor(work, answer, message):
    assert refused(work(monitor(answer))) == message


def agent(*answers: Any) -> Agent:
    made = Agent("/lab/agent.sock", "rs1")
    lines = [one if isinstance(one, BaseException) else one and json.dumps(one).encode() for one in answers]
    made._reader, made._writer = Said(*lines), SimpleNamespace(write=lambda _: None)
    return made


STARTED = {"return": {"pid": 1}}


@pytest.mark.parametrize(
    ("work", "answers", "message"),
    [
        (lambda a: a.execute("ping"), [b""], f"rs1: its machine closed the agent's channel; {AGAIN}."),
        (lambda a: a.execute("ping"), [asyncio.TimeoutError()],
         f"rs1: the guest agent did not answer ping in 60 s; {AGAIN}."),
        (lambda a: a.execute("ping"), [{"error": {"desc": "no"}}], f"rs1: ping failed: no; {AGAIN}."),
        (lambda a: a.run("x", "settling", 0), [STARTED, {"return": {"exited": False}}],
         f"rs1: settling has not ended in 0 s; {AGAIN}."),
        (lambda a: a.run("x", "settling"), [STARTED, {"return": {"exited": True, "exitcode": 1, "err-data": "bm8="}}],
         f"rs1: settling failed in the guest: no; {AGAIN}."),
    ],
)  # fmt: skip
def test_agent(work, answers, message):
    assert refused(work(agent(*answers))) == message


def test_an_agent_that_keeps_silent(monkeypatch):
    monkeypatch.setattr(lab_channel.asyncio, "open_unix_connection", Said((None, None)).say)
    assert refused(Agent("/lab/agent.sock", "rs1").connect(0)) == (
        f"rs1: the guest agent has not answered in 0 s; {AGAIN}, with less to do meanwhile."
    )


def machine(tmp_path, seconds: float = 0) -> lab_machine.LabMachine:
    made = lab_machine.LabMachine(tmp_path, "rs1", seconds)
    made.run.mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    ("error", "died", "message"),
    [
        (None, True, f"rs1: its machine ended by itself (exit status 1); {AGAIN}."),
        (LabError("Why."), False, f"rs1: its machine did not come up; {AGAIN}. Why."),
        (SnapshotRefused("Why."), False, "rs1: this QEMU refused the snapshot in /nowhere, which is now marked as unusable; "
         "run lab_up again to have a new one built. Why."),
    ],
)  # fmt: skip
def test_a_machine_that_does_not_come_up(tmp_path, monkeypatch, error, died, message):
    monkeypatch.setattr(lab_process, "end", lambda *_: True)
    monkeypatch.setattr(lab_machine, "forget_image", lambda _: None)

    async def judge() -> None:
        work, death = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
        if error:
            work.set_exception(error)
        if died:
            death.set_result(1)
        await machine(tmp_path)._verdict(work, death, "/nowhere")

    assert refused(judge()).startswith(message)


def test_a_machine_without_a_disk_addresses_or_ssh(tmp_path, monkeypatch):
    one = machine(tmp_path)
    wanted = SimpleNamespace(name="lan0", addresses=["192.0.2.4/24"])
    guest = SimpleNamespace(addresses=Said({}).say)
    assert refused(one._wait_addresses(guest, (wanted,))) == (
        f"rs1: after 0 s it still lacks 192.0.2.4/24 on lan0; {AGAIN}."
    )
    assert refused(one._wait_ssh(1)).startswith("rs1: ssh on 127.0.0.1:1 has not answered in 0 s; ")
    failed = SimpleNamespace(communicate=Said((b"full", None)).say, returncode=1)
    monkeypatch.setattr(lab_machine.asyncio, "create_subprocess_exec", Said(failed).say)
    assert refused(one._overlay(tmp_path)) == (
        f"rs1: its disk {one.run}/disk.qcow2 cannot be made: full; put that right and run lvs.cluster.lab_up again."
    )


def test_an_interface_that_stays(tmp_path, monkeypatch):
    clock = iter([0.0, 100.0])
    monkeypatch.setattr(lab_machine, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    held = SimpleNamespace(execute=Said(None, [{"name": "nic-lan0"}]).say)
    assert refused(machine(tmp_path)._unplug(held, SimpleNamespace(name="lan0"))) == (
        "rs1: the guest does not let go of lan0; restart it."
    )


def test_a_new_image_that_does_not_boot(tmp_path, monkeypatch):
    for part in (KERNEL, INITRD):
        (tmp_path / part).touch()
    monkeypatch.setattr(lab_template, "qemu_argv", lambda *_, **__: ["false"])
    monkeypatch.setattr(lab_template, "_boot_and_save", Said(LabError("Why.")).say)
    monkeypatch.setattr(lab_template.shutil, "copy", lambda *_: None)
    assert re.match(
        r"The machine that boots the new image ended \(exit status 1\); run lvs\.cluster\.lab_up again\. Why\.",
        refused(lab_template.make_snapshot(tmp_path, None, 5.0)),
    )


def test_a_switch_and_a_process(tmp_path, monkeypatch):
    done = subprocess.CompletedProcess([], 1, "no room\n")
    monkeypatch.setattr(lab_switch.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(LabError, match=re.escape(f"The switch of segment lan did not start: no room; {AGAIN}.")):
        lab_switch.start(tmp_path, "lan")
    monkeypatch.setattr(lab_process, "find", lambda *_: os.getpid())
    monkeypatch.setattr(lab_process, "arguments", lambda _: ["marker"])
    monkeypatch.setattr(lab_process.signal, "pidfd_send_signal", lambda *_: None)
    monkeypatch.setattr(lab_process, "_gone", lambda *_: False)
    with pytest.raises(LabError, match="does not end, even when killed; look at it with ps -p"):
        lab_process.end("qemu", "marker", 0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lab_vms", {"state": "present", "hosts": [HOST]}),
        ("lab_image", {"release": "bookworm", "machine": MACHINE, "recipe": {}, "guest_files": "/nowhere", "space": 1,
                       "state": "begun"}),
    ],
)  # fmt: skip
def test_a_directory_that_cannot_be_used(name, options, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(lab_run, "check_port", lambda _: None)
    (tmp_path / "base").write_text("a file")
    answer = run(name, capsys, base_dir=str(tmp_path / "base" / "lab"), **options)
    assert answer["failed"]
    assert "; put that right, or choose another" in answer["msg"]


def test_no_qemu(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LabError, match=r"qemu-system-x86_64 does not run .*; install the package qemu-system-x86"):
        lab_probe.qemu_version()
