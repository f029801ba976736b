# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of boot_restore on this host, and the sources that its program is made of."""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from ._boot_places import PROGRAM, STATE_DIRECTORY
from ._boot_plan import Content, FileOperation
from ._files import read_bytes, remove, write_atomic

_NEEDS_ANSIBLE = ("_runner", "_ipvs_module", "_rtnl_module")


def read_files(paths: Iterable[str]) -> dict[str, Content]:
    """Return those of the files and links that exist."""
    found = {}
    for path in paths:
        if os.path.islink(path):
            found[path] = Content(path, link=os.readlink(path))
        else:
            data = read_bytes(path)
            if data is not None:
                found[path] = Content(path, data)
    return found


def apply_files(operations: Sequence[FileOperation]) -> None:
    """Write, link and remove, in order; each file changes in one step."""
    for operation in operations:
        content = operation.content
        if content is None:
            remove(operation.path)
        elif content.link:
            os.makedirs(os.path.dirname(operation.path), exist_ok=True)
            remove(operation.path)
            os.symlink(content.link, operation.path)
        else:
            write_atomic(operation.path, content.data, 0o755 if operation.path == PROGRAM else 0o644)


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


def module_sources() -> dict[str, str]:
    """Return the source of the helper modules beside this one, by bare name.

    Inside a module run they are in the zip that Ansible sent, which holds only what the module imports; so the
    module has to name the restore program's entry, _boot, in an import, which need not be executed.
    """
    beside = os.path.dirname(__file__)
    loader: Any = sys.modules[__name__].__loader__
    names = [name for _finder, name, _is_package in pkgutil.iter_modules([beside]) if name not in _NEEDS_ANSIBLE]
    # By the loader of this one, be it of a directory or of a zip: to be found, each module of a zip would be compiled.
    return {name: loader.get_data(os.path.join(beside, f"{name}.py")).decode() for name in names}
