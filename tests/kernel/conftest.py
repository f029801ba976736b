# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of the lab with IPVS, and one program on it for all tests: a login for each would cost seconds."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._boot_plan import program
from lab_access import ssh_command

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "plugins" / "module_utils"
REMOTE = "/run/lvs-cluster-test.pyz"
ANSWER_SECONDS = 120


class Kernel:
    """A conversation with the driver on the host."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _ask(self, request: dict) -> dict:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            pytest.fail(f"the driver on the director gave no answer to {request}")
        return json.loads(line)

    def apply(self, *services: dict) -> dict:
        """Bring services about with our own code: operations, after, read, second_run, or error."""
        return self._ask({"apply": services})

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run a command beside it, in the same network namespace."""
        return self._ask({"command": command, "stdin": stdin})["output"]


@pytest.fixture(scope="session")
def driver():
    sources = {path.stem: path.read_text() for path in MODULES.glob("_*.py")}
    packed = program(sources, (HERE / "driver.py").read_text())
    ssh = ssh_command("director")
    subprocess.run([*ssh, f"cat > {REMOTE}"], input=packed, check=True, timeout=60)
    with subprocess.Popen(
        [*ssh, "unshare", "--net", "python3", REMOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Kernel(process)
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def kernel(driver):
    """The conversation, with an empty table (emptied by ipvsadm, not by us)."""
    driver.run("ipvsadm", "--clear")
    return driver
