# SPDX-License-Identifier: GPL-3.0-or-later
"""What pip installs in a directory of its own, with a program in place of pip; and which Pythons are found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tools import NotInstalled, libraries, pythons

# Its arguments are `-m pip install … --target DIRECTORY REQUIREMENT`.
PROGRAM = """#!/bin/sh
while [ "$1" != --target ]; do shift; done
mkdir "$2" && echo "$3" > "$2/module.py"
"""


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program in pip's place; return its file, which a test adds lines to."""
    program = tmp_path / "python"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return program


def kept(tmp_path: Path) -> dict[str, str]:
    """Return what there is in the end: file -> content."""
    return {str(path.relative_to(tmp_path)): path.read_text().strip() for path in tmp_path.rglob("*/*.py")}


def test_is_installed_once(tmp_path: Path, pip: Path) -> None:
    for requirement in ("lvs==1", "lvs==2"):
        assert libraries(tmp_path / "lvs", requirement) == tmp_path / "lvs"
    assert kept(tmp_path) == {"lvs/module.py": "lvs==1"}


def test_another_process_may_be_first(tmp_path: Path, pip: Path) -> None:
    other = f"mkdir {tmp_path}/lvs && echo theirs > {tmp_path}/lvs/module.py\n"
    pip.write_text(PROGRAM + other)
    assert libraries(tmp_path / "lvs", "lvs==1") == tmp_path / "lvs"
    assert kept(tmp_path) == {"lvs/module.py": "theirs"}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("echo no such version >&2; exit 1", "pip can't install lvs==1 (no such version)"),
        ("exit 1", "pip can't install lvs==1 (no reason told)"),
        ("exec sleep 20", "pip can't install lvs==1 (no answer in 0.5 s)"),
    ],
)
def test_a_refusal_is_told_and_leaves_nothing(tmp_path: Path, pip: Path, end: str, told: str) -> None:
    pip.write_text(PROGRAM + end)
    with pytest.raises(NotInstalled) as caught:
        libraries(tmp_path / "lvs", "lvs==1", limit=0.5)
    assert str(caught.value) == told
    assert not kept(tmp_path)


def test_what_is_no_race_is_raised(tmp_path: Path, pip: Path) -> None:
    pip.write_text(PROGRAM + f"rm -r {tmp_path}/lvs.*")
    with pytest.raises(FileNotFoundError):
        libraries(tmp_path / "lvs", "lvs==1")


def test_the_first_python_that_starts_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def program(path: str, text: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    program("pyenv/shims/python3.9", "echo 3.9")  # a shim starts whatever pyenv has chosen, or nothing
    program("pyenv/versions/3.9.1/bin/python3.9", "exit 1")
    program("pyenv/versions/3.9.2/bin/python3.9", "echo 3.9")
    program("bin/python3.10", "echo 3.10")
    program("pyenv/versions/3.10.1/bin/python3.10", "echo 3.10")
    program("bin/python3.11", "exit 1")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", f"{tmp_path}/pyenv/shims:{tmp_path}/bin")
    assert pythons() == {
        "3.9": f"{tmp_path}/pyenv/versions/3.9.2/bin/python3.9",
        "3.10": f"{tmp_path}/bin/python3.10",
    }
