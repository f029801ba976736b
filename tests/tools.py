# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools that are not in .venv: environments made when they are first needed, and the Pythons of this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PROJECT = Path(__file__).parents[1]
CACHE = PROJECT / ".cache"


def environment(name: str, requirements: Sequence[str], python: str = sys.executable) -> Path:
    """Return the folder of programs of the environment `name`, which is made unless it was, of these same requirements.

    `requirements` are pip's arguments, such as ``ansible-core==2.17.*`` or ``--requirement FILE``.
    """
    wanted = hashlib.sha256()
    for argument in (python, *requirements):
        wanted.update(Path(argument).read_bytes() if argument.endswith(".txt") else argument.encode())
    root = CACHE / "environments" / name
    made = root / "made"
    if not made.exists() or made.read_text(encoding="utf-8") != wanted.hexdigest():
        print(f"making {root.relative_to(PROJECT)}", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(root)], check=True)
        # Most of what would be compiled is never imported.
        options = ["-qq", "--disable-pip-version-check", "--no-compile"]
        subprocess.run([str(root / "bin" / "pip"), "install", *options, *requirements], check=True)
        made.write_text(wanted.hexdigest(), encoding="utf-8")
    return root / "bin"


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
    """Return version (such as ``3.12``) -> interpreter, of $PATH and of pyenv; one that does not start is none."""
    found: dict[str, str] = {}
    for candidate in _candidates():
        try:
            told = subprocess.run([candidate, "-c", _TELL], capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if told.returncode == 0:
            found.setdefault(told.stdout.strip(), candidate)
    return found


# Only what can make environments, and is the interpreter itself and not an environment's link to it.
_TELL = "import ensurepip, sys, venv; assert sys.prefix == sys.base_prefix; print('%d.%d' % sys.version_info[:2])"


def _candidates() -> Iterator[str]:
    for minor in range(8, 16):
        path = shutil.which(f"python3.{minor}")
        if path:
            yield path
        root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
        yield from sorted(str(path) for path in root.glob(f"3.{minor}.*/bin/python3.{minor}"))
