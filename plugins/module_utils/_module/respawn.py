# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a module again under the distribution's Python where the running one lacks a library of the distribution.

ansible-core's own package modules do so. A run that lacks nothing starts no process.
"""

from __future__ import annotations

import sys

from .._core.interpreters import SYSTEM_PYTHONS, has_libraries, is_running


def respawn_with(library: str) -> None:
    """Run this module again under a system Python that has the library, and exit; return where none has it."""
    if not hasattr(sys.modules["__main__"], "_module_fqn"):
        return  # Ansible did not send this module
    # Nearly no run needs it.
    from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

    if has_respawned():
        return
    others = [path for path in SYSTEM_PYTHONS if not is_running(path) and has_libraries(path, [library])]
    # Ansible's own parts have to work there too.
    interpreter = probe_interpreters_for_module(others, library)
    if interpreter:
        respawn_module(interpreter)
