# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module is about to do, as data: the same object is rehearsal, diff and the real thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar


class Operation(Protocol):
    """One step that changes the host; each client defines what its own steps carry."""

    @property
    def words(self) -> str:
        """The step for people, such as ``add server 192.0.2.4:80 to tcp 192.0.2.30:80``."""


Work_co = TypeVar("Work_co", bound=Operation, covariant=True)


# Plans are not shown, and to make a method for that takes time whenever a module is imported.
@dataclass(frozen=True, repr=False)
class Plan(Generic[Work_co]):
    """The way from what is to what is wanted.

    `before` and `after` are the same shape (JSON-able, in the vocabulary of the options) and become the diff;
    `operations` are in the order in which they must be done, and none of them means that nothing changes;
    `results` are further values that the module returns; `warnings` are sentences for the person who runs it.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    operations: tuple[Work_co, ...] = ()
    results: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.operations)

    @property
    def words(self) -> list[str]:
        """The operations in words, in their order."""
        return [operation.words for operation in self.operations]
