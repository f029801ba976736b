# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab says when QEMU, the guest or the machine that it runs on lets it down; nothing is started for it."""

from __future__ import annotations

import asyncio
import json
import os
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
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import (
    LabError,
    MachineDied,
    MissingProgram,
    SnapshotRefused,
)
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


def refused(work: Any) -> LabError:
    """Return the error with which the work ends."""
    with pytest.raises(LabError) as caught:
        asyncio.run(work)
    return caught.value


def monitor(*answers: Any) -> Monitor:
    made = Monitor.__new__(Monitor)
    made._path, made._client = "/lab/monitor.sock", Said(*answers)
    return made


@pytest.mark.parametrize(
    ("work", "answer", "about"),
    [
        (lambda m: m.connect(0), OSError("gone"), ("QEMU's monitor", '/lab/monitor.sock')),
        (lambda m: m.execute("cont"), EOFError(), ("QEMU", None)),
        (lambda m: m.finish_migration("loading"), EOFError(), ("loading", None)),
        (lambda m: m.finish_migration("loading"), {"status": "failed", "error-desc": "bad"},
         ("loading", None)),
    ],
)  # fmt: skip
def test_monitor(work, answer, about, error_words):
    assert error_words(refused(work(monitor(answer)))) == about


def agent(*answers: Any) -> Agent:
    made = Agent("/lab/agent.sock", "rs1")
    lines = [one if isinstance(one, BaseException) else one and json.dumps(one).encode() for one in answers]
    made._reader, made._writer = Said(*lines), SimpleNamespace(write=lambda _: None)
    return made


WHY = LabError("QEMU", None, "failed", "see why")
STARTED = {"return": {"pid": 1}}


@pytest.mark.parametrize(
    ("work", "answers", "about"),
    [
        (lambda a: a.execute("ping"), [b""], ("rs1: the guest agent", None)),
        (lambda a: a.execute("ping"), [asyncio.TimeoutError()],
         ("rs1: the guest agent", None)),
        (lambda a: a.execute("ping"), [{"error": {"desc": "no"}}], ("rs1: the guest agent", None)),
        (lambda a: a.run("x", "settling", 0), [STARTED, {"return": {"exited": False}}],
         ("rs1", None)),
        (lambda a: a.run("x", "settling"), [STARTED, {"return": {"exited": True, "exitcode": 1, "err-data": "bm8="}}],
         ("rs1", None)),
    ],
)  # fmt: skip
def test_agent(work, answers, about, error_words):
    assert error_words(refused(work(agent(*answers)))) == about


def test_an_agent_that_keeps_silent(monkeypatch, error_words):
    monkeypatch.setattr(lab_channel.asyncio, "open_unix_connection", Said((None, None)).say)
    assert error_words(refused(Agent("/lab/agent.sock", "rs1").connect(0))) == ("rs1: the guest agent", None)


def machine(tmp_path, seconds: float = 0) -> lab_machine.LabMachine:
    made = lab_machine.LabMachine(tmp_path, "rs1", seconds)
    made.run.mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    ("error", "died", "kind", "why"),
    [
        (None, True, MachineDied, "\nQEMU said "),
        (WHY, False, MachineDied, " QEMU failed; see why.\nQEMU said "),
        (SnapshotRefused("Loading", None, "failed", "see why"), False, SnapshotRefused, " Loading failed; see why.\n"),
    ],
)
def test_a_machine_that_does_not_come_up(tmp_path, monkeypatch, error, died, kind, why, error_words):
    monkeypatch.setattr(lab_process, "end", lambda *_: True)
    monkeypatch.setattr(lab_machine, "forget_image", lambda _: None)

    async def judge() -> None:
        work, death = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
        if error:
            work.set_exception(error)
        if died:
            death.set_result(1)
        await machine(tmp_path)._verdict(work, death, "/nowhere")

    found = refused(judge())
    assert (type(found), error_words(found)) == (kind, ("rs1", None))
    assert found.details.startswith(why)


def test_a_machine_without_a_disk_addresses_or_ssh(tmp_path, monkeypatch, error_words):
    one = machine(tmp_path)
    wanted = SimpleNamespace(name="lan0", addresses=["192.0.2.4/24"])
    guest = SimpleNamespace(addresses=Said({}).say)
    assert error_words(refused(one._wait_addresses(guest, (wanted,)))) == ("rs1", None)
    assert error_words(refused(one._wait_ssh(1))) == ("ssh port of rs1", 1)
    failed = SimpleNamespace(communicate=Said((b"full", None)).say, returncode=1)
    monkeypatch.setattr(lab_machine.asyncio, "create_subprocess_exec", Said(failed).say)
    assert error_words(refused(one._overlay(tmp_path))) == ("disk of rs1", f"{one.run}/disk.qcow2")


def test_an_interface_that_stays(tmp_path, monkeypatch, error_words):
    clock = iter([0.0, 100.0])
    monkeypatch.setattr(lab_machine, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    held = SimpleNamespace(execute=Said(None, [{"name": "nic-lan0"}]).say)
    assert error_words(refused(machine(tmp_path)._unplug(held, SimpleNamespace(name="lan0")))) == (
        "interface of rs1",
        "lan0",
    )


def test_a_new_image_that_does_not_boot(tmp_path, monkeypatch, error_words):
    for part in (KERNEL, INITRD):
        (tmp_path / part).touch()
    monkeypatch.setattr(lab_template, "qemu_argv", lambda *_, **__: ["false"])
    monkeypatch.setattr(lab_template, "_boot_and_save", Said(WHY).say)
    monkeypatch.setattr(lab_template.shutil, "copy", lambda *_: None)
    error = refused(lab_template.make_snapshot(tmp_path, None, 5.0))
    assert error_words(error) == ("The machine of the new image", None)
    assert error.details.startswith(" QEMU failed; see why.\nQEMU said ")


def test_a_switch_and_a_process(tmp_path, monkeypatch, error_words):
    done = subprocess.CompletedProcess([], 1, "no room\n")
    monkeypatch.setattr(lab_switch.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(LabError) as caught:
        lab_switch.start(tmp_path, "lan")
    assert error_words(caught.value) == ("switch of segment", "lan")
    monkeypatch.setattr(lab_process, "find", lambda *_: os.getpid())
    monkeypatch.setattr(lab_process, "arguments", lambda _: ["marker"])
    monkeypatch.setattr(lab_process.signal, "pidfd_send_signal", lambda *_: None)
    monkeypatch.setattr(lab_process, "_gone", lambda *_: False)
    with pytest.raises(LabError) as caught:
        lab_process.end("qemu", "marker", 0)
    error = caught.value
    assert (error.subject, error.value) == ("Process of qemu", os.getpid())
    assert (error.rule, error.remedy) == ("has not ended after SIGKILL", f"look at it with ps -p {os.getpid()}")


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
    assert answer["msg"].startswith(f"base_dir: '{tmp_path}/base/lab' cannot be used: ")
    assert answer["msg"].endswith("; correct that, or set LVS_LAB_DIR to another directory.")


def test_no_qemu(monkeypatch, error_words):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingProgram) as caught:
        lab_probe.qemu_version()
    assert error_words(caught.value) == ("qemu-system-x86_64", None)
