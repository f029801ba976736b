# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's hosts, as benchmarks use them: playbooks from here, and commands there."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commands import Outcome, execute
from lab_shell import LabShell

from bench.turns import FILES

HERE = Path(__file__).parent
INVENTORY = "lab"
_LIMIT = 1800  # seconds


class Failed(Exception):
    """A command of a benchmark failed; the message has what it printed."""


def playbook(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Run a playbook, and return the seconds that it took from here; raise Failed when it fails."""
    return _playbook(name, *arguments, environment=environment)[0]


def settled(name: str, *arguments: str) -> float:
    """Run a playbook that has nothing to change, and return its seconds; raise Failed when something changed all the same."""
    seconds, outcome = _playbook(name, *arguments)
    if any(outcome.changed().values()):
        raise Failed(f"{' '.join([name, *arguments])} was to change nothing:\n{outcome.output[-6000:]}")
    return seconds


def play(plays: list[dict[str, Any]], *arguments: str, environment: Mapping[str, str] | None = None) -> float:
    """Run plays that are given as values."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "plays.json"  # JSON is YAML too
        path.write_text(json.dumps(plays), encoding="utf-8")
        return playbook(str(path), "-i", INVENTORY, *arguments, environment=environment)


def on(host: str, command: str, stdin: str | None = None) -> str:
    """Run a shell command on a host, and return what it printed; what it tells on stderr is shown at once."""
    done = LabShell(INVENTORY).run(host, command, stdin, _LIMIT, stderr=None)
    if done.returncode:
        raise Failed(f"{host}: {command} ended with status {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def keep_process(host: str, name: str, task: Mapping[str, Any]) -> list[str]:
    """Have Ansible run a task and leave its module on the host; return the command that runs it again as Ansible did."""
    on(host, f"rm -rf .ansible/tmp && mkdir -p {FILES}")
    play(
        [{"hosts": host, "gather_facts": False, "tasks": [task]}],
        environment={"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_LIBRARY": str(HERE / "modules")},
    )
    on(host, f"mv .ansible/tmp/*/AnsiballZ_*.py {FILES}/{name}.py")
    return ["python3", f"{FILES}/{name}.py"]


def by_turns(host: str, rounds: int, turns: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, float]]]:
    """Measure commands on a host by turns: name -> readings, each with `seconds` and `peak_kib`."""
    on(host, f"mkdir -p {FILES} && cat > {FILES}/turns.py", (HERE / "turns.py").read_text(encoding="utf-8"))
    return json.loads(on(host, f"python3 {FILES}/turns.py", json.dumps({"rounds": rounds, "turns": list(turns)})))


def seconds(readings: Sequence[Mapping[str, float]]) -> list[float]:
    """Return what each reading took."""
    return [one["seconds"] for one in readings]


def _playbook(name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[float, Outcome]:
    command = ["ansible-playbook", name, *arguments]
    began = time.monotonic()
    outcome = execute(*command, limit=_LIMIT, **(environment or {}))
    seconds = time.monotonic() - began
    if outcome.status:
        raise Failed(f"{' '.join(command)} ended with status {outcome.status}:\n{outcome.output[-6000:]}")
    return seconds, outcome
