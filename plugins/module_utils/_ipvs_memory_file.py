# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that remembers drained servers: read, and changed by one program at a time."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Callable

from ._errors import NotPermitted
from ._files import read_bytes, remove, write_atomic

if TYPE_CHECKING:
    from ._ipvs_plan import Drained, Former, Place

MEMORY = "/var/lib/lvs-cluster/drained.json"


def read_drained(path: str = MEMORY) -> dict[Place, Former]:
    """Return the servers that were drained on this host, each with its settings from before; raise LvsError."""
    data = read_bytes(path)
    if data is None:
        return {}
    # Most directors have nothing to remember, and need not compile what reads it.
    from ._ipvs_memory import load

    return load(data.decode(errors="replace"), path)


def update_drained(change: Callable[[Drained], Drained], path: str = MEMORY) -> None:
    """Replace what is remembered by what `change` makes of it; raise LvsError."""
    from ._ipvs_memory import dump

    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except PermissionError as error:
        message = f"{directory}: no permission to write in it; run the task as root (become: true)."
        raise NotPermitted(message, error.errno or 0) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        text = dump(change(read_drained(path)))
        if text is None:
            remove(path)
        else:
            write_atomic(path, text.encode())
    finally:
        os.close(handle)
