# SPDX-License-Identifier: GPL-3.0-or-later
"""Every place in the collection that makes an error for a person, and what was said at each while tests ran.

A place is found in the source: a call of LvsError, LabError or Finding, of any class derived from them, or of fail_json
with words of its own. It is known by file and function, and by a number where a function has several.
"""

from __future__ import annotations

import ast
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import LabError
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding
from commands import PROJECT

ROOTS = (LvsError, LabError, Finding)
PLUGINS = PROJECT / "plugins"
FAIL = "fail_json"
# So many of the errors of one place are kept: random cases make thousands.
_KEPT = 20


class Site(NamedTuple):
    """One place that makes an error: the lines of its call, and the name of what is called."""

    name: str
    file: str
    first: int
    last: int
    kind: str


def sites() -> dict[str, Site]:
    """Return name -> place, for all of the collection."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(PLUGINS.rglob("*.py"))}
    kinds = _kinds(trees.values())
    found: dict[str, Site] = {}
    for path, tree in trees.items():
        calls = defaultdict(list)
        for function, call in _calls(tree, ""):
            kind = _kind(call, kinds)
            if kind:
                calls[function].append((call, kind))
        for function, made in calls.items():
            for number, (call, kind) in enumerate(sorted(made, key=lambda one: one[0].lineno), 1):
                name = (
                    f"{path.relative_to(PLUGINS / path.relative_to(PLUGINS).parts[0]).with_suffix('')}.{function}"
                    + (f"#{number}" if len(made) > 1 else "")
                )
                assert name not in found, f"{name}: files of one name in two directories"
                found[name] = Site(name, os.path.realpath(path), call.lineno, call.end_lineno or call.lineno, kind)
    return found


def _kinds(trees: Any) -> set[str]:
    """Return the names of the classes of errors: the roots, and all that are derived from them."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    kinds, before = {root.__name__ for root in ROOTS}, 0
    while len(kinds) != before:
        before = len(kinds)
        kinds |= {one.name for one in classes if any(isinstance(b, ast.Name) and b.id in kinds for b in one.bases)}
    return kinds


def _calls(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        within = f"{inside}.{child.name}".lstrip(".") if named else inside  # type: ignore[attr-defined]
        if isinstance(child, ast.Call):
            yield inside, child
        yield from _calls(child, within)


def _kind(call: ast.Call, kinds: set[str]) -> str:
    if isinstance(call.func, ast.Name) and call.func.id in kinds:
        return call.func.id
    if isinstance(call.func, ast.Attribute) and call.func.attr == FAIL:
        said = next((keyword.value for keyword in call.keywords if keyword.arg == "msg"), None)
        # str(error) passes on what an error says.
        passed_on = isinstance(said, ast.Call) and isinstance(said.func, ast.Name) and said.func.id == "str"
        return "" if passed_on else FAIL
    return ""


class Recorder:
    """What was said at each place, by name, while it records."""

    def __init__(self) -> None:
        self._by_file: dict[str, list[Site]] = defaultdict(list)
        for site in sites().values():
            self._by_file[site.file].append(site)
        self._said: dict[str, list[Any]] = defaultdict(list)
        self.paused = False

    def start(self) -> None:
        """Record from now on, for as long as this process runs."""
        for root in (LvsError, LabError):
            root.__new__ = self._recording(Exception.__new__)  # type: ignore[method-assign]
        Finding.__new__ = self._recording(Finding.__new__)  # type: ignore[method-assign]
        fail_json = AnsibleModule.fail_json

        def fail(module: AnsibleModule, msg: str, **others: Any) -> None:
            self._keep(sys._getframe(1), msg)
            fail_json(module, msg, **others)

        AnsibleModule.fail_json = fail

    def said(self, name: str) -> list[Any]:
        """Return the errors that were made at a place, or the texts that ended a module there."""
        return self._said[name]

    def _recording(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def new(kind: type, *arguments: Any, **options: Any) -> Any:
            # A keyword of an exception is for its __init__ alone.
            made = make(kind, *arguments, **(options if kind is Finding else {}))
            self._keep(sys._getframe(1), made)
            return made

        return new

    def _keep(self, frame: FrameType, what: Any) -> None:
        if self.paused:
            return
        for site in self._by_file.get(os.path.realpath(frame.f_code.co_filename), ()):
            if site.first <= frame.f_lineno <= site.last and len(self._said[site.name]) < _KEPT:
                self._said[site.name].append(what)


def imported_by(path: Path) -> set[str]:
    """Return the files of the collection that a file is made of, through all imports, with the file itself."""
    found, todo = set(), [path]
    while todo:
        file = todo.pop()
        if str(file.resolve()) in found:
            continue
        found.add(str(file.resolve()))
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                todo += _imported_files(file, node)
    return found


def _imported_files(file: Path, node: ast.ImportFrom) -> list[Path]:
    """Return the files of module_utils that one import statement of a file names."""
    inside, marker = node.module or "", "module_utils"
    if node.level:
        home = file.resolve().parents[node.level - 1].joinpath(*filter(None, inside.split(".")))
    elif marker in inside:
        home = (PLUGINS / marker).joinpath(*inside.partition(marker)[2].strip(".").split("."))
    else:
        return []
    return [
        one for one in (home.with_suffix(".py"), *(home / f"{alias.name}.py" for alias in node.names)) if one.is_file()
    ]
