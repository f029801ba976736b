# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel's values were before our first run, as a file's text: it is what state=absent gives back.

The file also says which cluster declares which values. Releases before 1.1 wrote and read it without that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from .._core.errors import LvsError
from .._core.paths import SYSCTL_STATE
from .files import pair_of
from .model import Former, Holders, Pair, in_order

_FORMAT = 1


def dump(former: Mapping[Pair, Former], holders: Holders = MappingProxyType({})) -> str | None:
    """Return the text of the file, or None (no file) when there is nothing to remember."""
    if not former and not any(holders.values()):
        return None
    entries = {pair.path: _entry(former[pair]) for pair in in_order(former)}
    owners = {
        name: {pair.path: held[pair] for pair in in_order(held)} for name, held in sorted(holders.items()) if held
    }
    return json.dumps({"format": _FORMAT, "former": entries, **({"owners": owners} if owners else {})}, indent=1) + "\n"


def _entry(known: Former) -> dict[str, object]:
    because = {"because": known.because.path} if known.because else {}
    ours = {} if known.ours is None else {"set": known.ours}
    return {"value": known.value, **because, **ours}


def load(text: str | None) -> dict[Pair, Former]:
    """Return what `text` remembers; raises LvsError when it is not what `dump` writes."""
    return load_all(text)[0]


def load_all(text: str | None) -> tuple[dict[Pair, Former], Holders]:
    """Return the values from before, and what clusters declare; raises LvsError when it is not what `dump` writes."""
    if text is None:
        return {}, {}
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
        owners = data.get("owners", {}).items()
        holders = {
            name: {pair: int(value) for path, value in held.items() if (pair := pair_of(path))} for name, held in owners
        }
        return former, holders
    except (AttributeError, KeyError, TypeError, ValueError):
        rule = "is damaged or of another version: it has the values before the first run"
        remedy = "restore the file from a backup, or remove it (state: absent then restores the kernel's defaults)"
        raise LvsError(SYSCTL_STATE, None, rule, remedy) from None
