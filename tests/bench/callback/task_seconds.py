# SPDX-License-Identifier: GPL-3.0-or-later
"""Write each task's name and seconds, as the controller sees them, a JSON line each into $BENCH_TASK_SECONDS."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_seconds
type: aggregate
short_description: Write what each task took
description:
  - For benchmarks.
"""


class CallbackModule(CallbackBase):
    """Takes the time from the start of a task to its host's answer."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_seconds"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Begin to count."""
        self.began = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Write what it took, and whether anything was changed."""
        line = {
            "task": result._task.get_name(),
            "seconds": time.monotonic() - self.began,
            "changed": result._result.get("changed", False),
        }
        with open(os.environ["BENCH_TASK_SECONDS"], "a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")
