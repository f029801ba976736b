# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the playbooks status, drain, restore, rolling and teardown, and of what a run leaves.

Ansible imports every filter file to find one filter, so a filter that needs much imports it when it is called.
"""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._path.services import service_paths as _service_paths
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations import left, outcome, rolling
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.servers import (
    directors_of,
    identified,
    left_alone,
    merged,
    path_failures,
    paths_of,
    servers_of,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology import reach
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.descriptions import descriptions
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.inventory import (
    DIRECTORS,
    GATEWAYS,
    REALSERVERS,
    SERVICES,
    Inventory,
)
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Topology
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_from

# The facts that the playbook teardown sets: the roles that it has removed from a host, and who could not be reached
TORN_DOWN = "teardown_done"
REACHED = "teardown_reach"
ROLES = {"director": DIRECTORS, "realserver": REALSERVERS, "gateway": GATEWAYS}
# What the playbook status registers on each director
RESULT = "__status"
PATHS = "__status_paths"
# What the playbook failover registers on each director
FAILOVER = ("__failover_roles", "__failover_table", "__failover_paths")
# The fact that the playbook rolling sets on a host whose update failed
FAILURE = "rolling_failure"
# The fact that the role director sets when it is done
DONE = "director_result"
# The facts with what lvs_services means for a host, and with whether it still has what is not declared any more
VIEW = "_topology_view"
LEFTOVERS = "realserver_leftovers"


def cluster_status(services: Any, groups: Any, hostvars: Any) -> dict[str, Any]:
    """Return what each director holds and counts, as `directors`, the same for people, as `lines`, and `errors`."""
    from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.status import directors_status, status_lines

    inventory = Inventory(groups, hostvars)
    directors, lines, errors = [], [], []
    for one in descriptions(services, inventory):
        read = read_from(one.services, inventory)
        told = {host: _told(inventory.own(host).get(RESULT)) for host in directors_of(read)}
        paths = {host: (inventory.own(host).get(PATHS) or {}).get("paths") or () for host in told}
        lost = reach.lost_hosts({host: [inventory.own(host).get(name) for name in (RESULT, PATHS)] for host in told})
        declared = {host: reach.states(read, one.members(inventory), inventory.own(host), host) for host in lost}
        errors += [finding.sentence for finding in reach.report(lost, declared, "lvs.cluster.status").errors]
        found = directors_status(read, told, paths, {host: why.rule for host, why in lost.items()})
        directors += found
        lines += one.titled(status_lines(found))
    return {"directors": directors, "lines": lines, "errors": errors}


def _merged(services: Any, inventory: Inventory) -> Topology:
    """Return all clusters of the inventory as one: an operator names hosts, which are in one of them."""
    return merged(read_from(one.services, inventory) for one in descriptions(services, inventory))


def _servers(inventory: Inventory, read: Topology, names: Any, host: str) -> list[str]:
    return servers_of(read, inventory.groups, identified(names, inventory), host)


def cluster_servers(services: Any, groups: Any, hostvars: Any, names: Any, host: str) -> list[str]:
    """Return the addresses that a director has of these servers."""
    inventory = Inventory(groups, hostvars)
    return _servers(inventory, _merged(services, inventory), names, str(host))


def cluster_directors(services: Any, groups: Any, hostvars: Any, names: Any = None) -> list[str]:
    """Return all directors that are not absent; with names of servers only those that have some of them."""
    inventory = Inventory(groups, hostvars)
    read = _merged(services, inventory)
    return [host for host in directors_of(read) if names is None or _servers(inventory, read, names, host)]


def cluster_members(services: Any, groups: Any, hostvars: Any, role: str) -> list[str]:
    """Return the hosts that have a role, and no other lvs_services than this one."""
    return Inventory(groups, hostvars).members_of(services, str(role))


def drained_before(services: Any, groups: Any, hostvars: Any, hosts: Any, answers: Any) -> list[str]:
    """Return those of the hosts that had been drained, from what ipvs_drain told on each director."""
    return left_alone(_merged(services, Inventory(groups, hostvars)), map(str, hosts), answers)


def cluster_paths(services: Any, groups: Any, hostvars: Any, host: str, names: Any = None) -> list[dict[str, Any]]:
    """Return what realserver_path_info is to prove on a director: of these servers, or of all."""
    inventory = Inventory(groups, hostvars)
    read = _merged(services, inventory)
    addresses = None if names is None else _servers(inventory, read, names, str(host))
    return paths_of(read, str(host), addresses)


def service_paths(services: Any, marks: Any = (), prove_ports: Any = ()) -> list[dict[str, Any]]:
    """Return what realserver_path_info is to prove of the services of ipvs_table."""
    return _service_paths(services, marks, prove_ports)


def without_held(services: Any, held: Any) -> list[dict[str, Any]]:
    """Return services of ipvs_table without the servers that it held back."""
    from ansible_collections.lvs.cluster.plugins.module_utils._table.readiness import without_held as _without_held

    return _without_held(services, held)


def failed_paths(services: Any, groups: Any, hostvars: Any, host: str, answers: Any) -> list[str]:
    """Return why a server does not serve the VIPs, from what realserver_path_info told on each director."""
    return path_failures(_merged(services, Inventory(groups, hostvars)), str(host), answers)


def rolling_batch(
    services: Any, groups: Any, hostvars: Any, hosts: Any, checks: Any = (), changes: Any = ()
) -> dict[str, Any]:
    """Return the steps of a batch of the playbook rolling, each by director, and why it cannot go on."""
    names, inventory = [str(host) for host in hosts], Inventory(groups, hostvars)
    failed = [host for host in names if inventory.own(host).get(FAILURE)]
    return rolling.rolling_batch(_merged(services, inventory), groups, names, checks, failed, changes)


def step_outcome(services: Any, groups: Any, hostvars: Any, names: Any, registered: str, playbook: str) -> Any:
    """Return what a step on the directors came to, from what it registered there."""
    inventory = Inventory(groups, hostvars)
    read = _merged(services, inventory)
    results = {host: inventory.own(host).get(registered) or {} for host in directors_of(read)}
    found = outcome.step_outcome(read, groups, identified(names, inventory), results, playbook)
    return {name: list(values) for name, values in found._asdict().items()}


def reach_report(services: Any, groups: Any, hostvars: Any, hosts: Any, registered: str, playbook: str) -> Any:
    """Return errors and warnings about the hosts that a task could not reach, from what it registered there."""
    inventory = Inventory(groups, hostvars)
    lost = reach.lost_hosts({str(host): [inventory.own(str(host)).get(registered)] for host in hosts})
    report = reach.report(lost, _states(services, inventory, lost), playbook)
    return {
        "errors": [finding.sentence for finding in report.errors],
        "warnings": [finding.sentence for finding in report.warnings],
        "unreachable": list(report.unreachable),
    }


def _states(services: Any, inventory: Inventory, hosts: Any) -> dict[str, dict[str, set[str]]]:
    """Return the declared states of hosts; without services, those of their own variables."""
    read = _merged(services, inventory)
    members = {role: inventory.members(role) for role in ROLES.values()}
    return {str(host): reach.states(read, members, inventory.own(str(host)), str(host)) for host in hosts}


def left_behind(services: Any, groups: Any, hostvars: Any, unreachable: Any) -> list[str]:
    """Return what the playbook site leaves on hosts that it could not reach, and on servers because of these."""
    inventory = Inventory(groups, hostvars)
    declared = _states(services, inventory, unreachable)
    directors = [host for host in inventory.members(DIRECTORS) if host in declared]
    holding = [host for host in inventory.members(REALSERVERS) if inventory.own(host).get(LEFTOVERS)]
    return left.left_behind(_merged(services, inventory), declared, directors, holding)


def teardown_left(groups: Any, hostvars: Any, hosts: Any) -> dict[str, Any]:
    """Return by role the hosts that teardown has left, and lines for people; `hosts` are those that it was run for."""
    inventory = Inventory(groups, hostvars)
    members = {role: inventory.members(group) for role, group in ROLES.items()}
    asked = {str(host): [role for role in ROLES if host in members[role]] for host in hosts}
    found = left.torn_down(asked, {host: inventory.own(host).get(TORN_DOWN) or () for host in asked})
    unreachable = {host for host in asked if host in (inventory.own(host).get(REACHED) or {}).get("unreachable", ())}
    senders = {}
    for host in found.get("realserver", ()):
        directors = inventory.members_of(inventory.own(host).get(SERVICES), DIRECTORS)
        senders[host] = [one for one in directors if "director" not in (inventory.own(one).get(TORN_DOWN) or ())]
    return {**{role: found.get(role, []) for role in ROLES}, "lines": left.teardown_lines(found, unreachable, senders)}


def failover_problems(directors: Any, hostvars: Any, target: Any) -> list[str]:
    """Return why a director must not take the VIPs over, from what the playbook failover registered on each."""
    from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.handover import handover_problems

    told: dict[str, dict[str, Any]] = {
        str(host): {
            "roles": hostvars[host].get(FAILOVER[0]) or {},
            "table": hostvars[host].get(FAILOVER[1]) or {},
            "paths": (hostvars[host].get(FAILOVER[2]) or {}).get("paths") or (),
        }
        for host in directors
    }
    masters = {
        host: one
        for host, one in told.items()
        if host != target and any(each["role"] == "master" for each in one["roles"].get("instances", ()))
    }
    return handover_problems(told[str(target)], masters)


def unfinished_directors(directors: Any, hostvars: Any) -> list[str]:
    """Return the directors on which the role director did not run to its end in this run."""
    return [str(host) for host in directors if DONE not in hostvars[host]]


def leaving_servers(servers: Any, hostvars: Any) -> list[str]:
    """Return the real servers of this run from which `site` may remove VIPs."""
    views = {host: hostvars[host].get(VIEW) or {} for host in map(str, servers) if host in hostvars}
    left = {host for host in views if hostvars[host].get(LEFTOVERS)}
    return [host for host, view in views.items() if view and (host in left or "realserver" not in view["roles"])]


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
            cluster_members,
            cluster_paths,
            drained_before,
            failed_paths,
            failover_problems,
            leaving_servers,
            left_behind,
            reach_report,
            rolling_batch,
            service_paths,
            step_outcome,
            teardown_left,
            unfinished_directors,
            without_held,
        )
        return {function.__name__: _told_errors(function) for function in functions}
