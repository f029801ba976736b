# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS holds and counts on this host, read for those who only look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._ipvs_client import IpvsClient
from ._ipvs_fields import ServiceKey
from ._ipvs_memory_file import read_drained
from ._ipvs_report import report
from ._ipvs_settings import KERNEL_SYSCTLS


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
