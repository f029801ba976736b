# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a host that act on its network, as /proc has them; `root` stands for / in tests."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from typing import NamedTuple


class Process(NamedTuple):
    """A process: the path of its directory, its arguments, and where its files are (a container has its own)."""

    directory: str
    arguments: tuple[str, ...]
    root: str

    @property
    def program(self) -> str:
        """The name of the program; some write a sentence into their first argument, such as ``heartbeat: master``."""
        return os.path.basename(self.arguments[0].split()[0]).rstrip(":")

    def option(self, *names: str) -> str:
        """Return the value of an option, written as `name value`, `name=value` or, for one letter, `nvalue`."""
        for position, word in enumerate(self.arguments):
            for name in names:
                if word == name:
                    return self.arguments[position + 1] if position + 1 < len(self.arguments) else ""
                if word.startswith(f"{name}="):
                    return word[len(name) + 1 :]
                if len(name) == 2 and word.startswith(name):
                    return word[2:]
        return ""

    def has(self, *names: str) -> bool:
        """Return whether a switch is given."""
        return any(word in names for word in self.arguments)

    def variable(self, name: str) -> str:
        """Return the value of an environment variable that the process began with."""
        for word in read(f"{self.directory}/environ").split("\0"):
            if word.startswith(f"{name}="):
                return word[len(name) + 1 :]
        return ""


def processes(root: str) -> Iterator[Process]:
    """Yield every process of this network namespace; one in another, such as in a container, acts on that alone."""
    here = _namespace(f"{root}/proc/self")
    for directory in sorted(glob.glob(f"{root}/proc/[0-9]*")):
        words = [word for word in read(f"{directory}/cmdline").split("\0") if word.strip()]
        # A kernel thread or a zombie has only its short name.
        words = words or [word for word in [read(f"{directory}/comm").strip()] if word]
        if words and _namespace(directory) in ("", here):
            own = f"{directory}/root"
            yield Process(directory, tuple(words), own if os.path.isdir(f"{own}/etc") else root)


def _namespace(directory: str) -> str:
    try:
        return os.readlink(f"{directory}/ns/net")
    except OSError:
        return ""


def read(path: str) -> str:
    """Return the text of a file, or an empty one where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as source:
            return source.read()
    except OSError:
        return ""
