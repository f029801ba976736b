# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of boot_restore: what is checked again, and what is remembered."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import PROGRAM
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore import plan as boot
from ansible_collections.lvs.cluster.plugins.module_utils._restore import run as restore_run
from restore_declarations import CHECKSUM, DIRECTOR, STATE, UNIT, files

__all__ = ["files"]
PROGRAM_HERE = restore_run.Program(CHECKSUM)


@pytest.mark.parametrize(
    ("edited", "checked"),
    [
        ({}, False),
        ({UNIT: b"by hand"}, False),
        ({PROGRAM: b"of other checks"}, True),
        ({STATE: b"by hand"}, True),
        ({STATE: None}, True),
    ],
)
def test_what_was_checked_before_is_not_checked_again(files, monkeypatch, edited, checked):
    found = {**files, **{path: boot.Content(path, data or b"") for path, data in edited.items()}}
    current = {path: file for path, file in found.items() if edited.get(path, b"") is not None}
    seen = []
    monkeypatch.setattr(restore_run, "read_files", lambda paths: {one: current[one] for one in paths if one in current})
    monkeypatch.setattr("ansible_collections.lvs.cluster.plugins.module_utils._parts.validate.check_parts", seen.append)
    declared = declare(DIRECTOR)
    run = restore_run.DeclareRun(
        declared, present=True, remove_former=False, program=PROGRAM_HERE, python="/usr/bin/python3"
    )
    assert seen == ([declared] if checked else [])
    assert [one.path for one in run.plan.operations] == list(edited)


def test_what_is_former_is_not_lost_by_a_run_like_the_one_before(monkeypatch):
    """The file that remembers is not that of the declaration alone, so it is read."""
    declared = declare(DIRECTOR)
    former = {"vips": [{"interface": "lo", "addresses": ["192.0.2.9"], "state": "absent"}]}
    files = {file.path: file for file in boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM, former)}
    monkeypatch.setattr(restore_run, "read_files", lambda _paths: files)
    run = restore_run.DeclareRun(
        declared, present=True, remove_former=False, program=PROGRAM_HERE, python="/usr/bin/python3"
    )
    assert (run.plan.operations, run.plan.results["former"]) == ((), former)
