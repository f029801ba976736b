#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell all that the kernel's IPVS knows."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_info
short_description: Tell what the kernel's IPVS table holds and counts
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Returns virtual services, real servers, counters, rates, timeouts, sysctls, sync daemons and the version of IPVS.
  - What it returns as RV(services), RV(timeouts) and RV(sysctls) is what M(lvs.cluster.ipvs_table) takes, so a table can be saved and brought back
    with nothing lost.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
options:
  services:
    description:
      - Tell of these services only. When left out, of all; those that do not exist are left out of the answer.
    type: list
    elements: dict
    suboptions:
      address:
        description: The VIP of the service.
        type: str
      port:
        description: The service's port.
        type: int
      protocol:
        description: The transport protocol; V(tcp) when left out.
        type: str
        choices: [tcp, udp, sctp]
      fwmark:
        description: The firewall mark of the service, instead of O(services[].address) and O(services[].port).
        type: int
      address_family:
        description: The address family of a O(services[].fwmark) service; V(ipv4) when left out.
        type: str
        choices: [ipv4, ipv6]
extends_documentation_fragment:
  - lvs.cluster.attributes.info
seealso:
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.ipvs_sync
"""

EXAMPLES = r"""
- name: Save the table
  lvs.cluster.ipvs_info:
  register: saved

- name: Look at one service
  lvs.cluster.ipvs_info:
    services:
      - address: 192.0.2.30
        port: 80
"""

RETURN = r"""
operations:
  description: Always empty, since nothing is done.
  returned: always
  type: list
  elements: str
services:
  description: The services with their servers, in the order of the kernel's table, as options of M(lvs.cluster.ipvs_table).
  returned: success
  type: list
  elements: dict
counters:
  description: What is counted, one entry for each of RV(services), in the same order.
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: The service in words.
      type: str
      sample: tcp 192.0.2.30:80
    totals:
      description: C(connections), C(packets_in), C(packets_out), C(bytes_in) and C(bytes_out) since the service was made; 64 bits
        each. The kernel adds them up every two seconds.
        In direct routing nothing comes back through the director, so what goes out is 0.
      type: dict
    rates:
      description: The same per second, as the kernel estimates them.
      type: dict
    real_servers:
      description: The servers in the order of RV(services), each with C(server) in words, RV(counters[].totals) and
        RV(counters[].rates) of its own, and C(connections), which has C(active), C(inactive) and C(persistent).
      type: list
      elements: dict
timeouts:
  description: Seconds after which idle connections are forgotten.
  returned: success
  type: dict
  sample: {tcp: 900, tcp_fin: 120, udp: 300}
sysctls:
  description: The sysctls of O(lvs.cluster.ipvs_table#module:sysctls).
  returned: success
  type: dict
  version_added: 1.1.0
  sample: {conn_reuse_mode: 1, expire_nodest_conn: 0, expire_quiescent_template: 0}
sync_daemons:
  description: The daemons that send (C(state=master)) or take (C(state=backup)) connections to or from another director, as options of
    M(lvs.cluster.ipvs_sync).
  returned: success
  type: list
  elements: dict
  sample: [{state: master, interface: eth0, sync_id: 7, max_length: 1472, group: 224.0.0.81, port: 8848, ttl: 1}]
drained:
  description: The servers that were drained on this host, each with the weight that it had, since when (UTC, or none where that is
    not known), and whether that is declared. Otherwise it was done by hand, and lasts until the server is restored.
  returned: success
  type: list
  elements: dict
  sample: [{service: 'tcp 192.0.2.30:80', server: '192.0.2.5:80', former_weight: 2, since: '2026-05-01T12:00:00Z', declared: false}]
addresses:
  description: The addresses that the host has now, without their prefix lengths. A service whose address is not among them gets no packets.
  returned: success
  type: list
  elements: str
  version_added: 1.1.0
  sample: [127.0.0.1, 192.0.2.3, 192.0.2.30]
version:
  description: The version of the kernel's IPVS.
  returned: success
  type: str
  sample: 1.2.1
table_size:
  description: The number of buckets of the connection table.
  returned: success
  type: int
  sample: 4096
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.client import IpvsClient
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SERVICE_KEY_OPTIONS, parse_service_key
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.state import own_addresses
from ansible_collections.lvs.cluster.plugins.module_utils._table.read import read_table

OPTIONS: dict[str, Any] = {"services": {"type": "list", "elements": "dict", "options": SERVICE_KEY_OPTIONS}}


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns for its options; raise LvsError."""
    asked = options["services"]
    keys = None if asked is None else list(dict.fromkeys(parse_service_key(service) for service in asked))
    client = IpvsClient()
    return {
        **read_table(keys, client),
        "addresses": sorted({own.address for own in own_addresses()}),
        "sync_daemons": [daemon._asdict() for daemon in client.daemons()],
        **client.engine()._asdict(),
        "operations": [],
    }


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), answer)


if __name__ == "__main__":
    main()
