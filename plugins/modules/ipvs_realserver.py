#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep one real server of one IPVS service as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_realserver
short_description: Keep one real server of an IPVS service as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Adds, changes or removes one real server of one virtual service of the kernel's IPVS table.
  - Use it where one server's owner enrols it; M(lvs.cluster.ipvs_service) keeps a whole pool in one run.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
  - An option that is left out leaves a server that exists as it is, and means the documented default for a new one.
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.ipvs.server
  - lvs.cluster.ipvs.of_service
seealso:
  - module: lvs.cluster.ipvs_service
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
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_module import Request, run_ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import (
    SERVER_OPTIONS,
    SERVICE_KEY_OPTIONS,
    parse_server,
    parse_service_key,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_server


def parse(params: Mapping[str, Any]) -> Request:
    """Return what the options ask for."""
    key = parse_service_key(params["service"])
    wanted = parse_server(params, key)
    return Request([key], lambda table: plan_server(table, key, wanted))


def main() -> None:
    """Run the module."""
    service = {"type": "dict", "required": True, "options": SERVICE_KEY_OPTIONS}
    run_ipvs(AnsibleModule(argument_spec={"service": service, **SERVER_OPTIONS}, supports_check_mode=True), parse)


if __name__ == "__main__":
    main()
