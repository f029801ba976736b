#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what a preflight has to know of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_info
short_description: Tell what has to be known of a host before it joins a cluster
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Reads devices, addresses, default gateways, the ARP sysctls in effect, whether the kernel has IPVS and its schedulers, and what
    else manages IPVS on the host; and asks the segment who answers for addresses.
  - Judges nothing. The playbook C(lvs.cluster.preflight) does, for all hosts together.
  - Needs nothing but Python on the managed host and, where addresses are asked for, the right to open raw sockets (CAP_NET_RAW).
options:
  addresses:
    description:
      - Addresses to ask the segment for, by ARP (IPv4) or neighbour discovery (IPv6); each on the device over which the host
        reaches it directly, by its routing rules and tables. Everyone who answers within 0.6 seconds is told; the segments are asked one after the other.
    type: list
    elements: str
    default: []
  interface:
    description: The device to ask on for addresses that are on no network of this host.
    type: str
  schedulers:
    description: Schedulers to look for, such as V(wlc).
    type: list
    elements: str
    default: []
  table:
    description: Whether to read the services and servers that IPVS has, if the kernel has loaded it. It needs CAP_NET_ADMIN.
    type: bool
    default: false
    version_added: 1.1.0
  boots:
    description: The names of M(lvs.cluster.boot_restore) whose declarations are read.
    type: list
    elements: str
    default: []
    version_added: 1.1.0
extends_documentation_fragment:
  - lvs.cluster.attributes.info
seealso:
  - module: lvs.cluster.vip_owner_info
  - module: lvs.cluster.ipvs_info
"""

EXAMPLES = r"""
- name: Look at this host, and ask for a server and a VIP
  lvs.cluster.preflight_info:
    addresses: [192.0.2.4, 192.0.2.30]
    schedulers: [wlc]
  register: before
"""

RETURN = r"""
facts:
  description: What was found.
  returned: success
  type: dict
  contains:
    kernel:
      description: The kernel's release.
      type: str
    interfaces:
      description:
        - The devices, each with C(name), C(mac) (empty where it is no Ethernet), C(up), C(addresses) with their prefix lengths, and
          whether C(proxy_arp), C(arp_filter), C(forwarding) and C(accept_local) (IPv4) act on it, and whether it does ARP or neighbour
          discovery (C(arp)).
        - C(arp_ignore) and C(rp_filter) are the values in effect.
      type: list
      elements: dict
    gateways:
      description: The gateways of default routes, each with C(address) and C(interface).
      type: list
      elements: dict
    ip_vs:
      description: V(loaded), V(builtin), V(module) (can be loaded), V(absent), or V(unknown) where the host hides its modules.
      type: str
    schedulers:
      description: For each of O(schedulers) whether it is C(available), and a C(remedy) where it is not.
      type: dict
    managers:
      description:
        - The other programs that write the IPVS table or assign virtual addresses here, now or at boot, each with C(name), C(evidence), C(sure)
          (false when it may not), C(table) (whether it writes the table) and C(addresses) (those that its configuration assigns).
      type: list
      elements: dict
    owners:
      description: For each of O(addresses) that could be asked for the MACs that answered.
      type: dict
    unasked:
      description: The addresses that could not be asked for, each with the reason.
      type: dict
    routes:
      description:
        - For each of O(addresses) the C(interface) by which the host reaches it, and the C(gateway) (empty on the segment of the interface). Both are
          empty where there is no route. For an own address the main routing table says where it would be.
      type: dict
    filtered:
      description:
        - For each device with a strict C(rp_filter) the own IPv4 addresses to which the kernel drops packets that come in on it from clients of
          other networks, since the host answers these clients by another device.
      type: dict
    ipv6_forwarding:
      description: Whether the host forwards IPv6.
      type: bool
    libraries:
      description: Which of the Python libraries V(nftables) and V(pyroute2) this Python finds.
      type: list
      elements: str
    packages:
      description: The packages of these libraries. The roles do not install them again in the same run.
      type: list
      elements: str
    declarations:
      description:
        - The declarations of M(lvs.cluster.boot_restore), of all clusters that have one on the host, each with C(owner), C(name), C(vips), C(services), and a
          C(problem) if its file cannot be read.
      type: list
      elements: dict
      version_added: 1.1.0
  sample:
    kernel: 6.1.0-30-amd64
    interfaces:
      - name: eth0
        mac: "52:54:00:00:00:03"
        up: true
        addresses: [192.0.2.3/24]
        proxy_arp: false
        arp_filter: false
        forwarding: false
        arp_ignore: 0
        arp: true
        accept_local: false
        rp_filter: 2
    gateways: [{address: 192.0.2.1, interface: eth0}]
    ip_vs: module
    schedulers: {wlc: {available: true, remedy: ""}}
    managers:
      - {name: keepalived, evidence: virtual_server in /etc/keepalived/keepalived.conf, sure: true, table: true, addresses: [192.0.2.30]}
    owners: {192.0.2.4: ["52:54:00:00:00:04"], 192.0.2.30: []}
    unasked: {}
    routes: {192.0.2.4: {interface: eth0, gateway: ""}, 192.0.2.30: {interface: eth0, gateway: ""}}
    filtered: {}
    ipv6_forwarding: false
    libraries: [nftables, pyroute2]
    packages: [python3-nftables, python3-pyroute2]
    declarations:
      - {owner: default, name: director, vips: [192.0.2.30], services: ["tcp 192.0.2.30:80"], problem: ""}
table:
  description: What M(lvs.cluster.ipvs_info) returns as C(services), C(counters), C(drained), C(timeouts) and C(sysctls); empty unless O(table=true), if
    the kernel has not loaded IPVS, and if the table cannot be read.
  returned: success
  type: dict
boots:
  description: For each of O(boots) what M(lvs.cluster.verify_info) returns as RV(lvs.cluster.verify_info#module:boots). One that cannot be read is left out.
  returned: success
  type: dict
operations:
  description: Always empty; looking changes nothing.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.address import parse_host
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._facts.client import read_facts
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import LOADED
from ansible_collections.lvs.cluster.plugins.module_utils._facts.state import read_boots
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info

OPTIONS: dict[str, Any] = {
    "addresses": {"type": "list", "elements": "str", "default": []},
    "interface": {"type": "str"},
    "schedulers": {"type": "list", "elements": "str", "default": []},
    "table": {"type": "bool", "default": False},
    "boots": {"type": "list", "elements": "str", "default": []},
}


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns for its options; raise LvsError when something can't be read."""
    addresses = dict.fromkeys(str(parse_host(address, "addresses")) for address in options["addresses"])
    facts = read_facts(list(addresses), options["schedulers"], options["interface"])
    table = _table() if options["table"] and facts.ip_vs == LOADED else {}
    return {"facts": facts.as_values(), "table": table, "boots": _boots(options["boots"]), "operations": []}


# A director alone reads its table, and compiles what does that.
def _table() -> dict[str, Any]:
    from ansible_collections.lvs.cluster.plugins.module_utils._table.read import read_table

    # Without it only the removal of VIPs cannot be checked.
    with suppress(LvsError):
        return read_table()
    return {}


def _boots(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the declarations that can be read: the role writes the others again."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        with suppress(LvsError):
            found.update(read_boots([name]))
    return found


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), answer)


if __name__ == "__main__":
    main()
