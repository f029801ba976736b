#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain real servers in all services of a director, and give them their weights back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_drain
short_description: Drain real servers in all services of a director, and restore them
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Takes any number of real servers out of service in one run, in every virtual service that has them, without cutting their connections,
    and gives them their weights back later.
  - Services that another cluster declares on the host are not changed, and named in a warning (see O(owner)).
  - While it waits for the connections to end, it tells again and again how many are left.
  - A server that was drained is remembered on the director, in C(/var/lib/lvs-cluster/drained.json), with its weight and the time.
    It stays drained over a boot, and whenever the role P(lvs.cluster.director#role) runs, until it is restored.
  - What the kernel takes for known clients comes to it still, with weight 0 as well. These are clients of a persistent service, unless
    the sysctl C(expire_quiescent_template) is on, and those that use a port again, unless C(conn_reuse_mode) is V(2), as the role has
    it; see O(lvs.cluster.ipvs_table#module:sysctls).
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
options:
  servers:
    description:
      - The servers' own addresses.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(drained) sets their weights to 0, so that they get no new connections, and waits for those that they have.
      - V(restored) gives each the weight back that it had before, and brings back a server that was removed after a drain. One that is
        declared drained (O(lvs.cluster.ipvs_table#module:services[].real_servers[].state)) stays so.
    type: str
    choices: [drained, restored]
    default: drained
  drain_timeout:
    description:
      - The seconds to wait for the connections to end, for all the servers together. When they are over the task fails, the servers keep
        weight 0, and another run waits again. V(0) does not wait, and so fails when there are connections.
    type: int
    default: 300
  drain_interval:
    description:
      - After how many seconds of waiting a line tells how many connections are left; the module is then run again on the host.
        With V(0) nothing is told until the end, and there is one run.
    type: int
    default: 5
  drain_connections:
    description:
      - Which of the servers' counts must be 0. V(active) are the established connections, V(inactive) those in any other state (and all UDP
        flows), V(persistent) the clients that persistence still sends there.
      - V([active]) when left out, and V([active, inactive]) for udp and marks. V([]) waits for nothing.
    type: list
    elements: str
    choices: [active, inactive, persistent]
  may_be_empty:
    description:
      - Whether a service may be left with no server that gets connections. Otherwise that is refused, and nothing is changed.
    type: bool
    default: false
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
seealso:
  - module: lvs.cluster.ipvs_realserver
    description: Drains one server of one service, and can remove it then.
  - module: lvs.cluster.ipvs_info
    description: Tells which servers are drained, and since when.
"""

EXAMPLES = r"""
- name: Let a server finish what it does
  lvs.cluster.ipvs_drain:
    servers: [192.0.2.5]
    drain_timeout: 120
  delegate_to: director

- name: Give it its weight back
  lvs.cluster.ipvs_drain:
    servers: [192.0.2.5]
    state: restored
  delegate_to: director
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: ["drain server 192.0.2.5:80 of tcp 192.0.2.30:80: weight 2 -> 0"]
services:
  description: The services that have these servers as they are afterwards, as options of M(lvs.cluster.ipvs_table).
  returned: success
  type: list
  elements: dict
already_drained:
  description: With O(state=drained), those of O(servers) that had been drained before.
  returned: success, and when the deadline passed
  type: list
  elements: str
drain:
  description: How the wait went.
  returned: with O(state=drained), also when the deadline passed; not by a rehearsal of what would wait
  type: dict
  contains:
    seconds:
      description: How long it waited.
      type: float
      sample: 12.3
    connections:
      description: The counts of all these servers together at the end.
      type: dict
      sample: {active: 0, inactive: 4, persistent: 0}
    progress:
      description: One entry for each change of the counts that was seen, with the second in which it was.
      type: list
      elements: dict
      sample: [{seconds: 0.0, active: 2, inactive: 4, persistent: 0}, {seconds: 12.3, active: 0, inactive: 4, persistent: 0}]
    left:
      description: A sentence for each server that still has connections at the end; empty when all went well.
      type: list
      elements: str
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._drain.plan import (
    parse_addresses,
    parse_drain,
    plan_drain_everywhere,
    plan_restore_everywhere,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import ServiceKey, Table
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import DRAIN_OPTIONS
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import Declaration, read_others
from ansible_collections.lvs.cluster.plugins.module_utils._table.run import IpvsRun, Snapshot, TableRequest

OPTIONS: dict[str, Any] = {
    "servers": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["drained", "restored"], "default": "drained"},
    "drain_timeout": DRAIN_OPTIONS["drain_timeout"],
    "drain_interval": {"type": "int", "default": 5},
    "drain_connections": DRAIN_OPTIONS["drain_connections"],
    "may_be_empty": {"type": "bool", "default": False},
    **OWNER_OPTIONS,
}


def parse(params: Mapping[str, Any]) -> TableRequest:
    """Return what the options ask for."""
    addresses, drain = parse_addresses(params["servers"]), parse_drain(params)
    others = read_others(Owner.from_options(params))

    def counted(table: Table) -> Iterable[ServiceKey]:
        return [key for key in table if any(server.address in addresses for server in table[key].servers)]

    def decide(seen: Snapshot) -> Plan[Any]:
        table, warnings = _free(seen.table, others, counted)
        if params["state"] == "restored":
            plan = plan_restore_everywhere(table, addresses, seen.drained)
        else:
            plan = plan_drain_everywhere(
                table, seen.connections, addresses, drain, seen.drained, params["may_be_empty"]
            )
        return replace(plan, warnings=(*plan.warnings, *warnings))

    return TableRequest(None, decide, None if params["state"] == "restored" else counted)


def _free(
    table: Table, others: Sequence[Declaration], counted: Callable[[Table], Iterable[ServiceKey]]
) -> tuple[Table, Sequence[str]]:
    """Return the table without the services of other clusters, and a sentence for each that has one of the servers."""
    if not others:
        return table, ()
    # Nearly no host is in several clusters.
    from ansible_collections.lvs.cluster.plugins.module_utils._owner.services import untouched_words, without_claimed

    free, claimed = without_claimed(table, others)
    elsewhere = {key: claim for key, claim in claimed.items() if key in counted(table)}
    return free, untouched_words(elsewhere)


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), lambda options: IpvsRun(parse(options)))


if __name__ == "__main__":
    main()
