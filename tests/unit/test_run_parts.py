# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs beside what, and that a failure is seen."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import parts as the_parts
import pytest
from commands import execute
from run_parts import (
    COLUMNS,
    FAILED,
    LAST,
    NOT_RUN,
    PASSED,
    TELLING,
    Part,
    Result,
    Words,
    ready,
    run_commands,
    run_parts,
    table,
)

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

    def run(part, _say):
        with lock:
            now.append(part)
            most.append(len(now))
        threading.Event().wait(0.01)
        with lock:
            now.remove(part)
        return True

    results = run_parts(PARTS, 2, run)
    assert [result.outcome for result in results.values()] == [PASSED] * len(PARTS)
    assert max(most) == 2


def test_after_a_failure_what_runs_ends_and_nothing_begins():
    together = threading.Barrier(2, timeout=10)

    def run(part, _say):
        if part in (PARTS["images"], PARTS["netns"]):
            together.wait()
        return part != PARTS["netns"]

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

    parts = {
        "one": part("import os; print(os.environ['WHAT'])"),
        "two": part("raise SystemExit(3)", "print('never')"),
    }
    results = run_parts(parts, 1, run_commands)
    assert [result.outcome for result in results.values()] == [PASSED, FAILED]
    assert results["one"].words[-1] == "hello"
    assert results["two"].words[-1].endswith("failed with status 3")
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["one", "hello"] in shown
    assert ["two", "never"] not in shown


def test_the_table_ends_with_a_count():
    results = {"lint": GOOD, "images": Result(FAILED, 2), "netns": Result(NOT_RUN)}
    assert table(PARTS, results)[-1] == "parts: 1 passed, 1 failed, 1 skipped"


def test_what_a_failed_part_said_is_told_again():
    def run(part, say):
        for number in range(2 * LAST):
            say(f"{number} {'-' * COLUMNS}")
        return part != PARTS["netns"]

    lines = table(PARTS, run_parts({"lint": PARTS["lint"], "netns": PARTS["netns"]}, 1, run))
    told = lines[lines.index("netns said:") + 1 :][:LAST]
    assert [line.split()[0] for line in told] == [str(LAST + number) for number in range(LAST)]
    assert {len(line) for line in told} == {COLUMNS}
    assert not any("lint said" in line for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        "E       assert {'02:00'} == set()",
        "FAILED tests/unit/test_one.py::test_it - AssertionError: assert 1 == 2",
        "ERROR tests/unit/test_one.py - ImportError",
        "ERROR    Verifier tests failed",
        "[ERROR]: Task failed: Module failed: no such device",
        "fatal: [rs1]: FAILED! => {",
        "failed: [rs1] (item=1) => {",
    ],
)
def test_of_all_that_was_said_what_tells_is_kept(line):
    """It may stand long before the end, which molecule's own words take."""
    said = [f"{number}" for number in range(100)]
    words = Words()
    for one in (line, *said, line, *said):
        words.add(one)
    assert words.kept() == (line, line, *said[-LAST:])


def test_of_very_much_that_tells_the_last_is_kept():
    words = Words()
    for number in range(100):
        words.add(f"E   {number}")
    assert words.kept() == tuple(f"E   {number}" for number in range(100 - TELLING - LAST, 100))


def test_labs_have_ports_of_their_own():
    ports = [the_parts.environment_of(Part("", [], lab))["LVS_LAB_SSH_BASE_PORT"] for lab in the_parts.LABS]
    assert len(set(ports)) == len(ports)


def test_labs_keep_what_molecule_knows_in_this_checkout():
    """molecule would name its directory after the checkout's last folder, which another checkout can have too."""
    places = [
        Path(the_parts.environment_of(Part("", [], lab))["MOLECULE_EPHEMERAL_DIRECTORY"]) for lab in the_parts.LABS
    ]
    assert len(set(places)) == len(places)
    assert {place.parent for place in places} == {Path(__file__).parents[2] / ".cache" / "molecule"}


def test_parts_name_only_each_other():
    named = {name for part in the_parts.PARTS.values() for name in part.after}
    assert named <= set(the_parts.PARTS)


def test_parts_run_sessions_that_nox_has():
    start = the_parts.NOX
    commands = [command for part in the_parts.PARTS.values() for command in part.commands]
    named = sorted(command[-1] for command in commands if command[:-1] == start)
    assert named == ["cores", "gates", "lint", "sanity", "unit"]
    told = execute("nox", "--list", "--json", "--session", *named)
    assert told.status == 0, told.output
    assert {session["name"] for session in json.loads(told.output)} == set(named)
