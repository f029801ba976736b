# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the program that restores a host at boot, and transfers it to hosts that do not have it."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Runs the module once if the host has the program, and transfers it and runs the module again if not."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the last run of the module returned."""
        super().run(tmp, task_vars)
        program = restore_program()
        checksum = checksum_of(program)

        def run(**source: str) -> dict[str, Any]:
            arguments = {**self._task.args, "program": {"checksum": checksum, **source}}
            result: dict[str, Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
            return result

        result = run()
        if not result.get("program_missing"):
            return result
        # Ansible removes the directory when the task ends.
        shell = self._connection._shell
        directory = shell.tmpdir or self._make_tmp_path()
        path = shell.join_path(directory, "restore.pyz")
        self._transfer_data(path, program)
        self._fixup_perms2((directory, path))
        return run(source=path)
