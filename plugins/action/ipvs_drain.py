# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module ipvs_drain again and again while it waits, and tells on the way what is left."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import DRAIN_OPTIONS
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.drain_progress import watch

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """The module's other half, on the controller."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what one run that did it all would return."""
        super().run(tmp, task_vars)
        given = dict(self._task.args)
        host = self._task.delegate_to or (task_vars or {}).get("inventory_hostname", "")

        def run(**changed: int) -> dict[str, Any]:
            result: dict[str, Any] = self._execute_module(module_args={**given, **changed}, task_vars=task_vars)
            return result

        try:
            seconds = int(given.get("drain_timeout", DRAIN_OPTIONS["drain_timeout"]["default"]))
        except (TypeError, ValueError):
            return run()  # the module tells what is wrong with it
        return watch(seconds, lambda left: run(drain_timeout=left), lambda line: display.display(f"[{host}]: {line}"))
