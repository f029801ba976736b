# SPDX-License-Identifier: GPL-3.0-or-later
"""What clusters declare of sync daemons and their sysctls, in files of boot_restore and by runs of ipvs_sync."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .._core.errors import LvsError
from .._core.files import read_bytes
from .._core.owner import Owner, owner_and_name
from .._core.paths import SYNC_STATE
from .._sync.model import Item
from .._sync.options import WantedSync
from .._sync.saved import load
from .declarations import Declaration, labels, read_declaration, read_others

# What a run of ipvs_sync declared, without a declaration of boot_restore, counts as a declaration of this name.
_RUN = "ipvs_sync"


def read_sync_others(owner: Owner, root: str = "") -> list[Declaration]:
    """Return what other owners declare, in files of boot_restore and by runs of ipvs_sync; raise LvsError."""
    memory = load(read_bytes(root + SYNC_STATE))
    runs = [(name, items) for name, items in memory.owners.items() if not owner.owns(name)]
    remembered = [Declaration(name, _RUN, {"sync": [item.options() for item in items]}) for name, items in runs]
    return [*read_others(owner, root), *remembered]


def read_own_items(owner: Owner, root: str = "") -> list[Item]:
    """Return what files of boot_restore say of this owner, also as former; one that can't be read says nothing."""
    found: list[Item] = []
    for label in labels(root):
        if owner.owns(owner_and_name(label)[0]):
            with suppress(LvsError):
                found += items_of(read_declaration(label, root).state)
    return found


def items_of(state: Mapping[str, Any]) -> list[Item]:
    """Return what a file declares, and what it remembers of earlier declarations."""
    former = (state.get("former") or {}).get("sync") or ()
    return [WantedSync.from_options({**item, "state": "absent"}).item for item in (*(state.get("sync") or ()), *former)]
