# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the `hosts:` of plays, and for what a playbook says of its hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.inventory import GROUP_VARIABLES, Inventory

_NOBODY = ["all", "!all"]  # an empty list would mean all hosts


def play_hosts(groups: Any, hostvars: Any, *roles: str, servers: Any = None) -> list[str]:
    """Return the hosts with these roles as the `hosts` of a play; `servers` instead, if it is given.

    Until its first play runs, Ansible has no variables of hosts: the groups then are those with the default names.
    """
    from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.identity import Identity

    inventory = Inventory(groups, hostvars)
    if servers:
        identity = Identity(inventory)
        given = servers.split(",") if isinstance(servers, str) else list(servers)
        names = [str(name).strip() for name in given if str(name).strip()]
        return [(identity.hosts(name) or [name])[0] if name not in groups else name for name in names] or _NOBODY
    if not hostvars:
        return [role for role in map(str, roles) if role in GROUP_VARIABLES and role in groups] or _NOBODY
    hosts = dict.fromkeys(host for role in roles for host in inventory.members(str(role)))
    return list(hosts) or _NOBODY


def play_scope(groups: Any, hostvars: Any, run: Any, roles: Any, services: Any = None) -> dict[str, Any]:
    """Return why a playbook has no host to go through (`error`), and which hosts it goes through (`lines`)."""
    from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import scope
    from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.descriptions import descriptions

    inventory = Inventory(groups, hostvars)
    hosts, wanted = set(map(str, run)), [str(role) for role in roles]
    error = scope.nothing_to_do(inventory, wanted, hosts)
    described = descriptions(services, inventory)
    if not error:
        return {"error": "", "lines": scope.scope_lines(described, inventory, wanted, hosts)}
    return {"error": " ".join([error, *_named(described, inventory)]), "lines": []}


def _named(described: Sequence[Any], inventory: Inventory) -> list[str]:
    """Return a sentence for each host that lvs_services names and that has no role."""
    from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import Reader
    from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.scope import strays

    return [
        finding.sentence
        for one in described
        for finding in strays(Reader(one.services, inventory).read(), one.members(inventory), one.others)
    ]


def _errors(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except LvsError as error:
            raise AnsibleFilterError(str(error)) from error

    return wrapped


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {function.__name__: _errors(function) for function in (play_hosts, play_scope)}
