# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints lines as they are, whatever the result format."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Does the work of the module on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print the lines, and return them."""
        super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(
            {"lines": {"type": "list", "elements": "str", "required": True}}
        )
        for line in options["lines"]:
            display.display(line)
        return {"changed": False, "operations": [], "lines": options["lines"]}
