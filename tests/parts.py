# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of the tests one after the other, and tell what each took: python tests/parts.py [PART ...]."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import NamedTuple

# A lab of its own beside one that a person may have running: its name, and the first of its ports on 127.0.0.1.
LAB = {"LVS_LAB": "test", "LVS_LAB_SSH_BASE_PORT": "23000"}
LAB_DOWN = ["ansible-playbook", "lvs.cluster.lab_down", "-i", "lab"]
PYTEST = ["pytest", "-q", "--durations=5"]


class Part(NamedTuple):
    """One part: what it is for, its commands, and whether it needs the lab's virtual machines."""

    title: str
    commands: list[list[str]]
    lab: bool = False


PARTS = {
    "lint": Part(
        "linters",
        [
            ["ruff", "check", "."],
            ["ruff", "format", "--check", "."],
            ["mypy"],
            ["yamllint", "--strict", "."],
            ["ansible-lint", "--offline", "--strict"],
            ["codespell"],
            ["reuse", "lint", "--quiet"],
        ],
    ),
    "unit": Part("pure logic", [[*PYTEST, "tests/unit"]]),
    "netns": Part("addresses and ARP on this machine's kernel, in network namespaces", [[*PYTEST, "tests/netns"]]),
    "lab": Part(
        "the lab, from nothing if there is no image yet",
        [LAB_DOWN, ["ansible-playbook", "lvs.cluster.lab_up", "-i", "lab"]],
        lab=True,
    ),
    "kernel": Part("IPVS on a real kernel", [[*PYTEST, "tests/kernel"]], lab=True),
    "molecule": Part(
        "the cluster, before and after a reboot",
        [["molecule", "test", "--scenario-name", "default", "--destroy", "never"]],
        lab=True,
    ),
    "usage": Part("what the README says, typed as it says", [[*PYTEST, "tests/usage"]], lab=True),
    "lab-down": Part("the end of the lab", [[*PYTEST, "tests/lab_down"]], lab=True),
}


def run(part: Part) -> bool:
    """Run one part's commands until one fails; return whether all went well."""
    plain = {"ANSIBLE_NOCOLOR": "1", "MOLECULE_COMMAND_BORDERS": "false", "NO_COLOR": "1"}
    environment = {**os.environ, **plain, **(LAB if part.lab else {})}
    for command in part.commands:
        print(f"\n$ {' '.join(command)}", flush=True)
        status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode
        if status:
            print(f"\n{' '.join(command)} failed with status {status}", flush=True)
            return False
    return True


def main(names: list[str]) -> int:
    """Run the named parts, or all; the lab is ended however they go."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; choose from {', '.join(PARTS)}", file=sys.stderr)
        return 2
    names = names or list(PARTS)
    rows, good = [], True
    for name in names:
        part = PARTS[name]
        if not good and name != "lab-down":
            rows.append((name, "not run", "", part.title))
            continue
        print(f"\n=== {name}: {part.title}", flush=True)
        start = time.monotonic()
        went_well = run(part)
        good = good and went_well
        rows.append((name, "passed" if went_well else "FAILED", f"{time.monotonic() - start:.0f} s", part.title))
    print("\npart       result   time     what")
    for name, result, seconds, title in rows:
        print(f"{name:<10} {result:<8} {seconds:>6}   {title}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
