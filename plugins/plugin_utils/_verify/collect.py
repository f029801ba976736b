# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect what verify judges: the declaration of each host, and the results that the playbook registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import from_values
from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults

from .._topology.descriptions import Description, descriptions
from .._topology.inventory import CLIENTS, Inventory
from .._topology.reach import Lost, lost_hosts, states
from .._topology.reader import read_from
from .._topology.scope import known_strays, strays
from .checks import checks, summary
from .desired import VARIABLES, declare
from .model import HOSTS, Check, Seen, bad
from .page import Part, render_all

# What the playbook registers on each host, and what each result has when the task was run.
LOOK = ("__verify_look", "facts")
AFTER = ("__verify_after", "counters")
VISITS = ("__verify_visits", "services")
# What preflight registers on a host that it could not reach, so that site does not ask it again.
PREFLIGHT = "lvs_host_report"
DIRECTOR_DONE, REALSERVER_DONE = "director_result", "realserver_leftovers"
# Returns the services of a host, which it names in an error, as ipvs_table gets them from Ansible.
Validate = Callable[[str, Any], Sequence[Mapping[str, Any]]]


def judge(
    services: Any,
    groups: Any,
    hostvars: Any,
    validate: Validate,
    when: str = "",
    rehearsal: bool = False,
    asked: Sequence[str] = (),
) -> dict[str, Any]:
    """Return errors, warnings, checks, lines for people and, where `when` is given, the report as a page.

    Each description of the inventory is judged on its own. `asked` are the hosts of the play, also those that Ansible
    left out of it since they failed or are unreachable. Raises LvsError for a topology with mistakes.
    """
    inventory = Inventory(groups, hostvars)
    results: dict[str, Any] = {"errors": [], "warnings": [], "lines": [], "checks": []}
    parts = []
    for one in descriptions(services, inventory):
        seen = _seen(one, inventory, validate, asked)
        if rehearsal:
            seen = seen._replace(configured=())
        found = [*checks(seen), *_stray_checks(seen, one, inventory)]
        told = summary(found, seen.missed, rehearsal)
        results["errors"] += told["errors"]
        results["warnings"] += told["warnings"]
        results["lines"] += one.titled(told["lines"])
        results["checks"] += [
            {"topic": check.topic, "host": check.host, "good": check.good, "sentence": check.sentence}
            for check in found
        ]
        parts.append(Part(one.name, seen, found))
    return {**results, **({"html": render_all(parts, when)} if when else {})}


def _stray_checks(seen: Seen, one: Description, inventory: Inventory) -> list[Check]:
    """Return a check that failed for each host that lvs_services names and that this playbook does not go through."""
    members = one.members(inventory)
    found = [bad(HOSTS, finding) for finding in strays(seen.topology, members, one.others)]
    return found + [bad(HOSTS, finding, warning=True) for finding in known_strays(seen.topology, members, one.others)]


def _results(hostvars: Any, hosts: Any, registered: tuple[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return what a task registered on the hosts, where it was run."""
    name, key = registered
    found = {host: hostvars[host].get(name) or {} for host in hosts}
    return {host: result for host, result in found.items() if key in result}


def host_variables(inventory: Inventory, host: str, validate: Validate) -> dict[str, Any]:
    """Return the variables of the roles that a host has, its services as the module gets them."""
    own = inventory.own(host)
    found = {name: own[name] for name in VARIABLES if own.get(name) is not None}
    if "director_services" in found:
        found["director_services"] = validate(host, found["director_services"])
    return found


def _lost(own: Mapping[str, Mapping[str, Any]], asked: Sequence[str]) -> dict[str, Lost]:
    """Return the hosts of which a step returned nothing, and those that an earlier play of this run lost."""
    results = {}
    for host, variables in own.items():
        names = (LOOK[0], VISITS[0], AFTER[0], *(() if _is_read(variables) else (PREFLIGHT,)))
        results[host] = [variables.get(name) for name in names]
    found = lost_hosts(results)
    for host in (host for host in asked if host in own and host not in found and not _is_read(own[host])):
        found[host] = Lost("an earlier task of this run failed there or could not reach it", answered=True)
    return found


def _is_read(own: Mapping[str, Any]) -> bool:
    return LOOK[1] in (own.get(LOOK[0]) or {})


def _seen(one: Description, inventory: Inventory, validate: Validate, asked: Sequence[str]) -> Seen:
    read = read_from(one.services, inventory)
    members = one.members(inventory)
    hosts = dict.fromkeys([*(host for some in members.values() for host in some), *read.dips, *read.rips])
    own = {host: inventory.own(host) for host in hosts}
    looks = _results(own, hosts, LOOK)
    visits = _results(own, members[CLIENTS], VISITS)
    after = _results(own, [host for host in looks if looks[host].get("table")], AFTER)
    variables = {host: host_variables(inventory, host, validate) for host in hosts}
    facts = {host: from_values(look["facts"]) for host, look in looks.items()}
    lost = _lost(own, asked)
    return Seen(
        read,
        declare(read, members, variables, role_defaults("director", "realserver", "gateway"), facts),
        facts,
        looks,
        after,
        {host: result["services"] for host, result in visits.items()},
        [host for host in looks if _is_configured(own[host])],
        lost,
        {host: states(read, members, own[host], host) for host in lost},
    )


def _is_configured(own: Any) -> bool:
    """Return whether a role has configured the host in this run, by the facts that the roles set."""
    done = own.get(DIRECTOR_DONE) or {}
    return done.get("state") == "present" or own.get(REALSERVER_DONE) is not None
