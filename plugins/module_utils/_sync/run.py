# SPDX-License-Identifier: GPL-3.0-or-later
"""One run on connection synchronisation: read, decide, apply, and again if another program interfered. No Ansible."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from .._core.errors import InvalidValue, LvsError
from .._core.plan import Plan
from .._core.run import ConcurrentChange, apply_settled
from .._ipvs.operations import DaemonOperation
from .client import SyncClient
from .model import Item, daemon_words
from .operations import SyncOperation
from .options import WantedSync
from .plan import plan_sync

_ATTEMPTS = 5


class SyncRun:
    """A request for the sync daemons and their sysctls on this host; `own` and `former` as for plan_sync."""

    def __init__(
        self,
        wanted: WantedSync,
        own: Collection[Item] = (),
        former: Collection[Item] = (),
        client: SyncClient | None = None,
    ) -> None:
        self._wanted, self._own, self._former, self._client = wanted, own, former, client or SyncClient()
        self.plan = self._decide()

    def _decide(self) -> Plan[SyncOperation]:
        plan = plan_sync(self._client.read(), self._wanted, self._own, self._former)
        for operation in plan.operations:
            if isinstance(operation, DaemonOperation) and operation.starts:
                self._refuse_mixed(operation)
                break
        return plan

    def _refuse_mixed(self, operation: DaemonOperation) -> None:
        """Raise InvalidValue where the kernel would refuse any daemon (ip_vs_genl_new_daemon in ip_vs_ctl.c)."""
        mixed = self._client.mixed_server()
        if mixed:
            service, server = mixed
            rule = f"cannot run beside server {server} of service {service}, which is of the other address family"
            remedy = "remove servers of the other family, or do without sync daemons"
            raise InvalidValue("daemons", daemon_words(operation.daemon), rule, remedy)

    def apply(self) -> None:
        """Apply the plan; raise LvsError. If another program interferes, `plan` is the whole way that was taken."""
        first, done, changes = self.plan, list[SyncOperation](), list[str]()

        def decide_again(change: ConcurrentChange) -> Plan[SyncOperation]:
            done.extend(change.done)
            changes.append(str(change))
            return self._decide()

        try:
            plan = apply_settled(first, lambda now: self._client.apply(now.operations), decide_again, _ATTEMPTS)
        except ConcurrentChange as change:
            raise _unsettled(change, [*done, *change.done]) from None
        if changes:
            why = "; ".join(changes)
            told = f"Another program changed the sync daemons during this run ({why}); they were read again."
            warnings = tuple(dict.fromkeys([*first.warnings, *plan.warnings, told]))
            plan = replace(plan, before=first.before, operations=(*done, *plan.operations), warnings=warnings)
        self.plan = plan


def _unsettled(change: ConcurrentChange, done: Collection[SyncOperation]) -> LvsError:
    rule = f"were started or stopped by another program during each of {_ATTEMPTS} attempts (last: {change})"
    error = LvsError("The sync daemons", None, rule, "stop that program, such as keepalived (lvs_sync_daemon)")
    error.results = {"operations": [step.words for step in done]}
    return error
