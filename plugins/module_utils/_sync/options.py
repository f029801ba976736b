# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ipvs_sync: parsed, checked and made canonical at the door."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .._core.errors import InvalidValue
from .._core.options import choice, given, in_range, parse_interface, parse_mappings, switch
from .._core.owner import OWNER_OPTIONS, Owner
from .._ipvs.model import BACKUP, MASTER, Daemon
from .model import (
    BACKUP_ONLY,
    GROUP,
    KERNEL_SYSCTLS,
    PORT,
    REFRESH_PERIOD,
    THRESHOLD,
    TTL,
    Item,
    Numbers,
    identity,
    length_limits,
)

DAEMON_OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "required": True, "choices": [MASTER, BACKUP]},
    "interface": {"type": "str", "required": True},
    "sync_id": {"type": "int", "required": True},
    "max_length": {"type": "int"},
    "group": {"type": "str", "default": GROUP},
    "port": {"type": "int", "default": PORT},
    "ttl": {"type": "int", "default": TTL},
}
SYSCTL_OPTIONS: dict[str, Any] = {
    name: {"type": "list", "elements": "int"} if name == THRESHOLD else {"type": "int"} for name in KERNEL_SYSCTLS
}
SYNC_OPTIONS: dict[str, Any] = {
    "daemons": {"type": "list", "elements": "dict", "options": DAEMON_OPTIONS},
    "sysctls": {"type": "dict", "options": SYSCTL_OPTIONS},
    "purge": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **OWNER_OPTIONS,
}

# A message has one byte for it (struct ip_vs_sync_mesg in ip_vs_sync.c), though the kernel takes 32 bits.
_HIGHEST_ID = 255
# The kernel counts the period in clock ticks, of which there are 1000 a second at most, in 31 bits.
_LONGEST_PERIOD = ((1 << 31) - 1) // 1000
_INT_MAX = (1 << 31) - 1
# proc_do_sync_threshold and the bounds in vs_vars (ip_vs_ctl.c); the others are switches.
_HIGHEST = {REFRESH_PERIOD: _LONGEST_PERIOD, "sync_retries": 3}
_EXAMPLE = "list each as state: master, interface: eth0 and sync_id: 7"
_NOTHING: Mapping[Any, str] = MappingProxyType({})


class WantedSync(NamedTuple):
    """What a run wants: the sync daemons, and the sysctls; None leaves all of that kind as it is.

    `kept_daemons` and `kept_sysctls` are what other clusters declare on the host, each with the sentence that says so.
    With `boot` the run stops only daemons that it replaces, gives nothing back, and writes nothing but the kernel.
    """

    daemons: tuple[Daemon, ...] | None = None
    sysctls: Mapping[str, Numbers] | None = None
    present: bool = True
    purge: bool = False
    owner: Owner = Owner()
    kept_daemons: Mapping[Daemon, str] = _NOTHING
    kept_sysctls: Mapping[str, str] = _NOTHING
    boot: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> WantedSync:
        """Return what the options of `ipvs_sync` ask for; raise InvalidValue for what breaks a rule."""
        present = choice(options, "state", SYNC_OPTIONS) == "present"
        listed, settings = options.get("daemons"), options.get("sysctls")
        daemons = None if listed is None else _daemons(listed)
        sysctls = None if settings is None else _sysctls(settings)
        purge = switch(options, "purge", SYNC_OPTIONS)
        if present and daemons is None and sysctls is None:
            raise InvalidValue("daemons", None, "is missing, and sysctls too", "give at least one of them")
        if purge and daemons is None:
            raise InvalidValue("purge", True, "would stop every sync daemon", "list daemons, or [] to stop all")
        if present:
            check_backup_only(len(daemons or ()), sysctls or {})
        return cls(daemons, sysctls, present, purge, Owner.from_options(options))

    @property
    def item(self) -> Item:
        """What is declared."""
        return Item(self.daemons or (), self.sysctls or {})


def check_backup_only(daemons: int, sysctls: Mapping[str, Numbers]) -> None:
    """Raise InvalidValue where so many daemons and backup_only together would switch the director off for good.

    sysctl_backup_only() in include/net/ip_vs.h asks whether there is a backup daemon, not whether there is no master.
    """
    if daemons > 1 and any(sysctls.get(BACKUP_ONLY, ())):
        rule = "does not go with a master and a backup daemon: IPVS of this host would never forward a packet"
        raise InvalidValue(f"sysctls.{BACKUP_ONLY}", 1, rule, "set it to 0, or declare one of the two daemons")


