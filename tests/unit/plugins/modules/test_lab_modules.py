# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's modules as Ansible runs them, where nothing has to be started."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab import channel as lab_channel
from ansible_collections.lvs.cluster.plugins.module_utils._lab import probe as lab_probe
from lab_module_runs import HOST, MACHINE, run


@pytest.mark.parametrize(
    ("name", "options"),
    [("lab_vms", {"base_dir": "/nowhere"}), ("lab_snapshot", {"image": "/nowhere", "machine": MACHINE})],
)
def test_a_missing_library_is_named(name, options, capsys, monkeypatch):
    monkeypatch.setattr(lab_channel, "QMP_ERROR", ImportError("No module named 'qemu'"))
    answer = run(name, capsys, **options)
    assert answer["failed"]
    assert "Failed to import the required Python library (qemu.qmp)" in answer["msg"]


def test_check_mode_tells_the_operations_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ansible_collections.lvs.cluster.plugins.module_utils._lab.run.check_port", lambda host: None)
    base = tmp_path / "base"
    answer = run("lab_vms", capsys, base_dir=str(base), hosts=[HOST], _ansible_check_mode=True)
    assert answer["operations"] == ["start machine rs1"]
    assert answer["changed"]
    assert answer["diff"]["before"] == {}
    assert not base.exists()


def test_checked_changes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ansible_collections.lvs.cluster.plugins.module_utils._lab.run.check_port", lambda host: None)
    answer = run("lab_vms", capsys, base_dir=str(tmp_path), hosts=[HOST], state="checked")
    assert not answer["changed"]
    assert list(tmp_path.iterdir()) == []


def test_a_bad_address_is_one_sentence(tmp_path, capsys):
    bad = {**HOST, "interfaces": [{"name": "lan0", "segment": "lan", "addresses": ["x/24"]}]}
    answer = run("lab_vms", capsys, base_dir=str(tmp_path), hosts=[bad])
    assert answer["msg"] == "addresses of rs1, lan0: 'x/24' is not an IP address; write one such as 192.0.2.1/24."


def test_ending_what_does_not_run_changes_nothing(tmp_path, capsys):
    assert run("lab_vms", capsys, base_dir=str(tmp_path), state="absent")["changed"] is False


def test_an_image_that_is_not_there_is_begun_but_not_in_check_mode(tmp_path, capsys):
    options = {"release": "bookworm", "machine": MACHINE, "recipe": {}, "guest_files": str(tmp_path), "space": 1}
    base = tmp_path / "base"
    told = run("lab_image", capsys, base_dir=str(base), state="begun", _ansible_check_mode=True, **options)
    assert told["changed"]
    assert not base.exists()


def test_missing_programs_are_told_with_their_packages(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(lab_probe, "missing_programs", lambda: ["vde_switch"])
    answer = run("lab_host_info", capsys, base_dir=str(tmp_path))
    assert answer["missing_packages"] == ["vde2"]
    assert answer["missing_message"].startswith("The lab needs vde_switch, not installed here")
    assert not answer["changed"]
