# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose tables and rules of nftables are whose: the name at the door, and what is called by it."""

from __future__ import annotations

import re

from .._core.errors import InvalidValue

_LONGEST_NAME = 64


def parse_owner(value: object) -> str:
    """Return the owner's name; raise InvalidValue for one that can't name a table."""
    name = str(value or "")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) or len(name) > _LONGEST_NAME:
        rule = "becomes part of a table's name and of comments"
        remedy = f"use at most {_LONGEST_NAME} lower-case letters, digits and hyphens"
        raise InvalidValue("name", name, rule, remedy)
    return name


def owner_table(name: str) -> str:
    """Return the name of an owner's table; each address family of nftables has its own of that name."""
    return f"lvs-cluster-{name}"
