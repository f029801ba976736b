# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts with IPVS, one for each kernel, and the conversation with the driver on each."""

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
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import pack, package_sources, restore_program
from argument_specs import validated

HERE = Path(__file__).parent
INVENTORY = "tests/kernel/lab"
PLUGINS = HERE.parents[1] / "plugins"
REMOTE = "/run/lvs-cluster-test.pyz"
RESTORE = "/run/lvs-cluster-restore.pyz"
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
    if module == "boot_restore":  # as its action plugin does
        params["program"] = {"checksum": checksum_of(restore_program()), "source": RESTORE}
    return {"kind": "run", "module": module, "params": validated(module, params), "check": False}


def command(*words: str, stdin: str | None = None) -> dict:
    """Return the request to run a command."""
    return {"command": words, "stdin": stdin}


@functools.cache
def packed_driver() -> bytes:
    """Return the driver with the collection's modules in one zip."""
    packages = {path.name for path in (PLUGINS / "module_utils").iterdir()} - {"_lab", "__pycache__"}
    packed = io.BytesIO(pack(package_sources(packages), (HERE / "driver.py").read_text()))
    with zipfile.ZipFile(packed, "a") as archive:
        package = "ansible_collections/lvs/cluster/plugins/modules"
        for path in (PLUGINS / "modules").glob("[!l]*.py"):  # those of the lab run here
            archive.write(path, f"{package}/{path.name}")
        for empty in (f"{package}/__init__.py", "ansible/__init__.py", "ansible/module_utils/__init__.py"):
            archive.writestr(empty, "")
        archive.write(HERE / "stand_in.py", "ansible/module_utils/basic.py")
    return packed.getvalue()
