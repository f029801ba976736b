# SPDX-License-Identifier: GPL-3.0-or-later
"""Static neighbour entries in namespaces: made by the plan and the client of vip_neighbor, read by ip-neighbour(8)."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.client import NeighborClient
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.plan import NeighborOperation, plan_neighbors
from netns_hosts import Namespace

VIP, VIP6, MAC, OTHER = "192.0.2.30", "2001:db8::30", "52:54:00:00:00:03", "52:54:00:00:00:04"
BOTH = {VIP: MAC, VIP6: MAC}


def options(neighbors: dict[str, str | None], interface: str = "eth0", state: str = "present") -> dict[str, Any]:
    """Return the options of the module."""
    listed = [{"address": address, "mac": mac} for address, mac in neighbors.items()]
    return {"interface": interface, "neighbors": listed, "state": state}


def carry_out(inside: Namespace, *args: Any, apply: bool = True, **kwargs: Any) -> Plan[NeighborOperation]:
    """Plan, and apply, as the module does, but in this process."""
    wanted = WantedNeighbors.from_options(options(*args, **kwargs))
    with inside.entered():
        client = NeighborClient()
        try:
            plan = plan_neighbors(client.read(wanted), wanted)
            if apply:
                client.apply(plan.operations)
        finally:
            client.close()
    return plan


def shown(inside: Namespace, interface: str = "eth0") -> dict[str, tuple[str, str]]:
    """Return what ip(8) says of the unicast neighbours of a device: address -> MAC and state."""
    entries = [
        *inside.json(f"-4 neigh show nud all dev {interface}"),
        *inside.json(f"-6 neigh show nud all dev {interface}"),
    ]
    return {
        one["dst"]: (one.get("lladdr", ""), " ".join(one["state"]))
        for one in entries
        if not one["dst"].startswith("ff")
    }
