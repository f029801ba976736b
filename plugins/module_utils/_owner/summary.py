# SPDX-License-Identifier: GPL-3.0-or-later
"""What each declaration of a host has, in few words, for checks on the controller."""

from __future__ import annotations

from typing import NamedTuple

from .._core.errors import LvsError
from .._core.owner import owner_and_name
from .._ipvs.describe import service_name
from .claims import claims, vips
from .declarations import labels, read_declaration
from .services import services


class Summary(NamedTuple):
    """One declaration: its VIPs, and its services as service_name writes them; `problem` says why it can't be read."""

    owner: str
    name: str
    vips: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    problem: str = ""

    @property
    def words(self) -> str:
        """What it has, for people."""
        return ", ".join([*(f"VIP {vip}" for vip in self.vips), *self.services]) or "nothing that clients reach"


def read_summaries(root: str = "") -> tuple[Summary, ...]:
    """Return the declarations of all clusters on this host."""
    return tuple(_summary(label, root) for label in labels(root))


def _summary(label: str, root: str) -> Summary:
    owner, name = owner_and_name(label)
    try:
        declared = [read_declaration(label, root)]
        addresses = dict.fromkeys(address for _interface, address in claims(declared, vips))
        return Summary(owner, name, tuple(addresses), tuple(map(service_name, claims(declared, services))))
    except LvsError as error:
        return Summary(owner, name, problem=str(error))
