# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IPVS modules share: parse, read the named services, decide, apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ._ipvs_client import IpvsClient, check_scheduler
from ._ipvs_fields import ServiceKey
from ._ipvs_plan import IpvsOperation, Table
from ._plan import Plan
from ._runner import run

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class Request(NamedTuple):
    """The services that a run is about (None: all of the host), and how it decides once it has seen them."""

    keys: Sequence[ServiceKey] | None
    decide: Callable[[Table], Plan[IpvsOperation]]


def run_ipvs(module: AnsibleModule, parse: Callable[[Mapping[str, Any]], Request]) -> None:
    """Carry one IPVS module through, and exit; what can be refused without the kernel is refused before it is asked."""
    client: IpvsClient | None = None

    def make_plan() -> Plan[IpvsOperation]:
        nonlocal client
        request = parse(module.params)
        client = IpvsClient()
        return checked(request.decide(client.read(request.keys)))

    def apply(operations: Sequence[IpvsOperation]) -> None:
        assert client is not None
        client.apply(operations)

    run(module, make_plan, apply)


def checked(plan: Plan[IpvsOperation]) -> Plan[IpvsOperation]:
    """Return the plan when the kernel can have its schedulers, so that check mode refuses what a real run would."""
    for operation in plan.operations:
        if operation.service_settings is not None:
            check_scheduler(operation.service_settings.scheduler)
    return plan
