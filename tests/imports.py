# SPDX-License-Identifier: GPL-3.0-or-later
"""The imports of the collection's packages, read from the source, and the rules that they follow."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PREFIX = "ansible_collections.lvs.cluster.plugins."
ROOTS = ("module_utils", "plugin_utils")
# Files of these names decide; what they decide on is read, and carried out, by others.
PURE = ("model", "operations", "options", "plan")
DOORS = ("ansible", "ctypes", "dbus", "nftables", "pyroute2", "select", "socket", "subprocess", "urllib")
CLIENTS = ("client", "library", "sockets")
ANSIBLE_PACKAGE = "module_utils/_module"


class Import(NamedTuple):
    """One imported module: a path such as ``module_utils/_ipvs/plan``, or the name of a library; `lazy` inside a function."""

    name: str
    lazy: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is a file of the collection."""
        return self.name.startswith(tuple(f"{root}/" for root in ROOTS))


def read_imports(plugins: Path) -> dict[str, list[Import]]:
    """Return file -> its imports, for all files of module_utils and plugin_utils."""
    files = [path for root in ROOTS for path in sorted((plugins / root).rglob("*.py"))]
    names = {"/".join(path.relative_to(plugins).with_suffix("").parts): path for path in files}
    return {name: list(_imports(name, ast.parse(path.read_text()), names)) for name, path in names.items()}


def _imports(name: str, tree: ast.Module, known: Mapping[str, Path]) -> Iterator[Import]:
    top = set(tree.body) | {node for block in tree.body if isinstance(block, ast.If) for node in block.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name.partition(".")[0], node not in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _path(name, node)
            inside = [f"{module}/{alias.name}" for alias in node.names if f"{module}/{alias.name}" in known]
            yield from (Import(one, node not in top) for one in inside or [module])


def _path(name: str, node: ast.ImportFrom) -> str:
    module = node.module or ""
    if node.level:
        return "/".join([*name.split("/")[: -node.level], *filter(None, module.split("."))])
    if module.startswith(PREFIX):
        return module[len(PREFIX) :].replace(".", "/")
    return module.partition(".")[0]


def package(name: str) -> str:
    """Return the package of a file, such as ``module_utils/_ipvs``."""
    return "/".join(name.split("/")[:2])


def violations(imports: Mapping[str, list[Import]]) -> list[str]:
    """Return every import that breaks a rule, one sentence each."""
    found = [f"{name} is in no package" for name in imports if name.count("/") != 2]
    for name, modules in imports.items():
        for module in modules:
            if module.name == "ansible" and package(name) != ANSIBLE_PACKAGE:
                found.append(f"{name} imports Ansible; only {ANSIBLE_PACKAGE} does")
            if name.startswith("module_utils/") and module.name.startswith("plugin_utils/"):
                found.append(f"{name} goes to the host and imports {module.name}, which stays on the controller")
            if module.lazy and package(module.name) == package(name):
                found.append(f"{name} imports {module.name} of its own package inside a function")
        if name.rsplit("/", 1)[-1] in PURE:
            found += [f"{name} decides, and imports {door}" for door in _doors(name, imports)]
    return found + [f"packages import each other: {' -> '.join(circle)}" for circle in _circles(imports)]


def _doors(name: str, imports: Mapping[str, list[Import]]) -> list[str]:
    """Return what a file imports, itself or through others, that reads or changes a host."""
    seen, todo, doors = {name}, [name], {}
    while todo:
        here = todo.pop()
        for module in imports.get(here, ()):
            if module.name in DOORS or module.name.rsplit("/", 1)[-1] in CLIENTS:
                doors[module.name] = here
            elif module.ours and module.name not in seen:
                seen.add(module.name)
                todo.append(module.name)
    return [f"{door} in {here}" for door, here in doors.items()]


def _circles(imports: Mapping[str, list[Import]]) -> list[list[str]]:
    arrows: dict[str, set[str]] = defaultdict(set)
    for name, modules in imports.items():
        arrows[package(name)] |= {package(module.name) for module in modules if module.ours} - {package(name)}

    def walk(way: list[str]) -> Iterator[list[str]]:
        for following in sorted(arrows.get(way[-1], ())):
            if following == way[0]:
                yield [*way, following]
            elif following not in way and following > way[0]:  # each circle once, from its first name
                yield from walk([*way, following])

    return [circle for start in sorted(arrows) for circle in walk([start])]
