#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep one real server of one IPVS service as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_realserver
short_description: Keep one real server of an IPVS service as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Adds, changes, drains or removes one real server of one virtual service of the kernel's IPVS table.
  - Use it where one server's owner enrols it; M(lvs.cluster.ipvs_service) keeps a whole pool in one run.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
  - An option that is left out leaves a server that exists as it is, and means the documented default for a new one.
options:
  drain_timeout:
    description:
      - With O(state=drained), the seconds to wait for the connections to end. When they are over the task fails, the server
        keeps weight 0, and another run waits again.
    type: int
    default: 300
  drain_connections:
    description:
      - With O(state=drained), which of the server's counts must be 0. V(active) are the established connections, V(inactive) those
        in any other state (and all UDP flows), V(persistent) the clients that persistence still sends there.
      - V([active]) when left out, and V([active, inactive]) for udp and marks. V([]) waits for nothing.
    type: list
    elements: str
    choices: [active, inactive, persistent]
  drain_remove:
    description:
      - With O(state=drained), remove the server at the end of the wait.
    type: bool
    default: false
  restore_weight:
    description:
      - With O(state=present), give the server the weight back that it had before it was drained, and when it was removed since,
        all of its settings. Excludes O(weight).
    type: bool
    default: false
  state:
    description:
      - V(present) and V(absent) tell whether the server is to be in the pool.
      - V(drained) sets its weight to 0, so that it gets no new connections, and waits for those that it has.
      - A drained server is remembered on the director, in C(/var/lib/lvs-cluster/drained.json), with what it was before. A run of any
        module that does not name its weight leaves it drained, even when it has to add it anew, and so does a boot; naming a weight,
        O(restore_weight), or removing it ends that.
    type: str
    choices: [present, absent, drained]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
  - lvs.cluster.ipvs.server
  - lvs.cluster.ipvs.of_service
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.ipvs_info
"""

EXAMPLES = r"""
- name: Enrol this server at the director with a double share
  lvs.cluster.ipvs_realserver:
    service:
      address: 192.0.2.30
      port: 80
    address: 192.0.2.5
    weight: 2
  delegate_to: director

- name: Let a server finish what it does, and take it out for maintenance
  lvs.cluster.ipvs_realserver:
    service: {address: 192.0.2.30, port: 80}
    address: 192.0.2.5
    state: drained
    drain_timeout: 120
  delegate_to: director

- name: Give it its share again
  lvs.cluster.ipvs_realserver:
    service: {address: 192.0.2.30, port: 80}
    address: 192.0.2.5
    restore_weight: true
  delegate_to: director

- name: Take a server out of the pool
  lvs.cluster.ipvs_realserver:
    service: {address: 192.0.2.30, port: 80}
    address: 192.0.2.5
    state: absent
  delegate_to: director
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [add server 192.0.2.5:80 to tcp 192.0.2.30:80 (direct, weight 2)]
services:
  description: The service with all its servers as it is afterwards, as options of M(lvs.cluster.ipvs_service).
  returned: success
  type: list
  elements: dict
drain:
  description: How the wait went.
  returned: when it waited, also when the deadline passed
  type: dict
  contains:
    seconds:
      description: How long it waited.
      type: float
      sample: 12.3
    connections:
      description: The counts at the end.
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

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._drain.plan import (
    check_restore,
    parse_drain,
    plan_drain,
    plan_restore,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    DRAIN_OPTIONS,
    SERVER_OPTIONS,
    SERVICE_KEY_OPTIONS,
    parse_server,
    parse_service_key,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_server
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others
from ansible_collections.lvs.cluster.plugins.module_utils._table.run import IpvsRun, TableRequest


def parse(params: Mapping[str, Any]) -> TableRequest:
    """Return what the options ask for."""
    key, owner = parse_service_key(params["service"]), Owner.from_options(params)
    others = read_others(owner)
    if others:  # nearly no host is in several clusters
        from ansible_collections.lvs.cluster.plugins.module_utils._owner.services import refuse_service

        refuse_service(key, owner, others)
    wanted = parse_server(params, key)
    if params["state"] == "drained":
        drain, places = parse_drain(params), [(key, wanted.key)]
        return TableRequest(
            [key],
            lambda seen: plan_drain(seen.table, seen.connections, places, drain, seen.drained),
            counted=lambda _table: [key],
        )
    if params["restore_weight"]:
        check_restore(params)
        return TableRequest([key], lambda seen: plan_restore(seen.table, key, wanted, seen.drained))
    return TableRequest([key], lambda seen: plan_server(seen.table, key, wanted, seen.drained))


def main() -> None:
    """Run the module."""
    service = {"type": "dict", "required": True, "options": SERVICE_KEY_OPTIONS}
    options = {"service": service, **SERVER_OPTIONS, **DRAIN_OPTIONS, **OWNER_OPTIONS}
    run_module(AnsibleModule(argument_spec=options, supports_check_mode=True), lambda options: IpvsRun(parse(options)))


if __name__ == "__main__":
    main()
