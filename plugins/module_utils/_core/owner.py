# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster that a declaration belongs to: its name, and what is called by it.

A host can be in several clusters that are kept from several inventories. Files, units, tables and rules of the cluster
`default` have the names that they had before clusters had names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import InvalidValue

DEFAULT_OWNER = "default"
LONGEST_OWNER = 32
OWNER_OPTIONS: dict[str, Any] = {
    "owner": {"type": "str", "default": DEFAULT_OWNER},
    "former_owner": {"type": "str"},
}
# A part of a unit's name, of comments and of tables; a dot separates the owner from the rest, so it has none.
_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"


class Owner(NamedTuple):
    """A cluster's name, and the one that it had before while it is being renamed (empty: none)."""

    name: str = DEFAULT_OWNER
    former: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Owner:
        """Return the owner that a module's options name; raise InvalidValue."""
        given, former = options.get("owner"), options.get("former_owner") or ""
        name = DEFAULT_OWNER if given in (None, DEFAULT_OWNER) else parse_owner_name(given, "owner")
        if former and parse_owner_name(former, "former_owner") == name:
            raise InvalidValue("former_owner", former, "is the present name of the owner", "leave it out")
        return cls(name, former)

    def owns(self, name: str) -> bool:
        """Return whether the cluster has, or had, this name."""
        return name in (self.name, self.former or self.name)

    def label(self, name: str) -> str:
        """Return what something of this name is called on a host; each pair of owner and name has its own."""
        return owned_name(self.name, name)

    def former_label(self, name: str) -> str:
        """Return what something of this name was called before the cluster was renamed; empty if it was not."""
        return owned_name(self.former, name) if self.former else ""


def is_name(text: str, longest: int) -> bool:
    """Return whether a text may be part of a unit's and a table's name."""
    return bool(re.fullmatch(_NAME, text)) and len(text) <= longest


def parse_owner_name(value: object, option: str) -> str:
    """Return a cluster's name; raise InvalidValue for one that cannot be part of other names."""
    name = str(value)
    if not is_name(name, LONGEST_OWNER):
        rule = "cannot be part of the names of units and tables"
        remedy = (
            f"use at most {LONGEST_OWNER} lower-case letters, digits and hyphens, with a letter or digit at both ends"
        )
        raise InvalidValue(option, name, rule, remedy)
    return name


def owned_name(owner: str, name: str) -> str:
    """Return what something of an owner is called on a host."""
    return name if owner == DEFAULT_OWNER else f"{owner}.{name}"


def owner_and_name(label: str) -> tuple[str, str]:
    """Return the owner and the name that `owned_name` made a label of."""
    owner, dot, name = label.partition(".")
    return (owner, name) if dot else (DEFAULT_OWNER, label)
