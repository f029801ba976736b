# SPDX-License-Identifier: GPL-3.0-or-later
"""From the sync daemons and sysctls that are to those that are wanted: which steps, in which order.

A daemon cannot be changed. One that is replaced is stopped and started in one go, after those that are only missing
were started and before those that go are stopped. `backup_only` stops this director while a backup daemon runs, so it
is lifted before the daemons change, and set after.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .._core.errors import InvalidValue, NotSupported
from .._core.plan import Plan
from .._ipvs.model import MASTER, Daemon
from .._ipvs.operations import DaemonOperation
from .._sysctl.value import words
from .model import (
    BACKUP_ONLY,
    KERNEL_SYSCTLS,
    REFRESH_PERIOD,
    STATES,
    THRESHOLD,
    Item,
    Memory,
    Numbers,
    SyncState,
    daemon_words,
    default_length,
    identity,
    meets,
    shown_daemon,
    shown_numbers,
    shown_sysctls,
)
from .operations import MemoryOperation, SyncOperation, SysctlOperation, memory_operation, simulate, sysctl_operation
from .options import WantedSync, check_backup_only


def plan_sync(
    state: SyncState, wanted: WantedSync, own: Collection[Item] = (), former: Collection[Item] = ()
) -> Plan[SyncOperation]:
    """Return the way from `state` to what is wanted.

    `own` is what the owner declares in files of boot_restore, and `former` what it declared there; with what is
    remembered of its runs they tell what is the owner's own to stop and to give back. Raises InvalidValue for what this
    host cannot have, NotSupported for a sysctl that its kernel lacks.
    """
    return _Planner(state, wanted, own, former).plan()


class _Planner:
    """Gathers the steps of one run, and what there is to say about things that stay as they are."""

    def __init__(self, state: SyncState, wanted: WantedSync, own: Collection[Item], former: Collection[Item]) -> None:
        self.state, self.wanted, self.filed = state, wanted, own
        self.remembered = state.memory.items_of((wanted.owner.former, wanted.owner.name))
        self.own = [*self.remembered, *own, *former]
        self.warnings: list[str] = []
        self.sysctls: list[SysctlOperation] = []
        self.daemons: list[DaemonOperation] = []

    def plan(self) -> Plan[SyncOperation]:
        """Return the plan."""
        if self.wanted.present:
            self._present_daemons()
            self._present_sysctls()
        else:
            self._absent_daemons()
            self._absent_sysctls()
        noted, final = self._memories()
        later = [one for one in self.sysctls if one.name == BACKUP_ONLY and any(one.value)]
        sooner = [one for one in self.sysctls if one not in later]
        # What is forgotten is forgotten last, so that a run that has to heal this one still knows it.
        operations: tuple[SyncOperation, ...] = (*noted, *sooner, *self.daemons, *later, *final)
        after = self.state
        for operation in operations:
            after = simulate(after, operation)
        if self.wanted.present and (self.daemons or self.sysctls):
            check_backup_only(len(after.daemons), after.sysctls)
        self.warnings += _unsent(after) if self.wanted.present else []
        before, then = _shown(self.state), _shown(after)
        results = {name: then[name] for name in ("daemons", "sysctls")}
        return Plan(before, then, operations, results, tuple(dict.fromkeys(self.warnings)))

    def _present_daemons(self) -> None:
        if self.wanted.daemons is None:
            return
        wanted = {daemon.state: daemon for daemon in self.wanted.daemons}
        for state in STATES:
            daemon, running = wanted.get(state), self.state.daemons.get(state)
            if daemon and not running:
                self._start(daemon)
        for state in STATES:
            daemon, running = wanted.get(state), self.state.daemons.get(state)
            if daemon and running and not meets(running, daemon):
                self._refuse_foreign(running, daemon)
                self._stop(running)
                self._start(daemon)
        for state in STATES:
            running = self.state.daemons.get(state)
            goes = self.wanted.purge or (running and self._is_own(running) and not self.wanted.boot)
            if running and state not in wanted and goes:
                self._leave_or_stop(running)

    def _absent_daemons(self) -> None:
        for running in self.state.daemons.values():
            if self._takes_all:
                if self._is_own(running):
                    self._leave_or_stop(running)
                continue
            for daemon in self.wanted.daemons or ():
                if identity(daemon) == identity(running):
                    self._leave_or_stop(running)
                elif daemon.state == running.state:
                    self.warnings.append(f"Sync daemon {daemon_words(running)} stays, since it is not the listed one.")

    @property
    def _takes_all(self) -> bool:
        """Whether all that is the owner's own goes, since nothing is named."""
        return not self.wanted.present and self.wanted.daemons is None and self.wanted.sysctls is None

    def _is_own(self, daemon: Daemon) -> bool:
        return any(meets(daemon, known) for item in self.own for known in item.daemons)

    def _refuse_foreign(self, running: Daemon, daemon: Daemon) -> None:
        """Raise InvalidValue for a daemon of others that prevents one of the wanted daemons."""
        if self.wanted.purge or self._is_own(running):
            return
        name = self.wanted.owner.name
        rule = f"cannot be started: {daemon_words(running)} runs already, and cluster {name} did not start it"
        remedy = f"declare that one, stop it (`ipvsadm --stop-daemon {running.state}`), or set purge: true"
        raise InvalidValue("daemons", daemon_words(daemon), rule, remedy)

    def _start(self, daemon: Daemon) -> None:
        mtu = self.state.mtus.get(daemon.interface)
        if mtu is None:
            existing = ", ".join(sorted(self.state.mtus)) or "none at all"
            rule = f"does not exist on this host, which has {existing}"
            raise InvalidValue("interface", daemon.interface, rule, "name one of these").of(f"daemon {daemon.state}")
        length = daemon.max_length or default_length(daemon.state, daemon.group, mtu)
        whole = daemon._replace(max_length=length)
        self.daemons.append(DaemonOperation(True, whole, f"start sync daemon {daemon_words(whole)}"))

    def _stop(self, daemon: Daemon) -> None:
        self.daemons.append(DaemonOperation(False, daemon, f"stop sync daemon {daemon_words(daemon)}"))

    def _leave_or_stop(self, running: Daemon) -> None:
        kept = self.wanted.kept_daemons.get(identity(running))
        if kept:
            self.warnings.append(kept)
        else:
            self._stop(running)

    def _present_sysctls(self) -> None:
        if self.wanted.sysctls is None:
            return
        for name in KERNEL_SYSCTLS:
            if name in self.wanted.sysctls:
                self._set(name, self.wanted.sysctls[name])
            elif self._own_values(name) and not self.wanted.boot:
                self._give_back(name)

    def _set(self, name: str, value: Numbers) -> None:
        current = self.state.sysctls.get(name)
        if current is None:
            rule = f"is not possible: this kernel has no net.ipv4.vs.{name}"
            raise NotSupported(f"sysctls.{name}", shown_numbers(name, value), rule, "leave it out")
        if current != value:
            self.sysctls.append(sysctl_operation("set", name, current, value))

    def _absent_sysctls(self) -> None:
        listed = self.wanted.sysctls or {}
        for name in KERNEL_SYSCTLS:
            if name in listed or (self._takes_all and self._own_values(name)):
                self._give_back(name)

    def _own_values(self, name: str) -> list[Numbers]:
        return [item.sysctls[name] for item in self.own if name in item.sysctls]

    def _give_back(self, name: str) -> None:
        """Set the value from before our runs, unless others changed it since or another cluster declares it."""
        current = self.state.sysctls.get(name)
        known = self.state.memory.former.get(name)
        former = KERNEL_SYSCTLS[name] if known is None else known
        if name in self.wanted.kept_sysctls:
            self.warnings.append(self.wanted.kept_sysctls[name])
        elif current is None or current == former or not self._own_values(name):
            return
        elif current in self._own_values(name):
            reason = ", the kernel's default, as the former value is not known" if known is None else ""
            self.sysctls.append(sysctl_operation("give back", name, current, former, reason))
        else:
            self.warnings.append(f"net.ipv4.vs.{name} stays {words(current)}, since another program changed it.")

    def _memories(self) -> tuple[list[MemoryOperation], list[MemoryOperation]]:
        """Return the steps that note, before anything is changed, what was and what is to be, and those that forget."""
        memory = self.state.memory
        if self.wanted.boot:
            return [], []
        item = self._next_item()
        left = [] if item == Item() else [item]
        both = [*self.remembered, *(one for one in left if self.wanted.present and one not in self.remembered)]
        noted = self._memory(both, {**self._former_now(), **memory.former})
        others = [items for owner, items in memory.owners.items() if not self.wanted.owner.owns(owner)]
        kept = _named([*left, *self.filed, *(item for items in others for item in items)])
        kept |= set(self.wanted.kept_sysctls)
        final = self._memory(left, {name: value for name, value in noted.former.items() if name in kept})
        first = noted if self.sysctls or self.daemons else final
        steps = [memory_operation(first)] if first != memory else []
        return steps, [memory_operation(final)] if final != first else []

    def _memory(self, own: Collection[Item], former: Mapping[str, Numbers]) -> Memory:
        owner = self.wanted.owner
        others = {name: items for name, items in self.state.memory.owners.items() if not owner.owns(name)}
        return Memory(former, {**others, **({owner.name: tuple(own)} if own else {})})

    def _former_now(self) -> dict[str, Numbers]:
        """Return the values of now that are from before our runs: no cluster declares them."""
        asked = self.wanted.sysctls or {} if self.wanted.present else {}
        free = [name for name in asked if name not in self.wanted.kept_sysctls]
        return {
            name: self.state.sysctls[name] for name in free if self.state.sysctls[name] not in self._own_values(name)
        }

    def _next_item(self) -> Item:
        """Return what the owner declares once the run is done."""
        wanted = self.wanted
        # Of several items, which a run that ended early leaves, the last is the one that it was about.
        latest = {daemon.state: daemon for item in self.remembered for daemon in item.daemons}
        daemons = tuple(latest[state] for state in reversed(STATES) if state in latest)
        sysctls = {name: value for item in self.remembered for name, value in item.sysctls.items()}
        if wanted.present:
            kept = sysctls if wanted.sysctls is None else wanted.sysctls
            return Item(daemons if wanted.daemons is None else wanted.daemons, kept)
        if self._takes_all:
            return Item()
        gone = set(map(identity, wanted.daemons or ()))
        return Item(
            tuple(daemon for daemon in daemons if identity(daemon) not in gone),
            {name: value for name, value in sysctls.items() if name not in (wanted.sysctls or {})},
        )


def _unsent(state: SyncState) -> list[str]:
    """Return a warning where the kernel sends no established connection (ip_vs_sync_conn_needed in ip_vs_sync.c)."""
    silent = state.sysctls.get(THRESHOLD) == (0, 0) and state.sysctls.get(REFRESH_PERIOD) == (0,)
    if MASTER not in state.daemons or not silent:
        return []
    return [
        f"{THRESHOLD} 0 0 with {REFRESH_PERIOD} 0 sends no connection before it ends: set {REFRESH_PERIOD}, such as 10."
    ]


def _named(items: Iterable[Item]) -> set[str]:
    return {name for item in items for name in item.sysctls}


def _shown(state: SyncState) -> dict[str, Any]:
    """Return daemons, sysctls and what is remembered, as options."""
    memory = state.memory
    return {
        "daemons": [shown_daemon(state.daemons[one]) for one in reversed(STATES) if one in state.daemons],
        "sysctls": shown_sysctls(state.sysctls),
        "remembered": {
            "former": shown_sysctls(memory.former),
            "owners": {owner: [item.options() for item in items] for owner, items in sorted(memory.owners.items())},
        },
    }
