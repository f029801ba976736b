# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module tells Ansible of its options."""

from __future__ import annotations

import functools
import importlib
import json
from typing import Any
from unittest import mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator


class Captured(Exception):
    """Ends a module where it would begin to work."""


@functools.cache
def argument_spec(name: str) -> dict[str, Any]:
    """Return the argument_spec with which the module makes its AnsibleModule."""
    module = importlib.import_module(f"ansible_collections.lvs.cluster.plugins.modules.{name}")

    def capture(argument_spec: dict[str, Any], **_others: Any) -> None:
        raise Captured(argument_spec)

    with mock.patch.object(module, "AnsibleModule", capture):
        try:
            module.main()
        except Captured as captured:
            return dict(captured.args[0])
    raise AssertionError(f"{name} made no AnsibleModule")


class BadOptions(Exception):
    """Ansible itself refuses the options."""


def validated(module: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options as the module gets them from Ansible; raises BadOptions with Ansible's words.

    Ansible changes what it is given, so it gets a copy in which nothing is shared.
    """
    result = ArgumentSpecValidator(argument_spec(module)).validate(json.loads(json.dumps(options)))
    if result.error_messages:
        raise BadOptions("; ".join(result.error_messages))
    return dict(result.validated_parameters)
