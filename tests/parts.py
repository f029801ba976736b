# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the parts of the tests one after the other, and tell what each took: python tests/parts.py [PART ...]."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

# A lab of its own beside one that a person may have running: its name, and the first of its ports on 127.0.0.1.
LAB = {"LVS_LAB": "test", "LVS_LAB_SSH_BASE_PORT": "23000"}
# Another, of one machine for each kernel. All of the random cases are tried.
KERNELS = {"LVS_LAB": "kernels", "LVS_LAB_SSH_BASE_PORT": "24000"}
KERNELS_UP = ["ansible-playbook", "lvs.cluster.lab_up", "-i", "tests/kernel/lab"]
KERNELS_DOWN = ["ansible-playbook", "lvs.cluster.lab_down", "-i", "tests/kernel/lab"]
THOROUGH = {"LVS_KERNELS": "bullseye bookworm trixie", "LVS_RANDOM_TABLES": "1000"}
LAB_UP = ["ansible-playbook", "lvs.cluster.lab_up", "-i", "lab"]
LAB_DOWN = ["ansible-playbook", "lvs.cluster.lab_down", "-i", "lab"]
MOLECULE = ["molecule", "test", "--destroy", "never", "--scenario-name"]
PYTEST = ["pytest", "-q", "--durations=5"]
ADDRESSES, MANAGERS = "tests/kernel/test_addresses.py", "tests/kernel/test_managers.py"


class Part(NamedTuple):
    """One part: what it is for, its commands, and what these find in their environment.

    What is `afterwards` is run however the commands end; a part that is `asked` for is no part of the whole.
    """

    title: str
    commands: list[list[str]]
    environment: Mapping[str, str] = MappingProxyType({})
    afterwards: Sequence[list[str]] = ()
    asked: bool = False


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
    "kernel": Part(
        "IPVS on the kernels of Debian 11, 12 and 13, with all random cases",
        [KERNELS_UP, [*PYTEST, "--numprocesses=3", f"--ignore={ADDRESSES}", f"--ignore={MANAGERS}", "tests/kernel"]],
        {**KERNELS, **THOROUGH},
        afterwards=[KERNELS_DOWN],
    ),
    "releases": Part(
        "addresses and ARP on Debian 11, 12 and 13, with their kernel, Python, pyroute2 and network managers",
        [KERNELS_UP, [*PYTEST, "--numprocesses=3", MANAGERS, ADDRESSES]],
        {**KERNELS, **THOROUGH},
        afterwards=[KERNELS_DOWN],
    ),
    "kernel-quick": Part(
        "the same with few random cases on one kernel, whose machine stays up: for work on IPVS",
        [KERNELS_UP, [*PYTEST, "-m", "not thorough", "tests/kernel"]],
        KERNELS,
        asked=True,
    ),
    "lab": Part(
        "the lab, from nothing if there is no image yet",
        [LAB_DOWN, LAB_UP],
        LAB,
    ),
    "molecule": Part(
        "the cluster, before and after a reboot",
        [[*MOLECULE, "default"]],
        LAB,
    ),
    "usage": Part("what the README says, typed as it says", [[*PYTEST, "tests/usage"]], LAB),
    "import": Part("a stranger's playbook with the installed tarball", [LAB_DOWN, [*MOLECULE, "import"]], LAB),
    "teardown": Part("the cluster taken away, and nothing left", [LAB_DOWN, [*MOLECULE, "teardown"]], LAB),
    "rich": Part(
        "all that one description can say, before and after a reboot: not in the whole until it was seen to pass twice",
        [LAB_DOWN, [*MOLECULE, "rich"]],
        LAB,
        asked=True,
    ),
    "lab-down": Part("the end of the lab", [[*PYTEST, "tests/lab_down"]], LAB),
}


def run(part: Part) -> bool:
    """Run one part's commands until one fails, and what is to be run in any case; return whether all went well."""
    plain = {"ANSIBLE_NOCOLOR": "1", "MOLECULE_COMMAND_BORDERS": "false", "NO_COLOR": "1"}
    environment = {**os.environ, **plain, **part.environment}

    def good(command: list[str]) -> bool:
        print(f"\n$ {' '.join(command)}", flush=True)
        status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL).returncode
        if status:
            print(f"\n{' '.join(command)} failed with status {status}", flush=True)
        return status == 0

    went_well = all(good(command) for command in part.commands)
    ended_well = [good(command) for command in part.afterwards]
    return went_well and all(ended_well)


def main(names: list[str]) -> int:
    """Run the named parts, or all; the lab is ended however they go."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; choose from {', '.join(PARTS)}", file=sys.stderr)
        return 2
    names = names or [name for name, part in PARTS.items() if not part.asked]
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
    print(f"\n{'part':<12} result   time     what")
    for name, result, seconds, title in rows:
        print(f"{name:<12} {result:<8} {seconds:>6}   {title}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
