# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory as the playbooks use it: the variables of each host, and the hosts that have each role."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .written import Comparison

Hostvars = Mapping[str, Mapping[str, Any]]
Groups = Mapping[str, Sequence[str]]
SERVICES, CLUSTER_NAME = "lvs_services", "lvs_cluster_name"
DIRECTORS, REALSERVERS, GATEWAYS, CLIENTS = "directors", "realservers", "gateways", "clients"
# Each group has its default name here, and a variable that gives it another one.
GROUP_VARIABLES = {role: f"lvs_{role}_group" for role in (DIRECTORS, REALSERVERS, GATEWAYS, CLIENTS)}


class Inventory:
    """Groups and hosts. The variables of a host are asked for once: Ansible collects and templates them each time."""

    def __init__(self, groups: Groups, hostvars: Hostvars) -> None:
        self.groups, self.hostvars = groups, hostvars
        self._own: dict[str, Mapping[str, Any]] = {}
        self._names: dict[str, list[str]] = {}
        self._found: list[tuple[str, list[str]]] | None = None

    @property
    def hosts(self) -> list[str]:
        """All hosts. Not every ansible-core yields them from its hostvars."""
        return [str(host) for host in self.groups.get("all", self.hostvars)]

    def own(self, host: str) -> Mapping[str, Any]:
        """Return the variables of a host, or nothing for one that the inventory does not have."""
        if host not in self._own:
            # Ansible's hostvars return something undefined for a host that is not there, so get() has no default.
            self._own[host] = self.hostvars[host] if host in self.hostvars else {}  # noqa: SIM401
        return self._own[host]

    def group_name(self, role: str, host: str) -> str:
        """Return the name of the group that gives a host a role, from the host's own variable."""
        return _group_name(self.own(host), role)

    def members(self, role: str) -> list[str]:
        """Return the hosts that have a role, in the order of their group."""
        names = self.group_names(role)
        return [
            str(host)
            for name in names
            for host in self.groups.get(name, ())
            if len(names) == 1 or self.group_name(role, str(host)) == name
        ]

    def members_of(self, services: Any, role: str) -> list[str]:
        """Return the hosts that have a role, and no other lvs_services than this one."""
        others = self.others(services)
        return [host for host in self.members(role) if host not in others]

    def group_names(self, role: str) -> list[str]:
        """Return the names that hosts have for the group of a role, each once."""
        if role not in self._names:
            self._names[role] = list(dict.fromkeys(self.group_name(role, host) for host in self.hosts)) or [role]
        return self._names[role]

    def described(self) -> list[tuple[Any, list[str]]]:
        """Return each distinct lvs_services of the hosts, with the hosts that have it."""
        return [(self.own(first).get(SERVICES), hosts) for first, hosts in self._descriptions()]

    def others(self, services: Any) -> frozenset[str]:
        """Return the hosts that have another lvs_services than this one.

        None of the hosts has another one if none has this one: it then is a variable of a play.
        """
        if len(self._descriptions()) < 2:
            return frozenset()
        found, key = self.described(), canonical(services)
        differing = [hosts for value, hosts in found if canonical(value) != key]
        return frozenset(host for hosts in differing for host in hosts if len(differing) < len(found))

    def _descriptions(self) -> list[tuple[str, list[str]]]:
        """Return, for each distinct lvs_services, one of the hosts that have it, and all of them.

        Templates are compared as they are written, with the variables that they refer to. Only if these differ, they
        are templated, which takes a thousand times longer.
        """
        if self._found is None:
            written: list[tuple[str, list[str]]] = []
            comparison = Comparison()
            for host in self.hosts:
                if self._written(host).get(SERVICES) is None:
                    continue
                for first, hosts in written:
                    if comparison.is_alike(SERVICES, self._written(first), self._written(host)):
                        hosts.append(host)
                        break
                else:
                    written.append((host, [host]))
            values: dict[str, tuple[str, list[str]]] = {}
            for first, hosts in written:
                key = canonical(self.own(first).get(SERVICES)) if len(written) > 1 else ""
                values.setdefault(key, (first, []))[1].extend(hosts)
            self._found = list(values.values())
        return self._found

    def _written(self, host: str) -> Mapping[str, Any]:
        """Return the variables of a host as they are written: with templates."""
        own = self.own(host)
        read = getattr(self.hostvars, "raw_get", None)
        # What raw_get() collects anew, the variables of a host have already.
        written: Mapping[str, Any] = getattr(own, "_vars", None) or (read(host) if read else own)
        return written


def in_role(groups: Groups, own: Mapping[str, Any], role: str, host: str) -> bool:
    """Return whether a host, with its variables, is in the group that gives it a role."""
    return host in groups.get(_group_name(own, role), ())


def _group_name(own: Mapping[str, Any], role: str) -> str:
    return str(own.get(GROUP_VARIABLES[role]) or role)


def canonical(value: Any) -> str:
    """Return a text that equal values have in common."""
    return json.dumps(_plain(value), sort_keys=True, default=str)


def _plain(value: Any) -> Any:
    """Return a value without Ansible's types, whose elements are templated when they are asked for one by one."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(one) for one in value]
    return value
