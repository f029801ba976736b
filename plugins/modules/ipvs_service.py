#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep one IPVS virtual service, and its real servers, as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_service
short_description: Keep one IPVS virtual service as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Adds, changes or removes one virtual service of the kernel's IPVS table (Linux Virtual Server), with its real servers.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
  - An option that is left out leaves a service or server that exists as it is, and means the documented default for a
    new one.
  - Servers are added and changed before others are removed, and a service is changed in place, so that no connection is
    cut and no pool is empty on the way.
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
  - lvs.cluster.ipvs.service
seealso:
  - module: lvs.cluster.ipvs_realserver
  - module: lvs.cluster.vip_iface
"""

EXAMPLES = r"""
- name: A web service with two servers by direct routing
  lvs.cluster.ipvs_service:
    address: 192.0.2.30
    port: 80
    scheduler: rr
    real_servers:
      - address: 192.0.2.4
      - address: 192.0.2.5
        weight: 2
    purge: true

- name: One service for everything that the firewall marks with 7, each client kept for ten minutes
  lvs.cluster.ipvs_service:
    fwmark: 7
    persistence_timeout: 600
    persistence_netmask: 255.255.255.0

- name: No service on port 8080
  lvs.cluster.ipvs_service:
    address: 192.0.2.30
    port: 8080
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample:
    - add service tcp 192.0.2.30:80 (scheduler rr)
    - add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 1)
services:
  description: The service as it is afterwards, as options of this module; empty when it is absent.
  returned: success
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    SERVICE_OPTIONS,
    WantedService,
    parse_service,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others
from ansible_collections.lvs.cluster.plugins.module_utils._table.run import IpvsRun, Snapshot, TableRequest


def parse(params: Mapping[str, Any]) -> TableRequest:
    """Return what the options ask for."""
    wanted, owner = parse_service(params), Owner.from_options(params)
    free, kept = _free(wanted, owner)

    def decide(seen: Snapshot) -> Plan[Any]:
        plan = plan_services(seen.table, free, drained=seen.drained)
        return replace(plan, warnings=(*plan.warnings, *kept))

    return TableRequest([wanted.key], decide)


def _free(wanted: WantedService, owner: Owner) -> tuple[Sequence[WantedService], Sequence[str]]:
    """Return the service unless another cluster keeps it, and a sentence if one does."""
    others = read_others(owner)
    if not others:
        return [wanted], ()
    # Nearly no host is in several clusters.
    from ansible_collections.lvs.cluster.plugins.module_utils._owner.services import settle_services

    return settle_services([wanted], owner, others)


def main() -> None:
    """Run the module."""
    spec = {**SERVICE_OPTIONS, **OWNER_OPTIONS}
    run_module(AnsibleModule(argument_spec=spec, supports_check_mode=True), lambda options: IpvsRun(parse(options)))


if __name__ == "__main__":
    main()
