# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for ansible.module_utils.basic on the host with IPVS: a module's own main() runs, without Ansible's seconds.

The options were checked by Ansible's own code before they were sent, so params are taken as they come.
"""

from __future__ import annotations

from typing import Any, ClassVar


class Exit(Exception):
    """The module has ended; `result` is what it answered."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg", ""))
        self.result = result


class AnsibleModule:
    """The part of Ansible's class of this name that the IPVS modules use."""

    request: ClassVar[dict[str, Any]] = {}

    def __init__(self, argument_spec: dict[str, Any], supports_check_mode: bool, **_rules: Any) -> None:
        assert argument_spec
        assert supports_check_mode
        self.params = self.request["params"]
        self.check_mode = self.request["check"]
        self.warnings: list[str] = []

    def warn(self, warning: str) -> None:
        """Keep a warning for the result."""
        self.warnings.append(warning)

    def exit_json(self, **result: Any) -> None:
        """End well."""
        raise Exit({**result, "warnings": self.warnings})

    def fail_json(self, msg: str, **result: Any) -> None:
        """End with a failure."""
        raise Exit({**result, "failed": True, "msg": msg, "warnings": self.warnings})


def missing_required_lib(library: str, reason: str) -> str:
    """Return what Ansible says of a library that is missing, in short."""
    return f"Failed to import {library}: {reason}"
