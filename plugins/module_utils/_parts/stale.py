# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier declaration had and the present one has not: this collection added it, so it removes it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from .._core.errors import InvalidValue
from .._core.owner import DEFAULT_OWNER, owner_and_name
from .declaration import Declared
from .parse import parse_arp_filter, parse_neighbors, parse_service, parse_sync, parse_vip

if TYPE_CHECKING:
    from .._neighbor.options import WantedNeighbors
    from .._sync.model import Item
    from .._vip.options import VipSpec

Key = TypeVar("Key")
# By the names of boot_restore's options, in the options of the modules, each item with state: absent.
Saved = dict[str, list[dict[str, Any]]]
_STATE = {"state": "absent"}


def find_stale(before: bytes | None, declared: Declared) -> Saved:
    """Return what the file of an earlier run declares, or calls former, and `declared` does not.

    Empty parts are left out. A file that can't be read as one of ours declares nothing: one that can is about to
    replace it.
    """
    try:
        state = json.loads(before or b"{}")
        known = {
            "vips": list(_vips(state, declared)),
            "services": list(_services(state, declared)),
            "neighbors": list(_neighbors(state, declared)),
            "arp_filters": list(_arp_filters(state, declared)),
            "sync": list(_sync(state, declared)),
        }
    except (AttributeError, InvalidValue, KeyError, TypeError, ValueError):
        return {}
    return {part: items for part, items in known.items() if items}


def _items(state: Mapping[str, Any], part: str) -> Iterator[Mapping[str, Any]]:
    yield from state.get(part) or ()
    yield from (state.get("former") or {}).get(part) or ()


def _vips(state: Mapping[str, Any], declared: Declared) -> Iterator[dict[str, Any]]:
    """Yield the VIPs of each item that no item of this device has now."""
    seen = _places(map(parse_vip, declared.vips), lambda one: [vip.address for vip in one.vips])
    for item in _items(state, "vips"):
        wanted = parse_vip(item)
        gone = [vip.address for vip in wanted.vips if (wanted.interface, vip.address) not in seen]
        seen |= {(wanted.interface, address) for address in gone}
        yield from absent_vips(wanted._replace(vips=tuple(vip for vip in wanted.vips if vip.address in gone)))


def absent_vips(wanted: VipSpec) -> Iterator[dict[str, Any]]:
    """Yield the options that remove the VIPs; nothing when there are none."""
    if wanted.vips:
        kind = {"kind": wanted.kind} if wanted.kind else {}
        yield {"interface": wanted.interface, "addresses": [vip.address for vip in wanted.vips], **kind, **_STATE}


def _neighbors(state: Mapping[str, Any], declared: Declared) -> Iterator[dict[str, Any]]:
    wishes = map(parse_neighbors, declared.neighbors)
    seen = _places(wishes, lambda one: [neighbor.address for neighbor in one.neighbors])
    for item in _items(state, "neighbors"):
        wanted = parse_neighbors(item)
        gone = [one.address for one in wanted.neighbors if (wanted.interface, one.address) not in seen]
        seen |= {(wanted.interface, address) for address in gone}
        yield from absent_neighbors(
            wanted._replace(neighbors=tuple(one for one in wanted.neighbors if one.address in gone))
        )


def absent_neighbors(wanted: WantedNeighbors) -> Iterator[dict[str, Any]]:
    """Yield the options that remove the entries; nothing when there are none."""
    if wanted.neighbors:
        entries = [{"address": one.address} for one in wanted.neighbors]
        yield {"interface": wanted.interface, "neighbors": entries, **_STATE}


def _arp_filters(state: Mapping[str, Any], declared: Declared) -> Iterator[dict[str, Any]]:
    """Yield the filters whose names are no more; which VIPs are in one that is still there is the module's to say."""
    for label in _undeclared(
        _items(state, "arp_filters"), declared.arp_filters, lambda one: parse_arp_filter(one).name
    ):
        owner, name = owner_and_name(label)
        yield {"name": name, **({} if owner == DEFAULT_OWNER else {"owner": owner}), **_STATE}


def _undeclared(
    items: Iterable[Mapping[str, Any]],
    declared: Iterable[Mapping[str, Any]],
    identify: Callable[[Mapping[str, Any]], Key],
) -> Iterator[Key]:
    """Yield the identity of each item that is not declared, each once."""
    seen = {identify(item) for item in declared}
    for item in items:
        key = identify(item)
        if key not in seen:
            seen.add(key)
            yield key


def _places(wishes: Iterator[Any], addresses: Callable[[Any], Sequence[str]]) -> set[tuple[str, str]]:
    return {(one.interface, address) for one in wishes for address in addresses(one)}


def _services(state: Mapping[str, Any], declared: Declared) -> Iterator[dict[str, Any]]:
    from .._ipvs.describe import service_key_options

    for key in _undeclared(_items(state, "services"), declared.services, lambda one: parse_service(one).key):
        yield {**service_key_options(key), **_STATE}


def _sync(state: Mapping[str, Any], declared: Declared) -> Iterator[dict[str, Any]]:
    """Yield the sync daemons that are declared no longer, or otherwise now, and the sysctls."""
    before = list(_items(state, "sync"))
    if not before:
        return
    from .._sync.model import STATES, Item, identity

    present = [parse_sync(item).item for item in declared.sync]
    known = {identity(daemon) for item in present for daemon in item.daemons}
    sysctls = {name for item in present for name in item.sysctls}
    old = [parse_sync({**item, **_STATE}).item for item in before]
    gone = dict.fromkeys(identity(one) for item in old for one in item.daemons if identity(one) not in known)
    # Of two values the later declaration's counts, which is the first in the file.
    left = {name: value for item in reversed(old) for name, value in item.sysctls.items() if name not in sysctls}
    # An item has one daemon of each state, but of earlier declarations there can be more.
    rounds: list[dict[str, Any]] = [{}]
    for daemon in gone:
        free = next((one for one in rounds if daemon.state not in one), None)
        if free is None:
            free = {}
            rounds.append(free)
        free[daemon.state] = daemon
    for number, one in enumerate(rounds):
        daemons = tuple(one[state] for state in reversed(STATES) if state in one)
        yield from absent_sync(Item(daemons, {} if number else left), declared.owner)


def absent_sync(item: Item, owner: str) -> Iterator[dict[str, Any]]:
    """Yield the options that stop the daemons and give the sysctls back; nothing when there are none."""
    options = item.options()
    if options:
        yield {**options, **({} if owner == DEFAULT_OWNER else {"owner": owner}), **_STATE}
