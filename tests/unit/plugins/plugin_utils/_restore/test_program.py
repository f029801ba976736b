# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that restores a host: it is whole, and it runs by itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import (
    PACKAGES,
    pack,
    package_sources,
    restore_program,
)


def test_same_sources_same_bytes():
    assert pack(package_sources()) == restore_program() == pack(dict(reversed(package_sources().items())))


def run(program, *arguments):
    # -I: no environment, no user's packages: nothing but the zip and the standard library.
    return subprocess.run([sys.executable, "-I", program, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("state", "status", "errors"),
    [
        ({"services": [], "vips": []}, 0, ""),
        (
            {"services": [{"address": "192.0.2.30", "port": 70000}], "vips": []},
            1,
            "port: 70000 is out of range; give a number from 0 to 65535.\n",
        ),
    ],
)
def test_program_runs_by_itself(tmp_path, state, status, errors):
    program, declared = tmp_path / "restore.pyz", tmp_path / "director.json"
    program.write_bytes(restore_program())
    declared.write_text(json.dumps(state))
    result = run(program, declared)
    assert (result.returncode, result.stderr) == (status, errors)


def test_everything_in_it_can_be_imported_from_it(tmp_path):
    """Lazy imports too: no file of its packages needs one that is not in it."""
    names = [path.removesuffix(".py").replace("/", ".") for path in package_sources()]
    main = f"""
import importlib
for name in {names!r}:
    importlib.import_module("ansible_collections.lvs.cluster.plugins.module_utils." + name)
"""
    program = tmp_path / "import.pyz"
    program.write_bytes(pack(package_sources(), main))
    assert run(program).stderr == ""
    for missing in sorted(set(PACKAGES) - {"_restore"}):
        program.write_bytes(pack(package_sources([name for name in PACKAGES if name != missing]), main))
        assert "ModuleNotFoundError" in run(program).stderr, f"{missing} is in the program, and nothing imports it"


def test_it_has_no_more_than_its_packages():
    with zipfile.ZipFile(io.BytesIO(restore_program())) as archive:
        places = {Path(name).parts[5] for name in archive.namelist() if len(Path(name).parts) > 6}
    assert places == set(PACKAGES)
