# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons of this machine, and libraries that are not in .venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CACHE = PROJECT / ".cache"


class NotInstalled(Exception):
    """pip did not install what was asked for; the message has why."""


def libraries(directory: Path, *requirements: str, limit: float = 300) -> Path:
    """Return `directory`, which has what pip installs of `requirements`, which are its arguments; raise NotInstalled.

    It is installed only where it is not there yet. Processes may do so at the same time: each installs beside it, and the
    first to end gives the directory. `limit` is in seconds.
    """
    if directory.exists():
        return directory
    mine = directory.with_name(f"{directory.name}.{os.getpid()}")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--no-compile",
        "--no-deps",
    ]
    command += ["--target", str(mine), *requirements]
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=limit)
        if done.returncode:
            raise NotInstalled(
                f"pip can't install {requirements[-1]} ({(done.stderr.splitlines() or ['no reason told'])[0]})"
            )
        mine.rename(directory)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"pip can't install {requirements[-1]} (no answer in {limit:g} s)") from None
    except OSError:
        if not directory.exists():  # else another was first
            raise
    finally:
        shutil.rmtree(mine, ignore_errors=True)  # where all went well it is `directory` by now
    return directory


def pythons() -> dict[str, str]:
    """Return version (such as ``3.12``) -> interpreter, of $PATH and of pyenv, of those that start and can make environments."""
    found: dict[str, str] = {}
    for minor in range(8, 16):
        for candidate in _candidates(minor):
            try:
                told = subprocess.run([candidate, "-c", _TELL], capture_output=True, text=True, timeout=60)
            except OSError:
                continue
            if told.returncode == 0:
                found[told.stdout.strip()] = candidate
                break
    return found


# An environment's link to an interpreter does not count, and neither does an interpreter that cannot make environments.
_TELL = "import ensurepip, sys, venv; assert sys.prefix == sys.base_prefix; print('%d.%d' % sys.version_info[:2])"


def _candidates(minor: int) -> Iterator[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    path = shutil.which(f"python3.{minor}")
    if path and Path(path).parent != pyenv / "shims":  # a shim only starts one of the versions below, and slowly
        yield path
    yield from sorted(str(path) for path in (pyenv / "versions").glob(f"3.{minor}.*/bin/python3.{minor}"))
