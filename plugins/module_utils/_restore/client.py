# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of boot_restore on this host: read, written, linked and removed."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core.errors import LvsError
from .._core.files import read_bytes, remove, write_atomic
from .._core.owner import DEFAULT_OWNER, owner_and_name
from .._core.paths import PROGRAM
from .._owner.declarations import labels
from .._parts.declaration import Declared, declare
from .interpreter import choose_interpreter, is_hidden, needed_libraries
from .plan import Content, FileOperation
from .unit import NFTABLES, early_unit_text, exec_start, has_early_unit, unit_text

# Of a unit's file and its drop-ins, one in an earlier directory hides those of its name in later ones.
_UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


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
    """Return those of the files and links that exist; of a program the checksum."""
    found = {}
    for path in paths:
        if os.path.islink(path):
            found[path] = Content(path, link=os.readlink(path))
        else:
            data = read_bytes(path)
            if data is not None and path.endswith(os.path.basename(PROGRAM)):
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


def unit_with_drop_ins(unit: str, root: str = "") -> str:
    """Return what systemd reads of a unit: its file, and after it those that change it; empty where there is none."""
    homes = [f"{root}{directory}" for directory in _UNIT_DIRECTORIES]
    files = [path for home in homes if os.path.exists(path := f"{home}/{unit}")][:1]
    drop_ins: dict[str, str] = {}
    for home in homes:
        for path in sorted(glob.glob(f"{home}/{unit}.d/*.conf")):
            drop_ins.setdefault(os.path.basename(path), path)
    files += [drop_ins[name] for name in sorted(drop_ins)] if files else []
    return "\n".join((read_bytes(path) or b"").decode(errors="replace") for path in files)


def wants_early_unit(declared: Declared, root: str = "") -> bool:
    """Return whether VIPs can be assigned early on this host (see unit.has_early_unit)."""
    return has_early_unit(declared, unit_with_drop_ins(NFTABLES, root) if declared.arp_filters else "")


def read_start(
    name: str, state: Mapping[str, Any], root: str = "", owner: str = DEFAULT_OWNER
) -> dict[str, Any] | None:
    """Return what the unit of a declaration starts, None where it has no file.

    `command` is the interpreter and the program; those that are not there are `missing`, and those that a boot does not
    see `hidden`. `current`: whether the files are those that a run of boot_restore would write now. `program` is the
    checksum of the program.
    """
    unit = Declared(name, owner=owner)
    data = read_bytes(root + unit.unit_file)
    if data is None:
        return None
    command = exec_start(data.decode(errors="replace"))[:2]
    program = read_bytes(root + unit.program)
    return {
        "command": command,
        "missing": [path for path in command if not os.path.exists(root + path)],
        "hidden": [path for path in command if is_hidden(path)],
        "current": _is_current(name, owner, state, root),
        "program": checksum_of(program) if program else "",
    }


def _is_current(name: str, owner: str, state: Mapping[str, Any], root: str) -> bool:
    try:
        declared = declare({**state, "name": name, "owner": owner})
        python = choose_interpreter(needed_libraries(declared))
        early = wants_early_unit(declared, root)
        units = {
            declared.unit_file: unit_text(declared, python, early).encode(),
            declared.early_file: early_unit_text(declared, python).encode() if early else None,
        }
    except (AttributeError, KeyError, LvsError, TypeError):  # edited by hand, or no Python could restore it
        return False
    return all(read_bytes(root + path) == text for path, text in units.items())


def is_active(runtime: str) -> bool:
    """Return whether the unit that has this directory below /run is running."""
    return os.path.isdir(f"/run/{runtime}")


def other_declarations(declared: Declared) -> list[str]:
    """Return the names of its owner's other declarations on this host, which use the same program."""
    found = (owner_and_name(label) for label in labels())
    return [name for owner, name in found if owner == declared.owner and name != declared.name]
