# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect what verify judges: the declaration of each host, and the results that the playbook registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import from_values
from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

from .checks import checks, summary
from .desired import VARIABLES, declare
from .model import Seen
from .page import render

# What the playbook registers on each host, and what each result has when the task was run.
LOOK = ("__verify_look", "facts")
AFTER = ("__verify_after", "counters")
VISITS = ("__verify_visits", "services")
_GROUPS = ("directors", "realservers", "gateways", "clients")
# Returns the services of a host, which it names in an error, as ipvs_table gets them from Ansible.
Validate = Callable[[str, Any], Sequence[Mapping[str, Any]]]


def judge(
    services: Any, groups: Any, hostvars: Any, validate: Validate, when: str = "", rehearsal: bool = False
) -> dict[str, Any]:
    """Return errors, warnings, checks, lines for people and, where `when` is given, the report as a page.

    Raises LvsError for a topology with mistakes.
    """
    seen = _seen(services, groups, hostvars, validate)
    found = checks(seen)
    told = summary(found, seen.missed, rehearsal)
    told["checks"] = [
        {"topic": one.topic, "host": one.host, "good": one.good, "sentence": one.sentence} for one in found
    ]  # fmt: skip
    return {**told, **({"html": render(seen, found, when)} if when else {})}


def _results(hostvars: Any, hosts: Any, registered: tuple[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return what a task registered on the hosts, where it was run."""
    name, key = registered
    found = {host: hostvars[host].get(name) or {} for host in hosts}
    return {host: result for host, result in found.items() if key in result}


def _variables(hostvars: Any, host: str, validate: Validate) -> dict[str, Any]:
    """Return the variables of the roles that a host has, its services as the module gets them."""
    if host not in hostvars:
        return {}
    own = hostvars[host]
    found = {name: own[name] for name in VARIABLES if own.get(name) is not None}
    if "director_services" in found:
        found["director_services"] = validate(host, found["director_services"])
    return found


def _seen(services: Any, groups: Any, hostvars: Any, validate: Validate) -> Seen:
    read = read_topology(services, groups, hostvars)
    hosts = dict.fromkeys([*(host for name in _GROUPS for host in groups.get(name, ())), *read.dips, *read.rips])
    looks = _results(hostvars, hosts, LOOK)
    visits = _results(hostvars, groups.get("clients", ()), VISITS)
    after = _results(hostvars, [host for host in looks if looks[host].get("table")], AFTER)
    variables = {host: _variables(hostvars, host, validate) for host in hosts}
    return Seen(
        read,
        declare(read, groups, variables, role_defaults("director", "realserver", "gateway")),
        {host: from_values(look["facts"]) for host, look in looks.items()},
        looks,
        after,
        {host: result["services"] for host, result in visits.items()},
    )
