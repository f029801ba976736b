# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Python the unit starts at boot: one that outlives upgrades, has the libraries, and can be reached at boot."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Callable, NamedTuple

from .._core.errors import PrerequisiteMissing
from .._core.interpreters import SYSTEM_PYTHONS, has_libraries, is_running
from .._parts.declaration import Declared

# What the unit cannot see (ProtectHome=, PrivateTmp=)
HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")
_PACKAGES = {"nftables": "python3-nftables", "pyroute2": "python3-pyroute2"}


class Running(NamedTuple):
    """The Python that runs this: its path, the places that it needs, and where it finds a library (None: nowhere)."""

    path: str
    places: Sequence[str]
    find: Callable[[str], str | None]

    @classmethod
    def here(cls) -> Running:
        """Return that of this process."""
        places = [sys.executable, os.path.realpath(sys.executable), sys.prefix, sys.base_prefix]
        return cls(sys.executable, places, _place)


def _place(library: str) -> str | None:
    spec = importlib.util.find_spec(library)
    return spec.origin or "" if spec else None


def needed_libraries(declared: Declared) -> list[str]:
    """Return the libraries without which the program cannot restore what is declared."""
    needs = {
        "nftables": declared.arp_filters or declared.firewall,
        "pyroute2": declared.vips or declared.neighbors,
    }
    return [library for library, parts in needs.items() if parts]


def choose_interpreter(libraries: Sequence[str], running: Running | None = None) -> str:
    """Return the path of the Python for the unit; raise PrerequisiteMissing when none would start at boot.

    The name that the distribution keeps through upgrades comes first. A process is started only where another Python
    runs this. Where no Python has the libraries yet, it is the one for which packages are made.
    """
    running = running or Running.here()
    found = {library: running.find(library) for library in libraries}
    places = [place for place in found.values() if place]
    own = next((path for path in SYSTEM_PYTHONS if is_running(path)), "")
    if not own:
        system = next((path for path in SYSTEM_PYTHONS if has_libraries(path, libraries)), "")
        if system:
            return system
        places += running.places
    hidden = next(filter(is_hidden, places), "")
    system = own or next((path for path in SYSTEM_PYTHONS if has_libraries(path)), "")
    if hidden:
        raise _unreachable(running.path, hidden, system, libraries)
    return system if own or (system and None in found.values()) else running.path


def _unreachable(path: str, hidden: str, system: str, libraries: Sequence[str]) -> PrerequisiteMissing:
    rule = f"cannot restore anything at boot, when the unit does not see {hidden}"
    if system and libraries:
        packages = ", ".join(_PACKAGES[library] for library in libraries)
        remedy, until = f"install {packages} for {system}", f"{packages} is installed for {system}"
    else:
        remedy, until = "install the package python3", "python3 is installed"
    remedy += ", or run the task with an interpreter that is elsewhere"
    return PrerequisiteMissing("interpreter", path, rule, remedy, until)


def is_hidden(path: str) -> bool:
    """Return whether the unit cannot see this path at boot."""
    return path.startswith(HIDDEN)
