# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of a stand-in for a module; see stand_in_modules.py."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

_FOR_EVER = 10_000  # seconds


class ActionModule(ActionBase):
    """Connects, writes down what was asked, and returns the answer of the inventory."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        host = self._task.delegate_to or task_vars["inventory_hostname"]
        own = task_vars["hostvars"][host]
        module = self._task.action.rpartition(".")[2]
        if module in own.get("dies_at", ()):
            raise AnsibleConnectionFailure(f"{host} died")
        self._low_level_execute_command("true")
        if module in own.get("hangs", ()):
            time.sleep(_FOR_EVER)  # here, so that no program stays on the machine
        call = {"host": host, "module": module, "check": bool(self._task.check_mode), "args": self._task.args}
        with open(os.environ["STAND_IN_CALLS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(call, default=str) + "\n")
        return {"changed": False, "operations": [], **own.get("answers", {}).get(module, {})}
