# SPDX-License-Identifier: GPL-3.0-or-later
"""All classes of errors of the collection, and the files that a module is made of."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from commands import PROJECT

PLUGINS = PROJECT / "plugins"


def error_classes() -> set[type[LvsError]]:
    """Return LvsError and all classes that derive from it, after an import of all packages."""
    for folder in ("module_utils", "plugin_utils"):
        for path in sorted((PLUGINS / folder).rglob("*.py")):
            name = ".".join(path.relative_to(PLUGINS).with_suffix("").parts)
            importlib.import_module(f"ansible_collections.lvs.cluster.plugins.{name}")
    return set(_derived(LvsError))


def _derived(kind: type[LvsError]) -> Iterator[type[LvsError]]:
    yield kind
    for derived in kind.__subclasses__():
        yield from _derived(derived)


def made_in(path: Path) -> set[str]:
    """Return the names of what a file calls by a plain name."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


def imported_by(path: Path) -> set[Path]:
    """Return the files of the collection that a file is made of, through all imports, with the file itself."""
    found, todo = set[Path](), [path]
    while todo:
        file = todo.pop().resolve()
        if file in found:
            continue
        found.add(file)
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                todo += _imported_files(file, node)
    return found


def _imported_files(file: Path, node: ast.ImportFrom) -> list[Path]:
    """Return the files of module_utils that one import statement of a file names."""
    inside, marker = node.module or "", "module_utils"
    if node.level:
        home = file.parents[node.level - 1].joinpath(*filter(None, inside.split(".")))
    elif marker in inside:
        home = (PLUGINS / marker).joinpath(*inside.partition(marker)[2].strip(".").split("."))
    else:
        return []
    return [
        one for one in (home.with_suffix(".py"), *(home / f"{alias.name}.py" for alias in node.names)) if one.is_file()
    ]
