# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS holds and counts on this host, read for those who only look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .client import IpvsClient
from .drain_file import read_drained
from .model import ServiceKey
from .report import report
from .settings import KERNEL_SYSCTLS


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
