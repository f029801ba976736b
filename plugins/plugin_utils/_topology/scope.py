# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook goes through, and what it leaves out: hosts outside the groups, the description or --limit. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.lvs.cluster.plugins.module_utils._core.protocols import MASQUERADE

from .descriptions import Description
from .finding import Finding
from .inventory import DIRECTORS, GROUP_VARIABLES, REALSERVERS, Inventory
from .model import Server, Service, Topology

_WORDS = {"directors": "directors", "realservers": "real servers", "gateways": "gateways", "clients": "clients"}


def strays(topology: Topology, members: Mapping[str, Collection[str]], others: Collection[str] = ()) -> list[Finding]:
    """Return the hosts that lvs_services names and that no playbook goes through; each has to be in its group.

    `others` are the hosts with another lvs_services, from which the roles configure them.
    """
    return [finding for finding, warning in _strays(topology, members, others) if not warning]


def known_strays(
    topology: Topology, members: Mapping[str, Collection[str]], others: Collection[str] = ()
) -> list[Finding]:
    """Return those of which it may be meant: they are declared absent, or named by an address."""
    return [finding for finding, warning in _strays(topology, members, others) if warning]


def _strays(
    topology: Topology, members: Mapping[str, Collection[str]], others: Collection[str]
) -> Iterator[tuple[Finding, bool]]:
    seen: set[tuple[str, str]] = set()
    for service in topology.services:
        needed = [(DIRECTORS, host, host in topology.absent) for host in service.directors]
        needed += [
            (REALSERVERS, server.host, bool(server.written) or server.options.get("state") == "absent")
            for server in service.servers
            if _needs_the_role(service, server)
        ]
        for role, host, warning in needed:
            if host in members.get(role, ()) or (role, host) in seen:
                continue
            seen.add((role, host))
            option = f"lvs_services ({service.name}).{'directors' if role == DIRECTORS else 'real_servers'}"
            if host in others:
                rule = "has another lvs_services of its own, from which the playbooks configure it"
                remedy = "give all hosts of a service the same lvs_services"
            else:
                rule = f"is in no group whose {_WORDS[role]} the playbooks configure and check"
                remedy = f"put it into the group {role}, or name its group in {GROUP_VARIABLES[role]}"
            yield Finding("", option, host, rule, remedy), warning


def _needs_the_role(service: Service, server: Server) -> bool:
    """Return whether a server gets VIPs from the role: not by masquerade, nor if it is the only director itself."""
    return bool(server.host) and service.forwarding != MASQUERADE and set(service.directors) != {server.host}


def nothing_to_do(inventory: Inventory, roles: Sequence[str], run: Collection[str]) -> str:
    """Return why a playbook has no host to go through; empty if it has one. `run` are the hosts within --limit."""
    members = {role: inventory.members(role) for role in roles}
    known = list(dict.fromkeys(host for hosts in members.values() for host in hosts))
    if any(host in run for host in known):
        return ""
    if known:
        return f"Nothing was checked or changed: --limit leaves out every host of this playbook ({', '.join(known)})."
    groups = [f"{name} ({GROUP_VARIABLES[role]})" for role in roles for name in inventory.group_names(role)]
    return (
        f"Nothing was checked or changed: the inventory has no host in {_either(groups)}. "
        "Put the hosts into such a group, or set the variable to the name of your group."
    )


def scope_lines(
    described: Sequence[Description], inventory: Inventory, roles: Sequence[str], run: Collection[str]
) -> list[str]:
    """Return which hosts of each description a playbook goes through, and which --limit leaves out."""
    lines = []
    for one in described:
        members = one.members(inventory)
        parts = []
        for role in roles:
            taken = [host for host in members[role] if host in run]
            parts += [f"{_WORDS[role]} {', '.join(taken)}"] if taken else []
        left = list(dict.fromkeys(host for role in roles for host in members[role] if host not in run))
        text = f"This run includes {'; '.join(parts)}." if parts else "This run includes none of its hosts."
        text += f" Outside --limit: {', '.join(left)}." if left else ""
        lines.append(f"{one.name}: {text}" if one.name else text)
    return lines


def _either(names: Sequence[str]) -> str:
    return f"the group {names[0]}" if len(names) == 1 else f"any of the groups {', '.join(names)}"
