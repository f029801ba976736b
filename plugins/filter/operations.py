# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the playbooks status, drain, restore and rolling.

Ansible imports every filter file to find one filter, so a filter that needs much imports it when it is called.
"""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import service_paths as _service_paths
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations import rolling
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.servers import (
    directors_of,
    left_alone,
    path_failures,
    paths_of,
    servers_of,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

# What the playbook status registers on each director
RESULT = "__status"
PATHS = "__status_paths"
# The fact that the playbook rolling sets on a host whose update failed
FAILURE = "rolling_failure"
# The fact that the role director sets when it is done
DONE = "director_result"


def cluster_status(services: Any, groups: Any, hostvars: Any) -> dict[str, Any]:
    """Return what each director holds and counts, as `directors`, and the same for people, as `lines`."""
    from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.status import directors_status, status_lines

    read = read_topology(services, groups, hostvars)
    told = {host: _told(hostvars[host].get(RESULT)) for host in directors_of(read)}
    paths = {host: (hostvars[host].get(PATHS) or {}).get("paths") or () for host in told}
    directors = directors_status(read, told, paths)
    return {"directors": directors, "lines": status_lines(directors)}


def cluster_servers(services: Any, groups: Any, hostvars: Any, names: Any, host: str) -> list[str]:
    """Return the addresses that a director has of these servers."""
    return servers_of(read_topology(services, groups, hostvars), groups, names, str(host))


def cluster_directors(services: Any, groups: Any, hostvars: Any) -> list[str]:
    """Return all directors that are not absent."""
    return directors_of(read_topology(services, groups, hostvars))


def drained_before(services: Any, groups: Any, hostvars: Any, hosts: Any, answers: Any) -> list[str]:
    """Return those of the hosts that had been drained, from what ipvs_drain told on each director."""
    return left_alone(read_topology(services, groups, hostvars), map(str, hosts), answers)


def cluster_paths(services: Any, groups: Any, hostvars: Any, host: str, names: Any = None) -> list[dict[str, Any]]:
    """Return what realserver_path_info is to prove on a director: of these servers, or of all."""
    read = read_topology(services, groups, hostvars)
    addresses = None if names is None else servers_of(read, groups, names, str(host))
    return paths_of(read, str(host), addresses)


def service_paths(services: Any, marks: Any = ()) -> list[dict[str, Any]]:
    """Return what realserver_path_info is to prove of the services of ipvs_table."""
    return _service_paths(services, marks)


def without_held(services: Any, held: Any) -> list[dict[str, Any]]:
    """Return services of ipvs_table without the servers that it held back."""
    from ansible_collections.lvs.cluster.plugins.module_utils._table.readiness import without_held as _without_held

    return _without_held(services, held)


def failed_paths(services: Any, groups: Any, hostvars: Any, host: str, answers: Any) -> list[str]:
    """Return why a server does not serve the VIPs, from what realserver_path_info told on each director."""
    return path_failures(read_topology(services, groups, hostvars), str(host), answers)


def rolling_batch(services: Any, groups: Any, hostvars: Any, hosts: Any, checks: Any = ()) -> dict[str, Any]:
    """Return the steps of a batch of the playbook rolling, each by director."""
    names = [str(host) for host in hosts]
    failed = [host for host in names if hostvars[host].get(FAILURE)]
    return rolling.rolling_batch(read_topology(services, groups, hostvars), groups, names, checks, failed)


def unfinished_directors(directors: Any, hostvars: Any) -> list[str]:
    """Return the directors on which the role director did not run to its end in this run."""
    return [str(host) for host in directors if DONE not in hostvars[host]]


def _told(registered: Any) -> Any:
    return registered if registered and "counters" in registered else None


def _told_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except LvsError as error:
            raise AnsibleFilterError(str(error)) from error

    return wrapped


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        functions = (
            cluster_status,
            cluster_servers,
            cluster_directors,
            cluster_paths,
            drained_before,
            failed_paths,
            rolling_batch,
            service_paths,
            unfinished_directors,
            without_held,
        )
        return {function.__name__: _told_errors(function) for function in functions}
