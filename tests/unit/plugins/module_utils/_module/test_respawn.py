# SPDX-License-Identifier: GPL-3.0-or-later
"""A real module under a second Python without the libraries: it runs under the system's that has them."""

from __future__ import annotations

import json
import shutil
import sys
import venv
from pathlib import Path
from typing import Any

import pytest
from commands import PROJECT, execute

TASK = {"interface": "lo", "neighbors": [{"address": "192.0.2.30"}], "state": "absent"}


@pytest.fixture(scope="module", name="second")
def made_second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python that has nothing but its standard library."""
    directory = tmp_path_factory.mktemp("second")
    venv.create(directory, symlinks=True)
    return directory / "bin" / "python"


@pytest.fixture(scope="module", name="collections")
def made_collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the collection for a host whose system Python, by its name there, is what the link beside it names."""
    directory = tmp_path_factory.mktemp("collections")
    copy = directory / "ansible_collections" / "lvs" / "cluster"
    for part in ("plugins", "meta"):
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "galaxy.yml", copy)
    path = copy / "plugins" / "module_utils" / "_core" / "interpreters.py"
    text = path.read_text()
    names = '("/usr/bin/python3", "/usr/libexec/platform-python")'
    assert names in text
    path.write_text(text.replace(names, f'("{directory}/nosuch", "{directory}/system")'))
    return directory


def answer(
    tmp_path: Path, collections: Path, second: Path, system: Path | None, *arguments: str, **options: Any
) -> dict[str, Any]:
    """Return what vip_neighbor answers under the second Python, where `system` is the system's."""
    link = collections / "system"
    link.unlink(missing_ok=True)
    if system:
        link.write_text(f'#!/bin/sh\necho >> {collections}/started\nexec {system} "$@"\n')
        link.chmod(0o755)
    (collections / "started").unlink(missing_ok=True)
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"lvs.cluster.vip_neighbor": {**TASK, **options}}]}]
    path = tmp_path / "play.json"
    path.write_text(json.dumps(play))
    run = execute(
        "ansible-playbook", str(path), "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={second}",
        *arguments, ANSIBLE_COLLECTIONS_PATH=str(collections), ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default",
        ANSIBLE_CALLBACK_RESULT_FORMAT="json", ANSIBLE_VERBOSITY="1",
    )  # fmt: skip
    _, _, text = run.output.partition("=> ")
    told: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return told


def started(collections: Path) -> int:
    """Return how many processes of the system's Python the last run started."""
    path = collections / "started"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=" ".join)
def test_the_systems_python_takes_over(tmp_path: Path, collections: Path, second: Path, arguments: list[str]) -> None:
    pytest.importorskip("pyroute2", reason="no pyroute2 in this environment")
    told = answer(tmp_path, collections, second, Path(sys.executable), *arguments)
    assert (told.get("msg"), told["changed"], told["operations"]) == (None, False, [])
    # It was asked whether it has the library, by us and by Ansible, and ran the module.
    assert started(collections) == 3


def test_without_one_the_failure_names_both(tmp_path: Path, collections: Path, second: Path) -> None:
    told = answer(tmp_path, collections, second, None)
    assert str(second) in told["msg"]
    assert "install the package python3-pyroute2" in told["msg"]
    rehearsed = answer(tmp_path, collections, second, second, "--check")
    until = "The changes of this task cannot be predicted before python3-pyroute2 is installed."
    assert (rehearsed["changed"], rehearsed["operations"]) == (True, [until])


def test_a_python_with_the_library_starts_no_other(tmp_path: Path, collections: Path) -> None:
    pytest.importorskip("pyroute2", reason="no pyroute2 in this environment")
    told = answer(tmp_path, collections, Path(sys.executable), Path(sys.executable))
    assert (told["changed"], started(collections)) == (False, 0)


def test_a_mistake_starts_no_other(tmp_path: Path, collections: Path, second: Path) -> None:
    told = answer(tmp_path, collections, second, Path(sys.executable), interface="lo:0")
    assert "is a label" in told["msg"]
    assert started(collections) == 0
