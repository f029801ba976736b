# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has of VRRP, read from its files, and keepalived's own test, with programs that stand in for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import ServiceRefusal
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp import client
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.config import render_config
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import VrrpUnit
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import parse_vrrp
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.plan import Loaded
from vrrp_instances import instance

WEB = parse_vrrp({"instances": [instance()]})
CONFIG = WEB.unit.config


def write(root: Path, path: str, text: str) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def program(directory: Path, text: str) -> str:
    path = directory / "keepalived"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_program_reads_the_text_and_nothing_is_written(tmp_path):
    said = tmp_path / "said"
    path = program(tmp_path, f'cat "${{2#--use-file=}}" >{said}; echo "$1" >>{said}')
    client.check_config(path, CONFIG, "the text\n")
    assert said.read_text() == "the text\n--config-test\n"


@pytest.mark.parametrize("text", ["echo nonsense >&2", "exit 5", "kill -SEGV $$", "exit 1"])
def test_a_text_that_is_refused(tmp_path: Path, text: str, error_words: Any) -> None:
    with pytest.raises(ServiceRefusal) as refusal:
        client.check_config(program(tmp_path, text), CONFIG, "the text\n")
    assert error_words(refusal.value) == (CONFIG, None)


def test_a_program_that_hangs(tmp_path, monkeypatch, error_words):
    monkeypatch.setattr(client, "_SECONDS", 0.1)
    with pytest.raises(ServiceRefusal) as refusal:
        client.check_config(program(tmp_path, "exec sleep 60"), CONFIG, "the text\n")
    error_words(refusal.value)


def test_a_host_without_keepalived(tmp_path, error_words):
    assert client.find_program(str(tmp_path)) == ""
    error_words(client.missing_program())
    assert client.missing_program().prediction.endswith("before keepalived is installed.")
    write(tmp_path, client.PROGRAMS[1], "")
    assert client.find_program(str(tmp_path)) == ""
    (tmp_path / client.PROGRAMS[1].lstrip("/")).chmod(0o755)
    assert client.find_program(str(tmp_path)) == client.PROGRAMS[1]


@pytest.mark.parametrize(("pid", "runs"), [("", False), ("nonsense", False), ("999999999", False), (None, True)])
def test_whether_it_runs_and_what_it_has_read(tmp_path, monkeypatch, pid, runs):
    monkeypatch.setattr(client, "PROGRAM", Path("/proc/self/comm").read_text().strip())
    root = str(tmp_path)
    write(tmp_path, WEB.unit.pid_file, f"{os.getpid() if pid is None else pid}\n")
    write(tmp_path, WEB.unit.loaded_config, "what was read")
    assert client.is_running(WEB.unit, root) is runs
    assert client.read_loaded(WEB.unit, root) == (Loaded(None, "what was read") if runs else None)


def test_a_process_id_that_is_another_programs_by_now(tmp_path):
    write(tmp_path, WEB.unit.pid_file, f"{os.getpid()}\n")
    assert not client.is_running(WEB.unit, str(tmp_path))


def test_instances_of_all_owners(tmp_path):
    root = str(tmp_path)
    assert (client.read_instances(WEB.unit, root), client.read_other_instances(Owner(), root)) == ((), {})
    write(tmp_path, CONFIG, render_config(WEB))
    write(tmp_path, VrrpUnit("mail").config, render_config(WEB))
    write(tmp_path, VrrpUnit("hand").config, "nonsense {")
    write(tmp_path, "/etc/lvs-cluster/director.json", "{}")
    write(tmp_path, "/etc/lvs-cluster/other.conf", "")
    assert client.read_instances(WEB.unit, root) == WEB.instances
    assert client.read_other_instances(Owner(), root) == {"hand": (), "mail": WEB.instances}
    assert client.read_other_instances(Owner("mail", "default"), root) == {"hand": ()}
