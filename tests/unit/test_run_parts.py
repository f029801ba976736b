# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside what, and that a failure is seen."""

from __future__ import annotations

import sys
import threading

import parts as the_parts
import pytest
from run_parts import FAILED, NOT_RUN, PASSED, Part, Result, ready, run_commands, run_parts, table

PARTS = {
    "lint": Part("", []),
    "images": Part("", [], "kernels", after=("lint",)),
    "netns": Part("", [], after=("lint", "unit")),  # unit is not asked for this time
    "kernel": Part("", [], "kernels", after=("images",)),
    "lab": Part("", [], "test", after=("images",)),
    "usage": Part("", [], "test"),
}
GOOD = Result(PASSED, 1)


@pytest.mark.parametrize(
    ("results", "running", "expected"),
    [
        ({}, [], ["lint"]),
        ({}, ["lint"], []),
        ({"lint": GOOD}, [], ["images", "netns"]),
        ({"lint": GOOD}, ["images"], ["netns"]),
        ({"lint": GOOD, "images": GOOD}, ["netns"], ["kernel", "lab"]),
        ({"lint": GOOD, "images": GOOD}, ["netns", "lab"], ["kernel"]),
        ({"lint": GOOD, "images": GOOD, "lab": GOOD}, ["kernel"], ["netns", "usage"]),
        ({"lint": Result(FAILED, 1)}, [], []),
        ({"lint": GOOD, "images": GOOD, "lab": Result(FAILED, 1)}, ["kernel"], []),
    ],
)
def test_ready(results, running, expected):
    assert ready(PARTS, results, running) == expected


def test_no_more_than_so_many_at_once():
    lock, now, most = threading.Lock(), [], []

    def run(name, _part):
        with lock:
            now.append(name)
            most.append(len(now))
        threading.Event().wait(0.01)
        with lock:
            now.remove(name)
        return True

    results = run_parts(PARTS, 2, run)
    assert [result.outcome for result in results.values()] == [PASSED] * len(PARTS)
    assert max(most) == 2


def test_after_a_failure_what_runs_ends_and_nothing_begins():
    together = threading.Barrier(2, timeout=10)

    def run(name, _part):
        if name in ("images", "netns"):
            together.wait()
        return name != "netns"

    outcomes = {name: result.outcome for name, result in run_parts(PARTS, 2, run).items()}
    assert outcomes.pop("lint") == PASSED
    assert outcomes.pop("images") == PASSED
    assert outcomes.pop("netns") == FAILED
    assert set(outcomes.values()) <= {NOT_RUN, PASSED}  # images may end before netns does


def test_a_part_that_cannot_be_run_has_failed(capsys):
    part = Part("", [["no-such-command"]])
    assert run_parts({"lint": part}, 1, run_commands)["lint"].outcome == FAILED
    assert "no-such-command" in capsys.readouterr().out


def test_commands_end_at_the_first_that_fails(capsys):
    def part(*programs):
        return Part("", [[sys.executable, "-c", program] for program in programs], environment={"WHAT": "hello"})

    assert run_commands("one", part("import os; print(os.environ['WHAT'])"))
    assert capsys.readouterr().out.splitlines()[-1].split() == ["one", "hello"]
    assert not run_commands("two", part("raise SystemExit(3)", "print('never')"))
    shown = capsys.readouterr().out
    assert "failed with status 3" in shown
    assert "two        never" not in shown


def test_the_table_ends_with_a_count():
    results = {"lint": GOOD, "images": Result(FAILED, 2), "netns": Result(NOT_RUN)}
    assert table(PARTS, results)[-1] == "parts: 1 passed, 1 failed, 1 skipped"


def test_labs_have_ports_of_their_own():
    ports = [the_parts.environment_of(Part("", [], lab))["LVS_LAB_SSH_BASE_PORT"] for lab in the_parts.LABS]
    assert len(set(ports)) == len(ports)


def test_parts_name_only_each_other():
    named = {name for part in the_parts.PARTS.values() for name in part.after}
    assert named <= set(the_parts.PARTS)
