# SPDX-License-Identifier: GPL-3.0-or-later
"""For which packets a match holds, what it is about, and what several matches together hold for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .spans import NONE, Spans, intersect, merge, subtract

# What a match is about: the target of the opening (its address, port or type); listed clients; all clients but some;
# devices; the state that connection tracking has; TCP's flags; other things that an opening leaves free, such as a
# rate; and what is not understood.
TARGET, CLIENTS, EXCEPT, DEVICE, STATE, FLAGS, OTHER, UNKNOWN = (
    *("target", "clients", "except", "device", "state", "flags", "other", "unknown"),
)


class Held(NamedTuple):
    """For which packets a match holds: for clients of `where` (None: for all), of these for each or only perhaps.

    `listed` are the clients that a named set has now (None: all); a rule that accepts is for no others, while it is to
    be expected that one that drops will be.
    """

    where: Spans | None = None
    sure: bool = True
    about: frozenset[str] = frozenset()
    listed: Spans | None = None

    @property
    def never(self) -> bool:
        """Whether it holds for no packet."""
        return self.where == NONE


NEVER = Held(NONE)


def perhaps(*about: str) -> Held:
    """Return that a match may hold."""
    return Held(None, False, frozenset(about))


def surely(*about: str) -> Held:
    """Return that a match holds for all packets."""
    return Held(None, True, frozenset(about))


def all_of(parts: Iterable[Held]) -> Held:
    """Return for which packets all of these hold."""
    where: Spans | None = None
    listed: Spans | None = None
    sure = True
    about: set[str] = set()
    for held in parts:
        if held.never:
            return NEVER
        if held.where is not None:
            where = held.where if where is None else intersect(where, held.where)
        if held.listed is not None:
            listed = held.listed if listed is None else intersect(listed, held.listed)
        sure = sure and held.sure
        about |= held.about
    return Held(where, sure, frozenset(about), listed)


def any_of(parts: Sequence[Held]) -> Held:
    """Return for which packets one of these holds."""
    if not parts:
        return NEVER
    about = frozenset(tag for held in parts for tag in held.about)
    whole = [held for held in parts if held.where is None]
    if whole:
        return Held(None, any(held.sure for held in whole), about)
    sure = [held for held in parts if held.sure]
    return Held(merge(span for held in parts for span in held.where or ()), len(sure) == len(parts), about)


def negated(held: Held, everybody: Spans) -> Held:
    """Return for which packets a match does not hold; that is about nothing in particular."""
    about = frozenset(EXCEPT if tag in (CLIENTS, TARGET) else tag for tag in held.about)
    if held.never:
        return Held()
    if not held.sure:
        return Held(None, False, about)
    if held.where is None:
        return NEVER
    return Held(subtract(everybody, held.where), True, about)
