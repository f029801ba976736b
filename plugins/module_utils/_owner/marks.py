# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks of a run against those that other clusters declare on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core.owner import Owner
from .._core.ports import EVERY_PORT, PortRange, parse_ports
from .._core.vips import parse_vip_host
from .claims import Claim, claims, declared_twice, marks
from .declarations import Declaration

if TYPE_CHECKING:
    from .._firewall.options import Mark

# The protocol, the address and the ports of packets
Target = tuple[str, str, PortRange]


def refuse_marks(wanted: Iterable[Mark], owner: Owner, others: Sequence[Declaration]) -> None:
    """Raise InvalidValue for a mark whose number, or whose packets, another cluster declares too.

    A packet has one mark, and a mark is one service of IPVS.
    """
    numbers: dict[int, Claim] = claims(others, lambda state: (int(one["mark"]) for one in marks(state)))
    targets: dict[Target, Claim] = claims(
        others, lambda state: (each for one in marks(state) for each in _targets(one))
    )
    for mark in wanted:
        claim = numbers.get(mark.mark) or next(_meeting(mark, targets), None)
        if claim:
            raise declared_twice("marks", mark.words, owner, claim)


def _meeting(mark: Mark, targets: Mapping[Target, Claim]) -> Iterator[Claim]:
    own = [parse_ports("ports", port) for port in mark.ports] or [EVERY_PORT]
    for (protocol, address, ports), claim in targets.items():
        if (protocol, address) == (mark.protocol, mark.address) and any(ports.overlaps(one) for one in own):
            yield claim


def _targets(mark: Mapping[str, Any]) -> Iterator[Target]:
    address = str(parse_vip_host(mark["address"], "address"))
    protocols = mark.get("protocol") or "tcp"
    for protocol in [protocols] if isinstance(protocols, str) else protocols:
        for ports in mark.get("ports") or (EVERY_PORT,):
            yield str(protocol), address, parse_ports("ports", str(ports))
