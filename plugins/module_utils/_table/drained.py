# SPDX-License-Identifier: GPL-3.0-or-later
"""The drained servers of this director, as a run reads them."""

from __future__ import annotations

from .._core.files import read_bytes
from .._core.paths import DRAIN_STATE
from .._ipvs.model import Former, Place


def read_drained() -> dict[Place, Former]:
    """Return the servers that were drained on this host, each with its settings from before; raise LvsError."""
    if read_bytes(DRAIN_STATE) is None:
        return {}
    # Most directors have no drained server, and do not compile what reads them.
    from .._drain.file import read_drained as read

    return read()
