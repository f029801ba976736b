# SPDX-License-Identifier: GPL-3.0-or-later
"""From the files that a host has to those that restore a declaration at boot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .._core.plan import Plan
from .._parts.declaration import PARTS, Declared
from .unit import early_unit_text, unit_text


class Content(NamedTuple):
    """One file as it has to be.

    `link` is the target of a symbolic link, which has no content. The program is known by its SHA-256 `checksum` alone.
    """

    path: str
    data: bytes = b""
    link: str = ""
    checksum: str = ""


class FileOperation(NamedTuple):
    """One file to write, link or (`content` None) remove."""

    path: str
    content: Content | None
    words: str


def is_kept(declared: Declared, current: Mapping[str, Content], checksum: str) -> bool:
    """Return whether this same declaration is on the disk, and the program too, which has the checks among its sources.

    Its parts were checked when it was written. Only where another declaration of the host has brought a newer program
    since was that by the checks of before.
    """
    state, kept = current.get(declared.state), current.get(declared.program)
    return state is not None and state.data == _state(declared, {}) and kept is not None and kept.checksum == checksum


def wanted_files(
    declared: Declared,
    python: str,
    checksum: str,
    former: Mapping[str, Any] = MappingProxyType({}),
    early: bool = False,
) -> list[Content]:
    """Return the files that bring `declared` back at boot.

    `python` is the interpreter that runs the program, `checksum` identifies the program, and `former` is what the file
    remembers of earlier declarations (see stale.find_stale). `early`: see unit.has_early_unit.
    """
    names = "".join(f"{module}\n" for module in declared.kernel_modules)
    loaded = [Content(declared.modules, f"# Written by lvs.cluster.boot_restore.\n{names}".encode())] if names else []
    first = [Content(declared.early_file, early_unit_text(declared, python).encode())] if early else []
    return [
        *loaded,
        Content(declared.program, checksum=checksum),
        Content(declared.state, _state(declared, former)),
        *first,
        Content(declared.unit_file, unit_text(declared, python, early).encode()),
        Content(declared.link, link=declared.unit_file),
    ]


def _state(declared: Declared, former: Mapping[str, Any]) -> bytes:
    """Return the content of the file that holds what is declared, and what is to be remembered beside it."""
    state: dict[str, Any] = {
        "owner": declared.owner,
        "timeouts": dict(declared.timeouts),
        "sysctls": dict(declared.sysctls),
    }
    state.update({part: getattr(declared, part) for part in PARTS})
    if declared.gate:
        state["gate"] = dict(declared.gate)
    if former:
        state["former"] = dict(former)
    return (json.dumps(state, indent=2, sort_keys=True) + "\n").encode()


def is_stale(declared: Declared, operations: Sequence[FileOperation | Removal]) -> bool:
    """Return whether what systemd has started is not what these steps leave to be started."""
    changed = {operation.path for operation in operations if isinstance(operation, FileOperation)}
    return bool(changed & {declared.program, declared.unit_file})


def plan_files(
    current: Mapping[str, Content], wanted: Sequence[Content], unwanted: Sequence[str]
) -> Plan[FileOperation]:
    """Return the way from the files that are to those that are wanted; `unwanted` paths are to be gone."""
    operations = []
    for content in wanted:
        if current.get(content.path) != content:
            verb = "link" if content.link else "write"
            operations.append(FileOperation(content.path, content, f"{verb} {content.path}"))
    operations += [FileOperation(path, None, f"remove {path}") for path in unwanted if path in current]
    after = {path: content for path, content in current.items() if path not in unwanted}
    after.update({content.path: content for content in wanted})
    return Plan(_shown(current), _shown(after), tuple(operations))


def program_of(operations: Sequence[FileOperation | Removal]) -> str:
    """Return the checksum of the program that the steps write; empty when they write none."""
    written = (step.content for step in operations if isinstance(step, FileOperation) and step.content)
    return next((content.checksum for content in written if content.checksum), "")


class Removal(NamedTuple):
    """One step that takes away what is declared no more; all of them are one run (see stale_run)."""

    words: str


def plan_removal(
    noted: Plan[FileOperation], removal: Sequence[str], final: Plan[FileOperation]
) -> Plan[FileOperation | Removal]:
    """Return the whole way: files that still tell what is being removed, the removal, and the files without it.

    A run that dies in between is healed by the next one, which finds in the file what is left to do.
    """
    steps: list[FileOperation | Removal] = [*noted.operations, *map(Removal, removal), *final.operations]
    return Plan(noted.before, final.after, tuple(steps))


def _shown(files: Mapping[str, Content]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for path, content in sorted(files.items()):
        if content.link:
            shown[path] = f"link to {content.link}"
        elif content.checksum:
            shown[path] = f"program with SHA-256 {content.checksum}"
        else:
            shown[path] = content.data.decode(errors="replace")
    return shown
