# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a task goes that finds nothing to change: the whole process on the host, and what it imports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median

from bench.figures import Figure
from bench.hosts import by_turns, keep_process, on, seconds
from bench.one_task import HOST, PING, TASKS

ROUNDS = 5
# Who wrote what is imported, by the beginning of its name; what has another beginning is Python's own.
AUTHORS = {
    "ansible_collections.lvs.": "of ours",
    "pyroute2": "of pyroute2",
    "pr2modules": "of pyroute2",
    "ansible.": "of Ansible",
}
PYTHON = "of Python"


def measure() -> list[Figure]:
    """Measure the processes by turns, and each with Python's own account of its imports."""
    actions = {"ping": {PING: {}}, **{task.module: task.action for task in TASKS}}
    commands = {name: keep_process(HOST, name, action) for name, action in actions.items()}
    waits = {task.module: task.wait for task in TASKS}
    took = by_turns(HOST, ROUNDS, [{"name": name, "command": command} for name, command in commands.items()])
    figures = []
    for name, command in commands.items():
        accounts = [account(_imports(command)) for _round in range(ROUNDS)]
        whole = [(second - waits.get(name, 0)) * 1000 for second in seconds(took[name])]
        figures.append(Figure(f"{name}: its process", "", [round(one) for one in whole], None, "ms"))
        figures += [
            Figure(f"  imports {author}", "", [round(each.get(author, 0)) for each in accounts], None, "ms")
            for author in dict.fromkeys([PYTHON, "of Ansible", *AUTHORS.values()])
            if median(each.get(author, 0.0) for each in accounts)
        ]
    return figures


def account(lines: Iterable[str]) -> Mapping[str, float]:
    """Return author -> milliseconds, from what `python3 -X importtime` tells: own time, time with others', and name."""
    told: dict[str, float] = defaultdict(float)
    for line in lines:
        own, _with_others, name = line.removeprefix("import time:").split("|")
        if own.strip().isdecimal():
            author = next((who for start, who in AUTHORS.items() if name.strip().startswith(start)), PYTHON)
            told[author] += int(own) / 1000
    return told


def _imports(command: list[str]) -> list[str]:
    python, *arguments = command
    told = on(HOST, f"{python} -X importtime {' '.join(arguments)} 2>&1 >/dev/null")
    return [line for line in told.splitlines() if line.startswith("import time:")]
