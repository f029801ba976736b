# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that VRRP instances have on this host, and the wait until they are settled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from .._core.errors import InvalidValue, LvsError
from .._core.options import choice
from .._core.owner import OWNER_OPTIONS, Owner
from .._rtnetlink.monitor import Changes
from .._rtnetlink.state import own_addresses
from .client import is_running, read_instances
from .model import BACKUP, MASTER, Instance, Seen, VrrpUnit, seen_of

ANY, ELECTED = "any", "elected"
INFO_OPTIONS: dict[str, Any] = {
    "names": {"type": "list", "elements": "str"},
    "role": {"type": "str", "choices": [ANY, MASTER, BACKUP, ELECTED], "default": ANY},
    "timeout": {"type": "float", "default": 0},
    "owner": OWNER_OPTIONS["owner"],
}
_LONGEST = 600
# An instance that is on its way has an address of the other role for less than this, and keepalived changes them one by
# one: what was settled at two looks in a row is.
_LOOK_AGAIN = 0.1


class RolesInquiry(NamedTuple):
    """Which instances of an owner are asked about, which role they have to have, and how long to wait for it."""

    unit: VrrpUnit
    names: tuple[str, ...] | None = None
    role: str = ANY
    timeout: float = 0

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> RolesInquiry:
        """Return what the options of vrrp_info ask; raise InvalidValue."""
        timeout = options.get("timeout") or 0
        if not 0 <= timeout <= _LONGEST:
            rule = f"is not between 0 and {_LONGEST} seconds"
            raise InvalidValue("timeout", timeout, rule, "write one such as 10")
        names = options.get("names")
        owner = Owner.from_options(options).name
        role = choice(options, "role", INFO_OPTIONS)
        return cls(VrrpUnit(owner), None if names is None else tuple(names), role, timeout)


def answer(inquiry: RolesInquiry) -> dict[str, Any]:
    """Return what vrrp_info returns; raise LvsError for an instance that is not settled in its role in time."""
    instances = chosen(inquiry, read_instances(inquiry.unit))
    end = time.monotonic() + inquiry.timeout
    seen: Sequence[Seen] = wait_for_roles(inquiry, instances)
    if inquiry.role == ELECTED and inquiry.timeout:
        seen = wait_for_master(inquiry, instances, seen, end)
    running = is_running(inquiry.unit)
    if inquiry.timeout:
        for one in seen:
            refuse_unsettled(inquiry, one, running)
    return {
        "unit": inquiry.unit.name,
        "running": running,
        "instances": [_shown(instance, one) for instance, one in zip(instances, seen)],
        "operations": [],
    }


def chosen(inquiry: RolesInquiry, instances: Sequence[Instance]) -> list[Instance]:
    """Return the instances that are asked about; raise InvalidValue for a name that the host does not have."""
    if inquiry.names is None:
        return list(instances)
    there = {one.name: one for one in instances}
    for name in inquiry.names:
        if name not in there:
            rule = f"is not an instance of this host, which has {', '.join(sorted(there)) or 'none'}"
            raise InvalidValue("names", name, rule, "run lvs.cluster.vrrp_instances first")
    return [there[name] for name in inquiry.names]


def wait_for_roles(inquiry: RolesInquiry, instances: Sequence[Instance]) -> list[Seen]:
    """Return what is seen of the instances, as soon as it is as asked at two looks in a row, or the time is over."""
    changes = Changes()
    try:
        end = time.monotonic() + inquiry.timeout
        before: list[Seen] = []
        while True:
            changes.forget()
            own = own_addresses()
            seen = [seen_of(instance, own) for instance in instances]
            left = end - time.monotonic()
            if left <= 0 or (seen == before and all(as_asked(inquiry, one) for one in seen)):
                return seen
            before = seen
            changes.wait(min(left, _LOOK_AGAIN))
    finally:
        changes.close()


def wait_for_master(
    inquiry: RolesInquiry, instances: Sequence[Instance], seen: Sequence[Seen], end: float
) -> Sequence[Seen]:
    """Return what is seen as soon as each instance has a master, this host or one that answers for its VIPs.

    Raises LvsError for an instance that has none at `end`, of the monotonic clock.
    """
    from .._arp.client import probe  # nothing else asks the segment

    while True:
        waiting = [instance for instance, one in zip(instances, seen) if one.role == BACKUP]
        lacking = {instance.name: unanswered(instance, probe) for instance in waiting}
        name = next((name for name, vips in lacking.items() if vips), "")
        if not name:
            return seen
        if time.monotonic() > end:
            rule = f"is backup, and no director answers for {', '.join(lacking[name])} after {inquiry.timeout:g} s"
            remedy = f"look into the journal of {inquiry.unit.name} on each director"
            raise LvsError(f"instance {name}", None, rule, remedy)
        own = own_addresses()
        seen = [seen_of(instance, own) for instance in instances]


def unanswered(instance: Instance, ask: Callable[[str, Sequence[str]], Mapping[str, Sequence[str]]]) -> list[str]:
    """Return the VIPs of an instance for which nobody answers; `ask` returns who does, for a device and addresses."""
    places: dict[str, list[str]] = {}
    for vip in instance.vips:
        places.setdefault(vip.interface, []).append(vip.address)
    answers = {vip: macs for name, vips in places.items() for vip, macs in ask(name, vips).items()}
    return [vip.address for vip in instance.vips if not answers.get(vip.address)]


def as_asked(inquiry: RolesInquiry, seen: Seen) -> bool:
    """Return whether an instance has the role that is asked for, with all that belongs to it."""
    return seen.settled and inquiry.role in (ANY, ELECTED, seen.role)


def refuse_unsettled(inquiry: RolesInquiry, seen: Seen, running: bool) -> None:
    """Raise LvsError unless keepalived runs and the instance is as asked."""
    whose = f"role of instance {seen.name}"
    if not running:
        rule, remedy = f"has no keepalived: the unit {inquiry.unit.name} does not run", "look into the unit's journal"
        raise LvsError(whose, seen.role, rule, remedy)
    if as_asked(inquiry, seen):
        return
    if seen.settled:
        rule = f"is not {inquiry.role} after {inquiry.timeout:g} s"
        remedy = (
            "see whether the gate, an interface that is down or another director with a higher priority is the cause"
        )
    elif seen.missing:
        rule, remedy = f"lacks the VIPs {', '.join(seen.missing)}", f"look into the journal of {inquiry.unit.name}"
    else:
        rule = f"still has the VIPs {', '.join(seen.leftover)}"
        remedy = "find what else assigns them: a network manager, boot_restore, or a keepalived that was killed"
    raise LvsError(whose, seen.role, rule, remedy)


def _shown(instance: Instance, seen: Seen) -> dict[str, Any]:
    return {
        "name": instance.name,
        "vrid": instance.vrid,
        "interface": instance.interface,
        "priority": instance.priority,
        "anchor": instance.anchor,
        "vips": [vip._asdict() for vip in instance.vips],
        "role": seen.role,
        "settled": seen.settled,
        "missing": list(seen.missing),
        "leftover": list(seen.leftover),
    }
