# SPDX-License-Identifier: GPL-3.0-or-later
"""The clusters of an inventory: each distinct `lvs_services` of its hosts describes one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from .inventory import CLUSTER_NAME, GROUP_VARIABLES, Inventory, canonical

_FEW = 3


class Description(NamedTuple):
    """One lvs_services; `others` are the hosts that have another one.

    `name` is for people: the cluster's name, else the group or the hosts that have it. It is empty if the inventory has
    no other description.
    """

    name: str
    services: Any
    others: frozenset[str]

    def members(self, inventory: Inventory) -> dict[str, list[str]]:
        """Return the hosts of each role, by the role's default group name, without those of other descriptions."""
        return {role: [host for host in inventory.members(role) if host not in self.others] for role in GROUP_VARIABLES}

    def titled(self, lines: Sequence[str]) -> list[str]:
        """Return lines for people below a heading that names the description, if there are several."""
        return [f"{self.name}:", *(f"  {line}" if line else "" for line in lines)] if self.name else list(lines)


def descriptions(services: Any, inventory: Inventory) -> list[Description]:
    """Return the descriptions of the inventory; `services` alone if it is none of them, as a variable of a play is.

    One that only hosts without a role have is left out, if there are others.
    """
    found = inventory.described()
    keys = [canonical(value) for value, _hosts in found]
    if services is not None and (len(found) < 2 or canonical(services) not in keys):
        return [Description("", services, frozenset())]
    with_role = {host for role in GROUP_VARIABLES for host in inventory.members(role)}
    used = [one for one in found if with_role & set(one[1])] or found
    everybody = {host for _value, hosts in found for host in hosts}
    names = _names(inventory, [hosts for _value, hosts in used])
    several = len(used) > 1
    return [
        Description(name if several else "", value, frozenset(everybody - set(hosts)))
        for name, (value, hosts) in zip(names, used)
    ]


def _names(inventory: Inventory, parts: Sequence[Sequence[str]]) -> list[str]:
    """Return a name for the hosts of each description; each is another one."""
    names = [_cluster_name(inventory, hosts) or _group(inventory, hosts) or _listed(hosts) for hosts in parts]
    twice = {name for name in names if names.count(name) > 1}
    return [f"{name} ({_listed(hosts)})" if name in twice else name for name, hosts in zip(names, parts)]


def _cluster_name(inventory: Inventory, hosts: Collection[str]) -> str:
    names = {str(inventory.own(host).get(CLUSTER_NAME) or "") for host in hosts}
    name = names.pop() if len(names) == 1 else ""
    return "" if name == "default" else name


def _group(inventory: Inventory, hosts: Collection[str]) -> str:
    """Return the name of the group of just these hosts."""
    groups: Mapping[str, Any] = inventory.groups
    return next((str(name) for name, members in groups.items() if set(map(str, members)) == set(hosts)), "")


def _listed(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - _FEW} more" if len(hosts) > _FEW else ""
    return ", ".join(hosts[:_FEW]) + more
