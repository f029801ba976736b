# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of boot_restore on this host: read, written, linked and removed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence

from .._core.errors import LvsError
from .._core.files import read_bytes, remove, write_atomic
from .._core.paths import PROGRAM, STATE_DIRECTORY
from .plan import Content, FileOperation


class ProgramMissing(LvsError):
    """The program has to be transferred to this host first; the action plugin of boot_restore does that."""

    def __init__(self, checksum: str) -> None:
        super().__init__(
            "program",
            checksum,
            "is not the checksum of a program on this host",
            "run lvs.cluster.boot_restore as a task, so that its action plugin transfers the program",
        )
        self.results = {"program_missing": True}


def read_files(paths: Iterable[str]) -> dict[str, Content]:
    """Return those of the files and links that exist."""
    found = {}
    for path in paths:
        if os.path.islink(path):
            found[path] = Content(path, link=os.readlink(path))
        else:
            data = read_bytes(path)
            if data is not None and path == PROGRAM:
                found[path] = Content(path, checksum=checksum_of(data))
            elif data is not None:
                found[path] = Content(path, data)
    return found


def checksum_of(data: bytes) -> str:
    """Return what identifies a program: its SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def apply_files(operations: Sequence[FileOperation], program: bytes) -> None:
    """Write, link and remove, in order; each file changes in one step."""
    for operation in operations:
        content = operation.content
        if content is None:
            remove(operation.path)
        elif content.link:
            os.makedirs(os.path.dirname(operation.path), exist_ok=True)
            remove(operation.path)
            os.symlink(content.link, operation.path)
        elif content.checksum:
            write_atomic(operation.path, program, 0o755)
        else:
            write_atomic(operation.path, content.data)


def read_program(source: str, checksum: str) -> bytes:
    """Return the program at `source`; raise ProgramMissing unless it has this checksum."""
    data = read_bytes(source) if source else None
    if data is None or checksum_of(data) != checksum:
        raise ProgramMissing(checksum)
    return data


def is_active(runtime: str) -> bool:
    """Return whether the unit that has this directory below /run is running."""
    return os.path.isdir(f"/run/{runtime}")


def other_declarations(name: str) -> list[str]:
    """Return the names of the host's other declarations, which use the same program."""
    try:
        entries = os.listdir(STATE_DIRECTORY)
    except OSError:
        return []
    return sorted(entry[:-5] for entry in entries if entry.endswith(".json") and entry != f"{name}.json")