def _daemons(items: object) -> tuple[Daemon, ...]:
    daemons: dict[str, Daemon] = {}
    for item in parse_mappings("daemons", items, _EXAMPLE):
        daemon = _daemon(item)
        if daemon.state in daemons:
            rule = "is listed twice, and a host has one sync daemon of each state"
            raise InvalidValue("daemons", daemon.state, rule, "keep one entry")
        daemons[daemon.state] = daemon
    if len(daemons) == len(DAEMON_OPTIONS["state"]["choices"]):
        _check_lengths(daemons[MASTER], daemons[BACKUP])
    return tuple(daemons[state] for state in (MASTER, BACKUP) if state in daemons)


def _daemon(options: Mapping[str, Any]) -> Daemon:
    for name in ("state", "interface", "sync_id"):
        if options.get(name) is None:
            raise InvalidValue(name, None, "is missing", _EXAMPLE).of("daemons")
    try:
        state = choice(options, "state", DAEMON_OPTIONS)
        group = _group(options.get("group") or GROUP)
        if options["sync_id"] == 0:
            rule = "makes a backup daemon take the messages of every master on the segment"
            raise InvalidValue("sync_id", 0, rule, f"give a number from 1 to {_HIGHEST_ID} of your own")
        length = options.get("max_length")
        return Daemon(
            state=state,
            interface=parse_interface(options["interface"]),
            sync_id=in_range("sync_id", options["sync_id"], 1, _HIGHEST_ID),
            max_length=0 if length is None else in_range("max_length", length, *length_limits(state, group)),
            group=group,
            port=in_range("port", _default(options, "port"), 1, 65535),
            ttl=in_range("ttl", _default(options, "ttl"), 1, 255),
        )
    except InvalidValue as error:
        raise error.of(f"daemon {options['state']}") from None


def _default(options: Mapping[str, Any], name: str) -> Any:
    value = options.get(name)
    return DAEMON_OPTIONS[name]["default"] if value is None else value


def _group(text: object) -> str:
    try:
        address = ipaddress.ip_address(str(text).strip())
    except ValueError:
        address = None
    if address is None or not address.is_multicast or getattr(address, "scope_id", None):
        raise InvalidValue(
            "group", text, "is not a multicast address", f"write one such as {GROUP} or ff02::81, without a zone"
        )
    return str(address)


def _check_lengths(master: Daemon, backup: Daemon) -> None:
    """Refuse a backup that would cut off what directors with the same options send (sync_thread_backup)."""
    if identity(master)._replace(state=BACKUP) == identity(backup) and 0 < backup.max_length < master.max_length:
        rule = f"is less than that of the master, {master.max_length}, so messages would be cut off"
        remedy = "give at least as much, or leave it out"
        raise InvalidValue("max_length", backup.max_length, rule, remedy).of(f"daemon {BACKUP}")


def _sysctls(options: Any) -> dict[str, Numbers]:
    if not isinstance(options, Mapping):
        raise InvalidValue("sysctls", options, "is not a dictionary", "write it as sync_refresh_period: 10")
    found: dict[str, Numbers] = {}
    for name, value in given(options, KERNEL_SYSCTLS).items():
        option = f"sysctls.{name}"
        if name == THRESHOLD:
            found[name] = _threshold(option, value)
        else:
            found[name] = (in_range(option, value, 0, _HIGHEST.get(name, 1)),)
    return found


def _threshold(option: str, value: Any) -> Numbers:
    numbers: Sequence[Any] = value if isinstance(value, (list, tuple)) else ()
    if len(numbers) != len(KERNEL_SYSCTLS[THRESHOLD]):
        raise InvalidValue(option, value, "is not a list of threshold and period", "write both, such as [3, 50]")
    threshold, period = (in_range(option, number, 0, _INT_MAX) for number in numbers)
    if period and threshold >= period:
        rule = "has a threshold that is not below its period"
        raise InvalidValue(option, list(numbers), rule, "raise the period, or set it to 0 for no repetition")
    return threshold, period
