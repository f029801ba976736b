# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose tables and rules of nftables are whose: the name at the door, and what is called by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.errors import InvalidValue
from .._core.owner import Owner, is_name

_LONGEST_NAME = 64


def parse_labels(options: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the rules of `name` and `owner` are called, and were before the owner was renamed (empty: as now).

    Raises InvalidValue for a name that can't name a table.
    """
    name, owner = str(options.get("name") or ""), Owner.from_options(options)
    if not is_name(name, _LONGEST_NAME):
        rule = "becomes part of a table's name and of comments"
        remedy = f"use at most {_LONGEST_NAME} lower-case letters, digits and hyphens"
        raise InvalidValue("name", name, rule, remedy)
    return owner.label(name), owner.former_label(name)


def owner_table(name: str) -> str:
    """Return the name of an owner's table; each address family of nftables has its own of that name."""
    return f"lvs-cluster-{name}"
