# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a variable of two hosts must have one value, from its templates and what these refer to. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, TemplateError, nodes

_MISSING = object()
# With these a template can get at variables that it does not name.
_INDIRECT = frozenset(("lookup", "query", "q", "vars", "varnames"))


class Comparison:
    """Compares variables of hosts, many of which share one value: each value is searched for templates once."""

    def __init__(self) -> None:
        self._searched: dict[int, tuple[Any, frozenset[str]]] = {}

    def is_alike(self, name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Return whether a variable, and all that its templates refer to, are written alike in both hosts' variables.

        If false, the values can still be equal.
        """
        seen, left = {name}, [name]
        while left:
            each = left.pop()
            first, second = one.get(each, _MISSING), other.get(each, _MISSING)
            if first is not second and first != second:
                return False
            names = self._names(first)
            if names & _INDIRECT:
                return False
            left += names - seen
            seen |= names
        return True

    def _names(self, value: Any) -> frozenset[str]:
        if isinstance(value, (int, type(None))) or value is _MISSING:
            return frozenset()
        # The value is kept, so that no other one gets its identity.
        if id(value) not in self._searched:
            found = frozenset(name for text in _templates(value) for name in references(text))
            self._searched[id(value)] = (value, found)
        return self._searched[id(value)][1]


def _templates(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield str(value)
    elif isinstance(value, Mapping):
        for part in (*value, *value.values()):
            yield from _templates(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _templates(part)


@functools.lru_cache(maxsize=1024)
def references(text: str) -> frozenset[str]:
    """Return the names that a template refers to; one that cannot be parsed refers to anything."""
    try:
        tree = Environment(autoescape=False).parse(text)  # nothing is rendered
    except TemplateError:
        return _INDIRECT
    return frozenset(node.name for node in tree.find_all(nodes.Name))
