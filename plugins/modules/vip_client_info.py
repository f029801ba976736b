#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Request services as a client does, and tell who served each visit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_client_info
short_description: Request services as a client does and tell who served
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Makes a number of visits to each service, each with a new connection, and tells which real server answered.
  - Run it on a host that is neither director nor real server, since on these the VIP is the host's own address.
options:
  services:
    description: The services to visit.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The VIP.
        type: str
        required: true
      port:
        description: The TCP port.
        type: int
        required: true
  probe:
    description:
      - V(http) asks for C(/) and reads the server's name from O(server_header); V(tcp) only connects, and can't tell the server.
    type: str
    choices: [http, tcp]
    default: http
  server_header:
    description: The response header in which a server names itself.
    type: str
    default: X-Served-By
  requests:
    description: How many visits to make to each service.
    type: int
    default: 12
  timeout:
    description: Seconds after which a visit has failed.
    type: float
    default: 5
  give_up:
    description: After how many failures in a row a service is visited no more; V(0) makes all visits in any case.
    type: int
    default: 0
extends_documentation_fragment:
  - lvs.cluster.attributes.info
seealso:
  - module: lvs.cluster.vip_owner_info
"""

EXAMPLES = r"""
- name: Who serves the clients?
  lvs.cluster.vip_client_info:
    services:
      - address: 192.0.2.30
        port: 80
  register: visits
"""

RETURN = r"""
services:
  description: The outcome for each service, in the order of O(services).
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: The service's address and port.
      type: str
    source:
      description: The host's address from which it sends to the service; empty if no route leads there.
      type: str
      version_added: 1.1.0
    servers:
      description: How many visits each server served, by the name it gave.
      type: dict
    failed:
      description: How many visits failed.
      type: int
    visits:
      description: Each visit in order, with C(server), C(error) and C(milliseconds).
      type: list
      elements: dict
    summary:
      description: The same laid out for people, one line for each visit and one for all.
      type: list
      elements: str
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import endpoint, parse_host
from ansible_collections.lvs.cluster.plugins.module_utils._core.options import in_range
from ansible_collections.lvs.cluster.plugins.module_utils._facts.requests import (
    make_requests,
    report,
    request_http,
    request_tcp,
    source_address,
)
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info

_SERVICE = {"address": {"type": "str", "required": True}, "port": {"type": "int", "required": True}}
OPTIONS: dict[str, Any] = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": _SERVICE},
    "probe": {"type": "str", "choices": ["http", "tcp"], "default": "http"},
    "server_header": {"type": "str", "default": "X-Served-By"},
    "requests": {"type": "int", "default": 12},
    "timeout": {"type": "float", "default": 5},
    "give_up": {"type": "int", "default": 0},
}


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns for its options; raise InvalidValue before anything is requested."""
    in_range("requests", options["requests"], 1, 10000)
    in_range("give_up", options["give_up"], 0, 10000)
    targets = [
        (str(parse_host(item["address"], "address")), in_range("port", item["port"], 1, 65535))
        for item in options["services"]
    ]
    reports = []
    for address, port in targets:
        request = partial(request_tcp, address, port, options["timeout"])
        if options["probe"] == "http":
            request = partial(request_http, address, port, options["timeout"], options["server_header"])
        made = make_requests(options["requests"], request, options["give_up"])
        reports.append(report(endpoint(address, port), made, source_address(address, port)))
    return {"services": reports}


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), answer)


if __name__ == "__main__":
    main()
