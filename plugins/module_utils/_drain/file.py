# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that remembers drained servers: read, and changed by one program at a time."""

from __future__ import annotations

import fcntl
import os
from typing import Callable

from .._core.files import not_permitted, read_bytes, remove, write_atomic
from .._core.paths import DRAIN_STATE
from .._ipvs.model import Drained, Former, Place
from .state import dump, load


def read_drained(path: str = DRAIN_STATE) -> dict[Place, Former]:
    """Return the servers that were drained on this host, each with its settings from before; raise LvsError."""
    data = read_bytes(path)
    if data is None:
        return {}
    return load(data.decode(errors="replace"), path)


def update_drained(change: Callable[[Drained], Drained], path: str = DRAIN_STATE) -> None:
    """Replace what is remembered by what `change` makes of it; raise LvsError."""
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o755, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY)
    except PermissionError as error:
        raise not_permitted("written", directory, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        text = dump(change(read_drained(path)))
        if text is None:
            remove(path)
        else:
            write_atomic(path, text.encode())
    finally:
        os.close(handle)
