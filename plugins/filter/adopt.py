# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: from a director's table to `lvs_services`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.adopt import (
    adopt,
    adopt_settings,
    settings_left_out,
)


def adopted_services(table: Any, groups: Any = None, hostvars: Any = None) -> dict[str, Any]:
    """Return what ipvs_info, or its services alone, are as variables of the roles, and what these can't say."""
    whole = isinstance(table, Mapping)
    adopted = adopt(table["services"] if whole else table, groups, hostvars)
    if not whole:
        return {"lvs_services": adopted.services, "left_out": adopted.left_out}
    settings = adopt_settings(table, role_defaults("director")["director_sysctls"])
    return {
        "lvs_services": adopted.services,
        "left_out": [*adopted.left_out, *settings_left_out(table)],
        "variables": {"lvs_services": adopted.services, **settings},
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"adopted_services": adopted_services}
