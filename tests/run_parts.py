# SPDX-License-Identifier: GPL-3.0-or-later
"""Run parts of the tests, side by side where they do not meet, and tell what each took."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

PLAIN = {"ANSIBLE_NOCOLOR": "1", "MOLECULE_COMMAND_BORDERS": "false", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
# Some machines turn it off, where a hundred runs of Ansible and pytest would each compile the collection and the tests.
KEEPS_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
PASSED, FAILED, NOT_RUN = "passed", "FAILED", "not run"
# Of what a failed part printed, so many lines are told again at the end, so many columns of each: the last ones that tell
# of a failure, as pytest, molecule and Ansible begin them, and then the last of all.
TELLING, LAST, COLUMNS = 14, 4, 140
_TELLS = re.compile(r"(E  |FAILED|ERROR|CRITICAL|\[ERROR\]|fatal:|failed:) *\S")


class Part(NamedTuple):
    """One part: what it is for, its commands, and what these find in their environment.

    Parts of one `lab` run one after the other in the order in which they are listed; others run side by side. None
    begins before those of `after` have passed, where they run at all. One that is `asked` for is no part of the whole.
    """

    title: str
    commands: Sequence[Sequence[str]]
    lab: str = ""
    environment: Mapping[str, str] = MappingProxyType({})
    after: Collection[str] = ()
    asked: bool = False


class Result(NamedTuple):
    """How a part ended, after how many seconds, and what it said of that."""

    outcome: str
    seconds: float = 0
    words: Sequence[str] = ()


Say = Callable[[str], None]


class Words:
    """What of all that a part says is worth to be told again."""

    def __init__(self) -> None:
        self._telling, self._last = deque[str](maxlen=TELLING), deque[str](maxlen=LAST)

    def add(self, line: str) -> None:
        """Take the next line."""
        if len(self._last) == LAST and _TELLS.match(self._last[0]):
            self._telling.append(self._last[0])
        self._last.append(line)

    def kept(self) -> tuple[str, ...]:
        """Return the lines, in the order in which they were said."""
        return (*self._telling, *self._last)


def ready(parts: Mapping[str, Part], results: Mapping[str, Result], running: Collection[str]) -> list[str]:
    """Return the names of the parts that can begin now, in their order; none once a part has failed."""
    if any(result.outcome == FAILED for result in results.values()):
        return []
    found, busy = [], {parts[name].lab for name in running} - {""}
    for name, part in parts.items():
        if name in results or name in running:
            continue
        waits = any(other in parts and other not in results for other in part.after)
        if part.lab not in busy and not waits:
            found.append(name)
        busy |= {part.lab} - {""}  # whoever comes first in a lab comes first, also while it waits for something else
    return found


def run_parts(parts: Mapping[str, Part], jobs: int, run: Callable[[Part, Say], bool]) -> dict[str, Result]:
    """Run the parts, `jobs` of them at once at most, by `run`; return the results in the order of the parts.

    Each line that a part says begins with its name.
    """
    results: dict[str, Result] = {}
    running: set[str] = set()
    ended: queue.SimpleQueue[tuple[str, Result]] = queue.SimpleQueue()

    def work(name: str, part: Part) -> None:
        began, words = time.monotonic(), Words()

        def say(line: str) -> None:
            words.add(line)
            _print(f"{name:<10} {line}")

        try:
            well = run(part, say)
        except Exception:  # such as a command that is not installed: a failure of this part like any other
            for line in traceback.format_exc().splitlines():
                say(line)
            well = False
        ended.put((name, Result(PASSED if well else FAILED, time.monotonic() - began, words.kept())))

    while True:
        for name in ready(parts, results, running)[: jobs - len(running)]:
            running.add(name)
            threading.Thread(target=work, args=(name, parts[name]), name=name).start()
        if not running:
            return {name: results.get(name, Result(NOT_RUN)) for name in parts}
        name, result = ended.get()
        running.remove(name)
        results[name] = result


def run_commands(part: Part, say: Say) -> bool:
    """Run a part's commands until one fails, and say what they print."""
    environment = {**os.environ, **PLAIN, **KEEPS_COMPILED, **part.environment}
    for command in part.commands:
        say(f"$ {' '.join(command)}")
        with subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                say(line.rstrip("\n"))
        if process.returncode:
            say(f"{' '.join(command)} failed with status {process.returncode}")
            return False
    return True


def table(parts: Mapping[str, Part], results: Mapping[str, Result]) -> list[str]:
    """Return the results as lines for people: a table, what the parts that failed said, and a count."""
    rows, told = [("part", "result", "time", "what")], []
    for name, (outcome, seconds, words) in results.items():
        rows.append((name, outcome, f"{seconds:.0f} s" if outcome != NOT_RUN else "", parts[name].title))
        if outcome == FAILED:
            told += ["", f"{name} said:", *(f"  {line}"[:COLUMNS].rstrip() for line in words), ""]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}" for row in rows]
    counts = {outcome: sum(result.outcome == outcome for result in results.values()) for outcome in (PASSED, FAILED)}
    skipped = len(results) - sum(counts.values())
    return [*lines, *told, f"parts: {counts[PASSED]} passed, {counts[FAILED]} failed, {skipped} skipped"]


_printing = threading.Lock()


def _print(line: str) -> None:
    with _printing:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
