# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts with IPVS, one for each kernel, and one program on each for all tests: a login for each would cost seconds."""

from __future__ import annotations

import functools
import io
import json
import math
import os
import select
import subprocess
import zipfile
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._boot_plan import program
from argument_specs import validated
from lab_access import ssh_command
from xdist.scheduler import LoadScopeScheduling

HERE = Path(__file__).parent
INVENTORY = "tests/kernel/lab"
PLUGINS = HERE.parents[1] / "plugins"
REMOTE = "/run/lvs-cluster-test.pyz"
ANSWER_SECONDS = 300
KERNELS = os.environ.get("LVS_KERNELS", "bookworm").split()


def share(variable: str, usual: int) -> int:
    """Return how many of what the kernels get together are one kernel's."""
    return math.ceil(int(os.environ.get(variable, usual)) / len(KERNELS))


# Random tables, and pairs of tables; and runs that are killed. Few answer within seconds of an edit; `make test` asks for more.
RANDOM, KILLS = share("LVS_RANDOM_TABLES", 10), share("LVS_KILLED_RUNS", 5)


class Kernel:
    """A conversation with the driver on one host."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process

    def ask(self, request: dict):
        """Send one request, and return the answer."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        told = json.loads(line) if line else {"traceback": "no answer"}
        if "traceback" in told:
            pytest.fail(f"on {self.name}, for {str(request)[:2000]}:\n{told['traceback']}")
        return told["answer"]

    def batch(self, *requests: dict) -> list:
        """Send several requests at once."""
        return self.ask({"batch": requests})

    def module(self, name: str, /, **params) -> dict:
        """Run one module, and return its result."""
        return self.ask(run(name, **params))

    def check(self, name: str, /, **params) -> dict:
        """Rehearse one module."""
        return self.ask({**run(name, **params), "check": True})

    def command(self, *words: str, stdin: str | None = None) -> str:
        """Run a command beside it, in the same network namespace."""
        return self.ask(command(*words, stdin=stdin))


def run(module: str, /, **params) -> dict:
    """Return the request to run a module, its options checked by Ansible; raises BadOptions."""
    return {"kind": "run", "module": module, "params": validated(module, params), "check": False}


def command(*words: str, stdin: str | None = None) -> dict:
    """Return the request to run a command."""
    return {"command": words, "stdin": stdin}


@functools.cache
def packed_driver() -> bytes:
    """Return the driver with the collection's modules in one zip."""
    sources = {path.stem: path.read_text() for path in (PLUGINS / "module_utils").glob("_*.py")}
    packed = io.BytesIO(program(sources, (HERE / "driver.py").read_text()))
    with zipfile.ZipFile(packed, "a") as archive:
        package = "ansible_collections/lvs/cluster/plugins/modules"
        for path in (PLUGINS / "modules").glob("[!l]*.py"):  # those of the lab run here
            archive.write(path, f"{package}/{path.name}")
        for empty in (f"{package}/__init__.py", "ansible/__init__.py", "ansible/module_utils/__init__.py"):
            archive.writestr(empty, "")
        archive.write(HERE / "stand_in.py", "ansible/module_utils/basic.py")
    return packed.getvalue()


class ByKernel(LoadScopeScheduling):
    """Gives all tests of one kernel to one worker, so that each kernel has one conversation."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name in KERNELS if name in nodeid.rpartition("[")[2]), "no kernel")


def pytest_xdist_make_scheduler(config, log) -> ByKernel:
    """Choose how tests are given to workers."""
    return ByKernel(config, log)


@pytest.fixture(scope="session", params=KERNELS)
def driver(request):
    ssh = ssh_command(request.param, INVENTORY)
    subprocess.run([*ssh, f"cat > {REMOTE}"], input=packed_driver(), check=True, timeout=60)
    with subprocess.Popen(
        [*ssh, "unshare", "--net", "python3", REMOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Kernel(request.param, process)
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def kernel(driver):
    """The conversation, with an empty table (emptied by ipvsadm, not by us) and nothing remembered."""
    driver.batch(command("ipvsadm", "--clear"), command("rm", "-f", "/var/lib/lvs-cluster/drained.json"))
    return driver


@pytest.fixture
def count(kernel, record_property):
    """Tell how many random cases of a kind were tried, in the summary at the end."""
    return lambda kind, number: record_property(f"{kind} on {kernel.name}", number)
