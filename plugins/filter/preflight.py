# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the playbook preflight.

Ansible imports every filter file to find one filter, so the rules are imported when they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import probes
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding, Findings
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.views import cluster_vips

# The result of preflight_info on each host, as the playbook registers it, and as it did before 1.1.0.
RESULTS = ("lvs_host_report", "__preflight")


def _read(services: Any, groups: Any, hostvars: Any) -> tuple[Topology, tuple[Finding, ...]]:
    """Return the topology, or an empty one and all that is wrong with the description."""
    try:
        return read_topology(services, groups, hostvars), ()
    except Findings as error:
        return Topology((), {}, {}), error.findings


def preflight_addresses(services: Any, groups: Any, hostvars: Any, host: str) -> list[str]:
    """Return what a host asks its segment for; nothing where the description is wrong, which is told later."""
    return probes.preflight_addresses(_read(services, groups, hostvars)[0], host)


def preflight_vips(services: Any, groups: Any, hostvars: Any) -> list[str]:
    """Return the cluster's VIPs; nothing where the description is wrong, which is told later."""
    return cluster_vips(_read(services, groups, hostvars)[0])


def preflight_schedulers(services: Any, groups: Any, hostvars: Any, host: str) -> list[str]:
    """Return the schedulers that a director needs."""
    return probes.preflight_schedulers(_read(services, groups, hostvars)[0], host)


def preflight_findings(services: Any, groups: Any, hostvars: Any) -> dict[str, Any]:
    """Return errors, warnings and lines for people, of the description and of every host that was looked at."""
    from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import from_values
    from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight import report
    from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.context import VARIABLES
    from ansible_collections.lvs.cluster.plugins.plugin_utils._roles.argument_specs import role_defaults

    topology, inventory = _read(services, groups, hostvars)
    hosts = dict.fromkeys(
        [*groups.get("directors", ()), *groups.get("realservers", ()), *topology.dips, *topology.rips]
    )
    facts, variables, defaults = {}, {}, role_defaults("director", "realserver")
    for host in hosts:
        own: Mapping[str, Any] = hostvars[host]
        looked_at: Mapping[str, Any] = next((own[name] for name in RESULTS if own.get(name)), {})
        if "facts" in looked_at:
            facts[host] = from_values(looked_at["facts"])
            values = {name: own.get(name) or defaults.get(name) for name in VARIABLES}
            variables[host] = {name: str(value) for name, value in values.items() if value}
    return report.report(inventory, report.findings(topology, facts, variables), list(facts))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {
            "preflight_addresses": preflight_addresses,
            "preflight_vips": preflight_vips,
            "preflight_schedulers": preflight_schedulers,
            "preflight_findings": preflight_findings,
        }
