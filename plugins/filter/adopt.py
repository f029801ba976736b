# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: from a director's table to `lvs_services`."""

from __future__ import annotations

from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.adopt import adopt


def adopted_services(table: Any) -> dict[str, Any]:
    """Return what the services of ipvs_info are as lvs_services, and which can't be said."""
    adopted = adopt(table)
    return {"lvs_services": adopted.services, "left_out": adopted.left_out}


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"adopted_services": adopted_services}
