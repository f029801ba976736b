# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the playbook preflight.

Ansible imports every filter file to find one filter, so the rules are imported when they are needed.
"""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import probes
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.finding import Finding, Findings
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.views import cluster_vips


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
    """Return errors, warnings and lines for people, of each description and of every host that was read."""
    from ansible_collections.lvs.cluster.plugins.filter.verify import director_services
    from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.collect import judge

    return judge(services, groups, hostvars, director_services)


def release_refusals(services: Any, groups: Any, hostvars: Any, host: str, rehearsal: bool = False) -> list[str]:
    """Return why VIPs must not be removed from a real server now: a director still sends clients to it."""
    from ansible_collections.lvs.cluster.plugins.filter.verify import director_services
    from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight import collect

    try:
        return collect.release_refusals(services, groups, hostvars, director_services, str(host), rehearsal)
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {
            "preflight_addresses": preflight_addresses,
            "preflight_vips": preflight_vips,
            "preflight_schedulers": preflight_schedulers,
            "preflight_findings": preflight_findings,
            "release_refusals": release_refusals,
        }
