# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered of connection synchronisation, as a file's text.

Daemons that a cluster started are its own to stop, and sysctls get their former values back.
"""

from __future__ import annotations

import json
from typing import Any

from .._core.errors import LvsError
from .._core.paths import SYNC_STATE
from .model import Item, Memory, Numbers, shown_sysctls
from .options import WantedSync

_FORMAT = 1


def dump(memory: Memory) -> str | None:
    """Return the text of the file, or None (no file) when there is nothing to remember."""
    if not memory.former and not memory.owners:
        return None
    owners = {name: [item.options() for item in memory.owners[name]] for name in sorted(memory.owners)}
    return json.dumps({"format": _FORMAT, "former": shown_sysctls(memory.former), "owners": owners}, indent=1) + "\n"


def load(text: str | bytes | None) -> Memory:
    """Return what a text remembers; raise LvsError when it is not what `dump` writes."""
    if text is None:
        return Memory()
    try:
        data = json.loads(text)
        if data["format"] != _FORMAT:
            raise ValueError(data["format"])
        owners = {str(name): tuple(map(_item, items)) for name, items in data["owners"].items()}
        return Memory(_former(data["former"]), owners)
    except (AttributeError, KeyError, TypeError, ValueError, LvsError):
        rule = "is damaged or of another version: it says which sync daemons are those of which cluster"
        remedy = "restore the file from a backup, or remove it (what runs then counts as that of others)"
        raise LvsError(SYNC_STATE, None, rule, remedy) from None


def _item(options: Any) -> Item:
    return WantedSync.from_options({**options, "state": "absent"}).item


def _former(values: Any) -> dict[str, Numbers]:
    return dict(_item({"sysctls": values}).sysctls)
