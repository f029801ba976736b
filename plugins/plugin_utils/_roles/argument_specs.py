# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument specs of the roles: the one source of every default that a playbook judges by."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# From the place of this file, so that it is also found in an installed collection.
_ROLES = Path(__file__).parents[3] / "roles"


@functools.cache
def role_options(role: str) -> Mapping[str, Any]:
    """Return the options of a role, by name, as its argument spec describes them."""
    specs = yaml.safe_load((_ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options: Mapping[str, Any] = specs["argument_specs"]["main"]["options"]
    return options


def role_defaults(*roles: str) -> dict[str, Any]:
    """Return the default of each option of some roles that has one; those that are templates are left out."""
    return {
        name: option["default"]
        for role in roles
        for name, option in role_options(role).items()
        if "default" in option and "{{" not in str(option["default"])
    }
