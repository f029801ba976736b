# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the collection with each ansible-core that it is for: python tests/cores.py.

Each gets an environment of its own in .cache, with the first of its Pythons that is found here. A core that has none is told
as skipped. What is run here is what README says was run (see tests/unit/test_cores.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools import PROJECT, environment, pythons

# Pythons that the controller can have, by the release notes of each; those named first are those that no other core tries.
CORES = {
    "2.17": ("3.10", "3.12", "3.11"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.13", "3.12", "3.11"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
# The unit tests that have Ansible do something.
TESTS = (
    *("documentation", "errors", "ipvs_bad_input", "lab_modules", "operations", "preflight_playbook"),
    *("topology_adopt", "topology_filters", "verify", "vip_library"),
)
LIBRARIES = ("hypothesis", "pyroute2", "pytest", "pyyaml", "qemu.qmp")
_NAMESPACE = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
PLAYBOOKS = sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "playbooks").glob("*.yml"))


def table() -> list[str]:
    """Return the rows that README has of this."""
    runs = "unit tests that have Ansible do something, syntax of all playbooks, modules in a network namespace"
    return [f"| ansible-core {core} with Python {versions[0]} | {runs} | `cores` |" for core, versions in CORES.items()]


def steps(programs: Path) -> dict[str, list[str]]:
    """Return what is run with one core: name -> command."""
    python, playbook = str(programs / "python"), str(programs / "ansible-playbook")
    tests = [f"tests/unit/test_{name}.py" for name in TESTS]
    # As root of a namespace's owner, so that a person who is not root can run it too.
    isolated = [sys.executable, "tests/as_root.py", "unshare", "--net", *_NAMESPACE]
    return {
        "unit tests": [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rN", *tests],
        "syntax of the playbooks": [playbook, "--syntax-check", "-i", "lab", "site.yml", *PLAYBOOKS],
        "modules": [*isolated, playbook, "-i", "tests/matrix/hosts.yml", "tests/matrix/modules.yml"],
    }


def run(core: str, version: str, python: str) -> bool:
    """Run all steps with one core, and return whether they ended well."""
    programs = environment(f"core-{core}", [f"ansible-core=={core}.*", *LIBRARIES], python)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "NO_COLOR": "1"}
    well = True
    for name, command in steps(programs).items():
        done = subprocess.run(
            command, cwd=PROJECT, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        print(
            f"{'passed' if done.returncode == 0 else 'FAILED'}: ansible-core {core}, Python {version}: {name}",
            flush=True,
        )
        if done.returncode:
            print(done.stdout, flush=True)
            well = False
    return well


def main() -> int:
    """Run every core that has a Python here."""
    found, results = pythons(), []
    for core, versions in CORES.items():
        version = next((one for one in versions if one in found), None)
        if version is None:
            print(f"skipped: ansible-core {core}: none of Python {', '.join(versions)} is here", flush=True)
            continue
        results.append(run(core, version, found[version]))
    if not results:
        print("FAILED: no ansible-core was run: no Python for any is here", flush=True)
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
