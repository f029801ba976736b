# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of README and the guides is executed by a test, or stands in the one list of those that are not."""

from __future__ import annotations

import shlex
from collections import Counter

import pytest
from commands import PROJECT, execute
from documented import ELSEWHERE, HERE, NOT_EXECUTED, TYPED, commands

KNOWN = Counter([*TYPED, *HERE, *ELSEWHERE, *NOT_EXECUTED])


def test_each_is_accounted_for_once():
    assert [command for command, times in KNOWN.items() if times > 1] == []
    told = commands()
    assert {command: files for command, files in told.items() if command not in KNOWN} == {}
    assert KNOWN.keys() - told.keys() == set(), "nobody is told to type these"


def test_both_kinds_of_text_are_read():
    told = commands()
    assert {"README.md"} < {file for files in told.values() for file in files}
    assert "make docs" in told
    assert "ansible-playbook -i inventory lvs.cluster.preflight" in told


@pytest.mark.parametrize("command", ELSEWHERE)
def test_what_another_test_executes_is_there(command):
    file, words = ELSEWHERE[command]
    assert words in (PROJECT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", HERE)
def test_what_needs_no_lab(command):
    run = execute(*shlex.split(command))
    assert run.status == 0, run.output
    assert "lvs.cluster." in run.output
