# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a module again under the distribution's Python where the running one lacks a library of the distribution.

ansible-core's own package modules do so. A run that lacks nothing starts no process, and does not import what can.
"""

from __future__ import annotations

import sys


def respawn_with(library: str) -> None:
    """Run this module again under a system Python that has the library, and exit; return where none has it."""
    if not hasattr(sys.modules["__main__"], "_module_fqn"):
        return  # Ansible did not send this module
    from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

    from .._core.interpreters import SYSTEM_PYTHONS, has_libraries, is_running

    if has_respawned():
        return
    others = [path for path in SYSTEM_PYTHONS if not is_running(path) and has_libraries(path, [library])]
    # Ansible's own parts have to work there too.
    interpreter = probe_interpreters_for_module(others, library)
    if interpreter:
        respawn_module(interpreter)


def packaged_for() -> str:
    """Return a sentence that says for which Python packages are made, empty where that is the running one."""
    from .._core.interpreters import SYSTEM_PYTHONS, is_running

    if any(map(is_running, SYSTEM_PYTHONS)):
        return ""
    return f" The package is made for {SYSTEM_PYTHONS[0]}; once it is installed, the task runs under that by itself."
