# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS holds and counts, laid out for those who read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._drain.state import moment
from .._ipvs.describe import ordered, server_name, service_name
from .._ipvs.model import Counters, Drained, ServiceKey, ServiceStatus, Table
from .._ipvs.plan import show

_PER_SECOND = "_per_second"


def report(table: Table, status: Mapping[ServiceKey, ServiceStatus], drained: Drained) -> dict[str, Any]:
    """Return services as options, their counters in the same order, and the drained servers.

    A service or server that vanished between the two readings is in neither list.
    """
    kept = {
        key: state._replace(servers={one: state.servers[one] for one in state.servers if one in status[key].servers})
        for key, state in table.items()
        if key in status
    }
    return {
        **show(kept, kept),
        "counters": [
            {
                "service": service_name(key),
                **_counted(status[key].counters),
                "real_servers": [
                    {
                        "server": server_name(server),
                        "connections": status[key].servers[server].connections._asdict(),
                        **_counted(status[key].servers[server].counters),
                    }
                    for server in ordered(state.servers)
                ],
            }
            for key, state in kept.items()
        ],
        "drained": [
            {
                "service": service_name(service),
                "server": server_name(server),
                "former_weight": former.settings.weight,
                "since": moment(former.since),
                "declared": former.declared,
            }
            for (service, server), former in sorted(drained.items())
        ],
    }


def _counted(counters: Counters) -> dict[str, Any]:
    values = counters._asdict()
    return {
        "totals": {name: value for name, value in values.items() if not name.endswith(_PER_SECOND)},
        "rates": {name[: -len(_PER_SECOND)]: value for name, value in values.items() if name.endswith(_PER_SECOND)},
    }
