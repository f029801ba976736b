# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and playbooks: a registered variable stays in its file, and a name of a task needs no filter."""

from __future__ import annotations

import re
from pathlib import Path

from commands import PROJECT

# The role lab passes what it read of the controller from file to file; it is a development tool.
FILES = sorted(
    path
    for path in [*PROJECT.glob("roles/*/*/*.yml"), *PROJECT.glob("playbooks/*.yml")]
    if "meta" not in path.parts and path.parts[-3] != "lab"
)


def read() -> dict[Path, str]:
    return {path: re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE) for path in FILES}


def test_what_is_registered_is_read_in_its_file_alone() -> None:
    texts = read()
    used = {path: set(re.findall(r"\b__\w+", text)) for path, text in texts.items()}
    registered = {path: set(re.findall(r"register: (__\w+)", text)) for path, text in texts.items()}
    assert sum(map(len, registered.values())) > 10
    elsewhere = {str(path.relative_to(PROJECT)): used[path] - registered[path] for path in FILES}
    assert {path: names for path, names in elsewhere.items() if names} == {}
    names = [name for ours in registered.values() for name in ours]
    assert len(names) == len(set(names))


def test_no_name_calls_a_filter() -> None:
    names = [name for text in read().values() for name in re.findall(r"- name: (.*)", text)]
    assert len(names) > 80
    assert [name for name in names if "{{" in name] == []
