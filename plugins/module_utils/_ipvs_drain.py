# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a server out of service without cutting its connections, and giving it its weight back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from ._errors import InvalidValue, LvsError, NotSupported
from ._ipvs_fields import ServerKey, ServiceKey
from ._ipvs_options import WantedServer, in_range
from ._ipvs_plan import (
    Drained,
    IpvsOperation,
    Step,
    Table,
    plan_server,
    show,
    simulate,
)
from ._ipvs_status import Connections
from ._ipvs_words import server_name, service_name
from ._plan import Plan

_LONGEST_WAIT = 24 * 60 * 60
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Drain(NamedTuple):
    """How a server is drained: which counts must reach 0, within how many seconds, and whether it is removed then."""

    counts: tuple[str, ...]
    seconds: int
    remove: bool


class WaitOperation(NamedTuple):
    """The wait for a server's connections to end."""

    words: str
    service: ServiceKey
    server: ServerKey
    counts: tuple[str, ...]
    seconds: int


class NotDrained(LvsError):
    """The deadline passed while there were connections."""

    def __init__(self, message: str, results: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.results = results


def parse_drain(options: Mapping[str, Any], service: ServiceKey) -> Drain:
    """Return how the options want a server drained; raise InvalidValue.

    What counts when nothing is said: the established connections; for udp and marks the others too, since IPVS counts
    every UDP flow as inactive (ip_vs_new_conn in ip_vs_conn.c).
    """
    counts = options.get("drain_connections")
    if counts is None:
        counts = ["active"] if service.protocol in ("tcp", "sctp") else ["active", "inactive"]
    seconds = options.get("drain_timeout")
    seconds = in_range("drain_timeout", 300 if seconds is None else seconds, 0, _LONGEST_WAIT)
    return Drain(tuple(name for name in Connections._fields if name in counts), seconds, bool(options["drain_remove"]))


def check_restore(options: Mapping[str, Any]) -> None:
    """Raise InvalidValue when the options that go with restore_weight contradict it."""
    if options["state"] != "present":
        raise InvalidValue("restore_weight", True, f"does not go with state {options['state']}", "use state present")
    for name in ("weight", "initial_weight"):
        if options[name] is not None:
            raise InvalidValue(name, options[name], "does not go with restore_weight", "give one of the two")


def plan_drain(
    table: Table,
    connections: Mapping[ServerKey, Connections],
    service: ServiceKey,
    server: ServerKey,
    drain: Drain,
    drained: Drained,
) -> Plan[Any]:
    """Return the way to a drained server.

    `connections` are the counts of the service's servers. Waiting is a step like others, and is there when there is
    something to wait for. Raises NotSupported for a server that is not there, and was not drained and removed before.
    """
    name = f"server {server_name(server)} of {service_name(service)}"
    state = table.get(service)
    current = state.servers.get(server) if state else None
    remembered = (service, server) in drained
    if current is None:
        if remembered:
            return Plan(show(table, [service]), show(table, [service]), results=show(table, [service]))
        raise NotSupported(f"{name} does not exist on this host, so it can't be drained; see lvs.cluster.ipvs_info.")
    operations: list[Any] = []
    if current.weight or not remembered:
        words = f"drain {name}: weight {current.weight} -> 0"
        settings = current._replace(weight=0)
        operations.append(IpvsOperation(Step.DRAIN_SERVER, service, words, None, server, settings))
    still_open = [count for count in drain.counts if getattr(connections.get(server, NONE), count)]
    if drain.counts and (current.weight or still_open):
        kinds = " and ".join(drain.counts)
        words = f"wait until {name} has no {kinds} connections (at most {drain.seconds} s)"
        operations.append(WaitOperation(words, service, server, drain.counts, drain.seconds))
    if drain.remove:
        operations.append(IpvsOperation(Step.RETIRE_SERVER, service, f"remove drained {name}", None, server))
    steps = [operation for operation in operations if isinstance(operation, IpvsOperation)]
    after = show(simulate({service: table[service]}, steps), [service])
    return Plan(show(table, [service]), after, tuple(operations), results=after)


def plan_restore(table: Table, service: ServiceKey, wanted: WantedServer, drained: Drained) -> Plan[IpvsOperation]:
    """Return the way back from a drain: the former weight, and all former settings of a server that was removed.

    Raises InvalidValue when nothing is remembered and the server has no weight.
    """
    former = drained.get((service, wanted.key))
    state = table.get(service)
    current = state.servers.get(wanted.key) if state else None
    if former is None or not former.weight:
        if former is None and current is not None and current.weight:
            return plan_server(table, service, wanted)
        raise InvalidValue(
            "restore_weight",
            True,
            f"needs a weight from before a drain, and none is remembered of server {server_name(wanted.key)} "
            f"of {service_name(service)} on this host",
            "name its weight instead",
        )
    given = {**(former._asdict() if current is None else {"weight": former.weight}), **wanted.given}
    plan = plan_server(table, service, wanted._replace(given=given))
    if current is None:
        return plan
    settings = simulate(table, plan.operations)[service].servers[wanted.key]
    words = f"give server {server_name(wanted.key)} of {service_name(service)} its weight {settings.weight} back"
    step = IpvsOperation(Step.RESTORE_SERVER, service, words, None, wanted.key, settings)
    return Plan(plan.before, plan.after, (step,), plan.results, plan.warnings)


NONE = Connections(0, 0, 0)


def wait(
    operation: WaitOperation,
    look: Callable[[], Connections | None],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Wait until the counts are 0, or the server is gone (None); return how it went.

    `progress` has one entry for each change that was seen. Raises NotDrained, with the same in its results, when the
    deadline passes.
    """
    began, next_pause = clock(), _FIRST_PAUSE
    progress: list[dict[str, Any]] = []
    while True:
        counts = (look() or NONE)._asdict()
        seconds = round(clock() - began, 1)
        if not progress or any(progress[-1][name] != counts[name] for name in counts):
            progress.append({"seconds": seconds, **counts})
        report = {"drain": {"seconds": seconds, "connections": counts, "progress": progress}}
        if not any(counts[name] for name in operation.counts):
            return report
        left = operation.seconds - (clock() - began)
        if left <= 0:
            raise NotDrained(_late(operation, counts), report)
        pause(min(next_pause, left))
        next_pause = min(next_pause * 1.5, _LONGEST_PAUSE)


def _late(operation: WaitOperation, counts: Mapping[str, int]) -> str:
    rest: Sequence[str] = [f"{counts[name]} {name}" for name in operation.counts if counts[name]]
    return (
        f"drain_timeout: after {operation.seconds} s server {server_name(operation.server)} of "
        f"{service_name(operation.service)} still has {' and '.join(rest)} connections; it keeps weight 0 and gets no "
        "new ones, so run the task again to wait longer, or end what holds them."
    )
