# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the playbook verify; the rules stand in plugin_utils/_verify/checks.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import from_values
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SERVICE_OPTIONS
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.checks import checks, summary
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.desired import VARIABLES, declare
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.model import Seen
from ansible_collections.lvs.cluster.plugins.plugin_utils._verify.page import render

# What the playbook registers on each host, and what each result has when the task was run.
LOOK = ("__verify_look", "facts")
AFTER = ("__verify_after", "counters")
VISITS = ("__verify_visits", "services")
_GROUPS = ("directors", "realservers", "gateways", "clients")
_SERVICES = {"services": {"type": "list", "elements": "dict", "options": SERVICE_OPTIONS}}


def _results(hostvars: Any, hosts: Any, registered: tuple[str, str]) -> dict[str, Mapping[str, Any]]:
    """Return what a task registered on the hosts, where it was run."""
    name, key = registered
    found = {host: hostvars[host].get(name) or {} for host in hosts}
    return {host: result for host, result in found.items() if key in result}


def _variables(hostvars: Any, host: str) -> dict[str, Any]:
    """Return those of the roles' variables that a host has, its services as the module gets them."""
    if host not in hostvars:
        return {}
    own = hostvars[host]
    found = {name: own[name] for name in VARIABLES if own.get(name) is not None}
    if "director_services" in found:
        told = ArgumentSpecValidator(_SERVICES).validate({"services": found["director_services"]})
        if told.error_messages:
            raise AnsibleFilterError(f"{host}: director_services: {'; '.join(told.error_messages)}")
        found["director_services"] = told.validated_parameters["services"]
    return found


def _seen(services: Any, groups: Any, hostvars: Any) -> Seen:
    read = read_topology(services, groups, hostvars)
    hosts = dict.fromkeys([*(host for name in _GROUPS for host in groups.get(name, ())), *read.dips, *read.rips])
    looks = _results(hostvars, hosts, LOOK)
    visits = _results(hostvars, groups.get("clients", ()), VISITS)
    after = _results(hostvars, [host for host in looks if looks[host].get("table")], AFTER)
    return Seen(
        read,
        declare(read, groups, {host: _variables(hostvars, host) for host in hosts}),
        {host: from_values(look["facts"]) for host, look in looks.items()},
        looks,
        after,
        {host: result["services"] for host, result in visits.items()},
    )


def verify_checks(services: Any, groups: Any, hostvars: Any, when: str = "", rehearsal: bool = False) -> dict[str, Any]:
    """Return errors, warnings, lines for people and, where `when` is given, the report as a page."""
    try:
        seen = _seen(services, groups, hostvars)
        found = checks(seen)
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error
    told = summary(found, seen.missed, rehearsal)
    told["checks"] = [
        {"topic": one.topic, "host": one.host, "good": one.good, "sentence": one.sentence} for one in found
    ]  # fmt: skip
    return {**told, **({"html": render(seen, found, when)} if when else {})}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"verify_checks": verify_checks}
