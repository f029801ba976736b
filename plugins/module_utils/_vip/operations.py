# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change devices and addresses of a host, and what each makes of them."""

from __future__ import annotations

from typing import NamedTuple, Union

from .._rtnetlink.model import Link
from .model import CurrentVips, Held


class AddLink(NamedTuple):
    """Create a device."""

    interface: str
    kind: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"create {self.kind} device {self.interface}"


class RaiseLink(NamedTuple):
    """Bring a device up."""

    interface: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"bring {self.interface} up"


class LowerLink(NamedTuple):
    """Take a device down."""

    interface: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"take {self.interface} down"


class RemoveLink(NamedTuple):
    """Remove a device."""

    interface: str
    kind: str

    @property
    def words(self) -> str:
        """The step for people."""
        return f"remove {self.kind} device {self.interface}"


class AddAddress(NamedTuple):
    """Add an address."""

    held: Held

    @property
    def words(self) -> str:
        """The step for people."""
        label = "" if self.held.label in ("", self.held.interface) else f", label {self.held.label}"
        nature = "not used as a source" if self.held.ipv6 else f"scope {self.held.scope}"
        return f"add {self.held.cidr} to {self.held.interface} ({nature}{label})"


class SettleAddress(NamedTuple):
    """Change an IPv6 address in place: no source of the host's own traffic, no route of its own."""

    held: Held

    @property
    def words(self) -> str:
        """The step for people."""
        return f"change {self.held.cidr} on {self.held.interface}: not used as a source"


class RemoveAddress(NamedTuple):
    """Remove an address; `keep` are the secondaries that must not fall with it.

    `promote` asks to switch promote_secondaries on for the moment of the removal.
    """

    held: Held
    keep: tuple[str, ...] = ()
    promote: bool = False

    @property
    def words(self) -> str:
        """The step for people."""
        kept = f", keeping {', '.join(self.keep)}" if self.keep else ""
        return f"remove {self.held.cidr} from {self.held.interface}{kept}"


class Announce(NamedTuple):
    """Tell the segment who has the addresses now; `interval` is in seconds."""

    interface: str
    addresses: tuple[str, ...]
    times: int
    interval: float

    @property
    def words(self) -> str:
        """The step for people."""
        often = "once" if self.times == 1 else f"{self.times} times"
        return f"announce {', '.join(self.addresses)} on {self.interface} {often}"


VipOperation = Union[AddLink, RaiseLink, LowerLink, RemoveLink, AddAddress, SettleAddress, RemoveAddress, Announce]


def simulate(current: CurrentVips, operation: VipOperation) -> CurrentVips:
    """Return what the kernel makes of `current` by one step."""
    links, held = dict(current.links), list(current.held)
    if isinstance(operation, AddLink):
        links[operation.interface] = Link(operation.interface, operation.kind, up=False, arp=False)
    elif isinstance(operation, (RaiseLink, LowerLink)):
        links[operation.interface] = links[operation.interface]._replace(up=isinstance(operation, RaiseLink))
    elif isinstance(operation, RemoveLink):
        del links[operation.interface]
        held = [one for one in held if one.interface != operation.interface]
    elif isinstance(operation, AddAddress):
        new = operation.held
        primaries = [one for one in held if one.shares_network(new) and not one.secondary]
        held.append(new._replace(secondary=bool(primaries)))
    elif isinstance(operation, SettleAddress):
        held = [operation.held if _same(one, operation.held) else one for one in held]
    elif isinstance(operation, RemoveAddress):
        held = _without(held, operation.held)
    return CurrentVips(links, tuple(held))


def _without(held: list[Held], gone: Held) -> list[Held]:
    rest = [one for one in held if not _same(one, gone)]
    if not gone.secondary:
        # The kernel promotes the first one; the others become its secondaries.
        heir = next((one for one in rest if one.secondary and one.shares_network(gone)), None)
        rest = [one._replace(secondary=False) if one is heir else one for one in rest]
    return rest


def _same(one: Held, other: Held) -> bool:
    return (one.interface, one.address, one.prefix, one.peer) == (
        other.interface,
        other.address,
        other.prefix,
        other.peer,
    )
