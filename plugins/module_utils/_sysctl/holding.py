# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster declares which values on a host: no run changes what another cluster declares, or gives it back.

Values of which nobody says whose they are, such as those of a release before clusters had names, are of the cluster
`default`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from .._core.errors import ErrorGroup, InvalidValue
from .._core.owner import DEFAULT_OWNER, Owner
from .files import number
from .model import Facts, Holders, Pair, Request, in_order


class Holding(NamedTuple):
    """What each cluster declares, as one of them sees it; with a former name its values are its own."""

    owner: Owner
    holders: Holders

    @classmethod
    def read(cls, owner: Owner, lines: Mapping[Pair, str], facts: Facts) -> Holding:
        """Return what is declared; `lines` are those of the drop-in."""
        holders = {name: dict(held) for name, held in facts.holders.items()}
        known = {pair for held in holders.values() for pair in held}
        values = {pair: number(text) for pair, text in lines.items()}
        ours = [*lines, *(pair for pair, former in facts.former.items() if former.because is None)]
        nobodys = {pair: values.get(pair) for pair in ours if pair not in known}
        held = {pair: facts.values.get(pair) if value is None else value for pair, value in nobodys.items()}
        unclaimed = {pair: value for pair, value in held.items() if value is not None}
        if unclaimed:
            holders[DEFAULT_OWNER] = {**holders.get(DEFAULT_OWNER, {}), **unclaimed}
        return cls(owner, holders)

    @property
    def own(self) -> dict[Pair, int]:
        """What the owner declares, also by its former name."""
        return {pair: value for name in (self.owner.former, self.owner.name) for pair, value in self._of(name).items()}

    @property
    def of_others(self) -> dict[Pair, int]:
        """What other clusters declare."""
        names = [name for name in self.holders if not self.owner.owns(name)]
        return {pair: value for name in names for pair, value in self._of(name).items()}

    def _of(self, name: str) -> Mapping[Pair, int]:
        return self.holders.get(name, {})

    def declaring(self, wanted: Mapping[Pair, int]) -> Holders:
        """Return what is declared once the owner declares these too."""
        return self._with({**self.own, **wanted})

    def without(self, leaving: Collection[Pair]) -> Holders:
        """Return what is declared once the owner declares these no longer."""
        return self._with({pair: value for pair, value in self.own.items() if pair not in leaving})

    def _with(self, own: Mapping[Pair, int]) -> Holders:
        others = {name: held for name, held in self.holders.items() if not self.owner.owns(name)}
        return {name: held for name, held in {**others, self.owner.name: own}.items() if held}

    def unclaimed(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Return those of the pairs that no other cluster declares."""
        others = self.of_others
        return [pair for pair in pairs if pair not in others]

    def settle(self, request: Request, wanted: Mapping[Pair, int]) -> dict[Pair, int]:
        """Return what is wanted, with the values of other clusters where they do what is asked for.

        Raises an ErrorGroup for values that other clusters declare differently.
        """
        errors = []
        others = self.of_others
        settled = {**wanted}
        for pair in in_order(wanted):
            if pair in others and request.meets(pair.key, others[pair]):
                settled[pair] = others[pair]
            elif pair in others and others[pair] != wanted[pair]:
                rule = f"is declared as {others[pair]} by {self._words_of(pair)} on this host"
                remedy = f"write {pair.key}: {others[pair]} in this cluster too, or the value of this one in the other"
                errors.append(InvalidValue(pair.path, wanted[pair], rule, remedy))
        if errors:
            raise ErrorGroup(errors)
        return settled

    def words(self, pairs: Iterable[Pair]) -> list[str]:
        """Return a sentence for each value that stays since another cluster declares it."""
        others = self.of_others
        return [
            f"{pair.path} = {others[pair]} stays, since {self._words_of(pair)} declares it on this host."
            for pair in pairs
            if pair in others
        ]

    def _words_of(self, pair: Pair) -> str:
        names = [name for name in self.holders if not self.owner.owns(name) and pair in self._of(name)]
        return f"cluster {' and cluster '.join(sorted(names))}"
