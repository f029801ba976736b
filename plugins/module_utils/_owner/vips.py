# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs and neighbour entries of a run, settled with what other clusters declare on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .._core.owner import Owner
from .claims import claims, declared_twice, kept_words, neighbors, vips
from .declarations import Declaration

if TYPE_CHECKING:
    from .._neighbor.options import WantedNeighbors
    from .._vip.options import VipSpec


def settle_vips(spec: VipSpec, owner: Owner, others: Sequence[Declaration]) -> tuple[VipSpec, Sequence[str]]:
    """Return the VIPs without those that another cluster declares and this run would remove, and a sentence for each.

    A device that another cluster has VIPs on is not removed with the last VIP of this one. Raises InvalidValue for a
    VIP that both declare, on whichever device.
    """
    claimed = claims(others, vips)
    if spec.present:
        refuse_vips((vip.address for vip in spec.vips), owner, others)
        return spec, ()
    places = {vip: claimed.get((spec.interface, vip.address)) for vip in spec.vips}
    words = [kept_words(f"{vip.address} on {spec.interface}", claim) for vip, claim in places.items() if claim]
    device = next((claim for (name, _address), claim in claimed.items() if name == spec.interface), None)
    if device and spec.kind:
        words.append(kept_words(f"The device {spec.interface}", device))
    left = tuple(vip for vip, claim in places.items() if not claim)
    return spec._replace(vips=left, kind=None if device else spec.kind), words


def refuse_vips(
    addresses: Iterable[str], owner: Owner, others: Sequence[Declaration], option: str = "addresses"
) -> None:
    """Raise InvalidValue for the first address that is a VIP of another cluster on this host."""
    claimed = {address: claim for (_interface, address), claim in claims(others, vips).items()}
    for address in addresses:
        if address in claimed:
            raise declared_twice(option, address, owner, claimed[address])


def settle_neighbors(
    wanted: WantedNeighbors, owner: Owner, others: Sequence[Declaration]
) -> tuple[WantedNeighbors, Sequence[str]]:
    """Return the entries without those that another cluster declares and this run would remove, and a sentence each.

    Raises InvalidValue for an entry that both declare.
    """
    claimed = claims(others, neighbors)
    left, words = [], []
    for one in wanted.neighbors:
        claim = claimed.get((wanted.interface, one.address))
        if claim and wanted.present:
            raise declared_twice("address", one.address, owner, claim)
        if claim:
            words.append(kept_words(f"The entry for {one.address} on {wanted.interface}", claim))
        else:
            left.append(one)
    return wanted._replace(neighbors=tuple(left)), words
