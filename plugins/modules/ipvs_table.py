#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a director's whole IPVS table as declared, in one run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_table
short_description: Keep a director's whole IPVS table as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Does what M(lvs.cluster.ipvs_service) does for any number of services in one run, and can remove services that are not listed.
  - Services and servers are added and changed before others are removed, so that a service that is kept is never absent on
    the way, and never without a server that it keeps.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
options:
  purge:
    description:
      - Remove the services that O(services) does not list.
    type: bool
    default: false
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.ipvs.services
seealso:
  - module: lvs.cluster.ipvs_service
"""

EXAMPLES = r"""
- name: Two services, and no other on this director
  lvs.cluster.ipvs_table:
    services:
      - address: 192.0.2.30
        port: 80
        scheduler: rr
        real_servers:
          - address: 192.0.2.4
          - address: 192.0.2.5
        purge: true
      - address: 192.0.2.30
        port: 53
        protocol: udp
        one_packet: true
        real_servers:
          - address: 192.0.2.4
        purge: true
    purge: true
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [add service tcp 192.0.2.30:80 (scheduler rr)]
services:
  description: The services as they are afterwards, as options of this module.
  returned: success
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_module import Request, run_ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import SERVICE_OPTIONS, parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_services

OPTIONS: dict[str, Any] = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE_OPTIONS},
    "purge": {"type": "bool", "default": False},
}


def parse(params: Mapping[str, Any]) -> Request:
    """Return what the options ask for."""
    wanted = [parse_service(service) for service in params["services"]]
    keys = None if params["purge"] else [service.key for service in wanted]
    return Request(keys, lambda table: plan_services(table, wanted, params["purge"]))


def main() -> None:
    """Run the module."""
    run_ipvs(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), parse)


if __name__ == "__main__":
    main()
