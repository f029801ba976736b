# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MAC a gateway is to know each VIP by: that of the director that answers for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import version
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue

from .._topology.model import Topology
from .._topology.owners import vip_owners


def gateway_neighbors(
    topology: Topology, owners: Mapping[str, Sequence[Mapping[str, Any]]], vips: Collection[str]
) -> list[dict[str, str]]:
    """Return the neighbours, in the options of vip_neighbor, of those of the VIPs that a director answers for.

    `owners` tells who answers the gateway for each DIP, as vip_owner_info returns it. Raises InvalidValue for a
    director whose DIPs nobody answers for, or for one of which several MACs do, and for a VIP that moves by itself.
    """
    for vip, owner in vip_owners(topology).items():
        if vip in vips and not owner.is_fixed:
            directors = " and ".join(owner.directors)
            rule = f"moves between {directors} (director_failover), so that no entry for it stays right"
            remedy = "leave the VIP out of gateway_vips: directors announce it themselves"
            raise InvalidValue("gateway_vips", vip, rule, remedy)
    owned = {vip: owner.director for vip, owner in vip_owners(topology).items() if owner.director and vip in vips}
    return [{"address": vip, "mac": _mac(topology, owners, director, vip)} for vip, director in owned.items()]


def neighbor_entries(vips: Iterable[str]) -> list[dict[str, str]]:
    """Return entries of vip_neighbor that stand for each VIP, whatever MAC it has."""
    return [{"address": vip} for vip in vips]


def _mac(topology: Topology, owners: Mapping[str, Sequence[Mapping[str, Any]]], director: str, vip: str) -> str:
    # A director that has no DIP of the VIP's family has the same MAC by the other one. Of several DIPs the gateway's
    # segment may have one only.
    own = topology.dips[director]
    dips = [one for one in own if version(one) == version(vip)] or own
    dip = next((one for one in dips if owners.get(one)), dips[0])
    macs = sorted({str(answer["mac"]) for answer in owners.get(dip, ())})
    if len(macs) == 1:
        return macs[0]
    whose = f"DIP of director {director}"
    if macs:
        rule = f"is answered for by {len(macs)} MACs ({', '.join(macs)}), so that {vip} can't be bound to one"
        raise InvalidValue(whose, dip, rule, "find the host that has it too, and remove it there")
    rule = f"is answered for by nobody on the gateway's segment, so that {vip} can't be bound to its MAC"
    raise InvalidValue(whose, dip, rule, "bring the director up, or correct gateway_interface")
