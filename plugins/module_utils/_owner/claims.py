# SPDX-License-Identifier: GPL-3.0-or-later
"""What other clusters declare on a host, and what that means for a run: an error, or something that is left. Pure.

Only what identifies an item is read: a newer release may have declared options that this one does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, NamedTuple, TypeVar

from .._core.errors import InvalidValue, LvsError
from .._core.owner import Owner
from .._core.vips import parse_vip_host, parse_vips
from .declarations import Declaration

Key = TypeVar("Key")


class Claim(NamedTuple):
    """Who declares something."""

    owner: str
    name: str

    @property
    def words(self) -> str:
        """The claimant for people."""
        return f"cluster {self.owner} (declaration {self.name})"


def claims(others: Iterable[Declaration], identify: Callable[[Mapping[str, Any]], Iterable[Key]]) -> dict[Key, Claim]:
    """Return who declares each thing; `identify` yields the things of one file's content."""
    found: dict[Key, Claim] = {}
    for one in others:
        try:
            for key in identify(one.state):
                found.setdefault(key, Claim(one.owner, one.name))
        except (AttributeError, KeyError, TypeError, ValueError, LvsError) as error:
            remedy = f"run lvs.cluster.site of the cluster {one.owner} again, with a release that is as new as this one"
            rule = f"has an item that cannot be read ({error})"
            raise LvsError("The declaration", f"{one.owner}/{one.name}", rule, remedy) from None
    return found


def vips(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the device and the address of each VIP that a file declares."""
    for item in state.get("vips") or ():
        if item.get("state") != "absent":
            yield from ((str(item["interface"]), vip.address) for vip in parse_vips(item["addresses"]))


def neighbors(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the device and the address of each neighbour entry that a file declares."""
    for item in state.get("neighbors") or ():
        for one in item["neighbors"] if item.get("state") != "absent" else ():
            yield str(item["interface"]), str(parse_vip_host(one["address"], "address"))


def marks(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the marks that a file declares, as they stand in it."""
    for item in state.get("firewall") or ():
        if item.get("state") != "absent":
            yield from item.get("marks") or ()


def declared_twice(option: str, value: object, owner: Owner, claim: Claim) -> InvalidValue:
    """Return the error of something that two clusters declare on one host."""
    rule = f"is declared by cluster {owner.name}, and on this host by {claim.words} too"
    remedy = (
        f"remove it from one of the two clusters; if cluster {owner.name} was named {claim.owner} before, set "
        f"lvs_cluster_formerly: {claim.owner} for the next run"
    )
    return InvalidValue(option, value, rule, remedy)


def kept_words(what: str, claim: Claim) -> str:
    """Return the sentence about something that a run leaves, since another cluster declares it."""
    return f"{what} stays, since {claim.words} declares it on this host."
