# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS holds and counts on this host, read for those who only look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._ipvs.client import IpvsClient
from .._ipvs.model import ServiceKey
from .._ipvs.settings import KERNEL_SYSCTLS
from .drained import read_drained
from .report import report


def read_table(keys: Sequence[ServiceKey] | None = None, client: IpvsClient | None = None) -> dict[str, Any]:
    """Return services, counters and drained servers, of the named services or of all, and timeouts and sysctls.

    Raises LvsError.
    """
    client = client or IpvsClient()
    table = client.read(keys)
    return {
        **report(table, client.status(table), read_drained()),
        "timeouts": client.timeouts()._asdict(),
        "sysctls": client.sysctls(KERNEL_SYSCTLS),
    }
