# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role gateway; what they mean stands in plugin_utils/_operations/gateway.py."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations import gateway
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology


def gateway_neighbors(services: Any, groups: Any, hostvars: Any, owners: Any, vips: Any) -> list[dict[str, str]]:
    """Return the neighbours of those of the VIPs that a director answers for."""
    try:
        return gateway.gateway_neighbors(read_topology(services, groups, hostvars), owners, list(map(str, vips)))
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"gateway_neighbors": gateway_neighbors, "neighbor_entries": gateway.neighbor_entries}
