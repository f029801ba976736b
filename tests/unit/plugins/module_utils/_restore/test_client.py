# SPDX-License-Identifier: GPL-3.0-or-later
"""What a unit starts, read from its file, and what systemd reads of another unit."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import PrerequisiteMissing
from ansible_collections.lvs.cluster.plugins.module_utils._facts.state import read_boots
from ansible_collections.lvs.cluster.plugins.module_utils._restore import client
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of, unit_with_drop_ins
from restore_declarations import CHECKSUM, files

__all__ = ["files"]
PYTHON, PROGRAM = "/usr/bin/python3", "/usr/local/lib/lvs-cluster/restore.pyz"
STATE, UNIT = "etc/lvs-cluster/director.json", "etc/systemd/system/lvs-cluster-director.service"


@pytest.fixture
def root(tmp_path, files, monkeypatch):
    """Return a directory that stands for a host with the files of a declaration."""
    monkeypatch.setattr(client, "choose_interpreter", lambda _libraries: PYTHON)
    for path, content in files.items():
        place = tmp_path / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        if not content.link:
            place.write_bytes(content.data or b"program")
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/python3").touch()
    return tmp_path


def start(root):
    return read_boots(["director"], str(root))["director"]["start"]


GOOD = {"command": [PYTHON, PROGRAM], "missing": [], "hidden": [], "current": True, "program": CHECKSUM}


def test_a_unit_as_it_was_written(root):
    assert checksum_of(b"program") == CHECKSUM
    assert start(root) == GOOD


@pytest.mark.parametrize(
    ("interpreter", "change"),
    [
        ("/usr/bin/python3.11", {"missing": ["/usr/bin/python3.11"]}),
        ("/root/venv/bin/python", {"missing": ["/root/venv/bin/python"], "hidden": ["/root/venv/bin/python"]}),
    ],
)
def test_an_interpreter_that_is_gone(root, interpreter, change):
    unit = root / UNIT
    unit.write_text(unit.read_text().replace(f"{PYTHON} ", f"{interpreter} "))
    assert start(root) == {**GOOD, "command": [interpreter, PROGRAM], "current": False, **change}


def test_no_program(root):
    (root / PROGRAM[1:]).unlink()
    assert start(root) == {**GOOD, "missing": [PROGRAM], "program": ""}


def test_no_unit(root):
    (root / UNIT).unlink()
    assert start(root) is None


def test_nothing_declared(root):
    (root / STATE).unlink()
    assert start(root) is None


@pytest.mark.parametrize("state", [[], {"vips": [{}]}, {"vips": 1}])
def test_a_declaration_that_was_edited(root, state):
    (root / STATE).write_text(json.dumps(state))
    assert start(root)["current"] is False


def test_an_early_unit_that_is_not_wanted(root):
    (root / UNIT.replace(".service", ".early.service")).write_text("[Unit]\n")
    assert start(root)["current"] is False


def test_no_python_for_it(root, monkeypatch):
    def refuse(_libraries):
        raise PrerequisiteMissing("interpreter", "/root/python", "is hidden", "move it", "it is moved")

    monkeypatch.setattr(client, "choose_interpreter", refuse)
    assert start(root)["current"] is False


@pytest.mark.parametrize(
    ("there", "text"),
    [
        ({}, ""),
        ({"lib/systemd/system/x.service": "a"}, "a"),
        ({"lib/systemd/system/x.service": "a", "etc/systemd/system/x.service": "b"}, "b"),
        (
            {
                "lib/systemd/system/x.service": "a",
                "lib/systemd/system/x.service.d/2.conf": "hidden",
                "etc/systemd/system/x.service.d/2.conf": "c",
                "etc/systemd/system/x.service.d/1.conf": "b",
            },
            "a\nb\nc",
        ),
        ({"etc/systemd/system/x.service.d/1.conf": "of no unit"}, ""),
    ],
)
def test_a_unit_of_others(tmp_path, there, text):
    for path, content in there.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    assert unit_with_drop_ins("x.service", str(tmp_path)) == text
