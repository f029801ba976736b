# SPDX-License-Identifier: GPL-3.0-or-later
"""Sync daemons and their sysctls of a run, settled with what other clusters declare on the host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .._core.errors import InvalidValue
from .._core.owner import Owner
from .._ipvs.model import Daemon
from .._sync.model import Item, Numbers, daemon_words, identity, meets, shown_numbers
from .._sync.options import WantedSync
from .claims import Claim, claims, kept_words
from .declarations import Declaration
from .services import refuse_differing


def settle_sync(wanted: WantedSync, owner: Owner, others: Sequence[Declaration]) -> WantedSync:
    """Return what is wanted, with what other clusters declare, which this run neither stops nor gives back.

    Raises InvalidValue for a daemon or a sysctl that another cluster declares differently: a host has one of each.
    """
    daemons, sysctls = claims(others, _daemons), dict(_by_name(claims(others, _sysctls)))
    if wanted.present:
        for daemon in wanted.daemons or ():
            _refuse_daemon(daemon, owner, daemons)
        refuse_differing(_shown(wanted.sysctls or {}), "sysctls", sysctls)
    words = {identity(one): kept_words(f"Sync daemon {daemon_words(one)}", claim) for one, claim in daemons.items()}
    values = {name: kept_words(f"net.ipv4.vs.{name} ({value})", claim) for name, (value, claim) in sysctls.items()}
    return wanted._replace(kept_daemons=words, kept_sysctls=values)


def _refuse_daemon(daemon: Daemon, owner: Owner, claimed: Mapping[Daemon, Claim]) -> None:
    for other, claim in claimed.items():
        if other.state == daemon.state and not (meets(other, daemon) or meets(daemon, other)):
            both = f"is declared by cluster {owner.name}, and {claim.words} declares {daemon_words(other)}"
            rule = f"{both}: a host has one {daemon.state} daemon"
            raise InvalidValue("daemons", daemon_words(daemon), rule, "write the same daemon in both clusters")


def _declared(state: Mapping[str, Any]) -> Iterator[Item]:
    for item in state.get("sync") or ():
        if item.get("state") != "absent":
            yield WantedSync.from_options({**item, "state": "absent"}).item


def _daemons(state: Mapping[str, Any]) -> Iterator[Daemon]:
    for item in _declared(state):
        yield from item.daemons


def _sysctls(state: Mapping[str, Any]) -> Iterator[tuple[str, Numbers]]:
    for item in _declared(state):
        yield from item.sysctls.items()


def _shown(sysctls: Mapping[str, Numbers]) -> dict[str, Any]:
    return {name: shown_numbers(name, value) for name, value in sysctls.items()}


def _by_name(claimed: Mapping[tuple[str, Numbers], Claim]) -> Iterable[tuple[str, tuple[Any, Claim]]]:
    for (name, value), claim in claimed.items():
        yield name, (shown_numbers(name, value), claim)


def without_kept(wanted: WantedSync) -> tuple[Item, list[str]]:
    """Return what a run may remove of what is listed, and a sentence for each thing that stays."""
    daemons = [daemon for daemon in wanted.daemons or () if identity(daemon) not in wanted.kept_daemons]
    sysctls = {name: value for name, value in (wanted.sysctls or {}).items() if name not in wanted.kept_sysctls}
    words = [wanted.kept_daemons[identity(one)] for one in wanted.daemons or () if identity(one) in wanted.kept_daemons]
    words += [wanted.kept_sysctls[name] for name in wanted.sysctls or () if name in wanted.kept_sysctls]
    return Item(tuple(daemons), sysctls), words
