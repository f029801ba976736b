# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's values were before our first run, as a file's text: it is what state=absent gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .._core.errors import LvsError
from .._core.paths import SYSCTL_STATE
from .files import pair_of
from .model import Former, Pair, in_order

_FORMAT = 1


def dump(former: Mapping[Pair, Former]) -> str | None:
    """Return the text of the file, or None (no file) when there is nothing to remember."""
    if not former:
        return None
    entries = {pair.path: _entry(former[pair]) for pair in in_order(former)}
    return json.dumps({"format": _FORMAT, "former": entries}, indent=1) + "\n"


def _entry(known: Former) -> dict[str, object]:
    because = {"because": known.because.path} if known.because else {}
    ours = {} if known.ours is None else {"set": known.ours}
    return {"value": known.value, **because, **ours}


def load(text: str | None) -> dict[Pair, Former]:
    """Return what `text` remembers; raises LvsError when it is not what `dump` writes."""
    if text is None:
        return {}
    try:
        data = json.loads(text)
        if data["format"] != _FORMAT:
            raise ValueError(data["format"])
        former = {}
        for path, entry in data["former"].items():
            because = pair_of(entry["because"]) if "because" in entry else None
            pair = pair_of(path)
            if pair:
                ours = int(entry["set"]) if "set" in entry else None
                former[pair] = Former(int(entry["value"]), because, ours)
        return former
    except (AttributeError, KeyError, TypeError, ValueError):
        rule = "is damaged or of another version: it has the values before the first run"
        remedy = "restore the file from a backup, or remove it (state: absent then restores the kernel's defaults)"
        raise LvsError(SYSCTL_STATE, None, rule, remedy) from None
