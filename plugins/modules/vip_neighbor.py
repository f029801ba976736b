#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep static neighbour entries for virtual IP addresses (VIPs) on a gateway as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_neighbor
short_description: Keep static neighbour entries for virtual IP addresses on a gateway
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Tells a gateway, or any other host on the segment, by a permanent neighbour entry which MAC has a virtual IP address (VIP), through
    rtnetlink. For such an address the host never asks by ARP (IPv4) or neighbour discovery (IPv6), and believes no answer, so that
    neither a real server that wrongly answers for the VIP nor an attacker can draw its traffic.
  - The price is that the host does not follow a VIP that moves to another director, whatever that announces; run the module with the new MAC
    then.
  - An entry that the kernel has learned, or a static one with another MAC, is changed in place. Entries of addresses that
    are not listed, and of other devices, are never touched.
  - The change is to the running kernel; M(lvs.cluster.boot_restore) brings it back after a reboot.
requirements:
  - pyroute2 on the managed host (package C(python3-pyroute2)), any version from 0.5.14 on
options:
  interface:
    description:
      - The device over which the host reaches the VIPs. It has to do ARP, as Ethernet does.
    type: str
    required: true
  neighbors:
    description:
      - The VIPs, each once.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description:
          - The VIP, IPv4 or IPv6, without a prefix length.
        type: str
        required: true
      mac:
        description:
          - The MAC of the director that has the VIP, such as V(52:54:00:00:00:03), V(52-54-00-00-00-03) or V(5254.0000.0003), in
            either case. Write it in quotes, since YAML reads some MACs as numbers.
          - Required with O(state=present). With O(state=absent) an entry is removed only if it has this MAC, and whatever
            MAC it has when this is left out.
        type: str
  state:
    description:
      - Whether the static entries are to be there.
      - V(absent) removes permanent entries only. One that the kernel has learned stays, since it would learn it again.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - The kernel drops these entries when the device is taken down (neigh_ifdown in net/core/neighbour.c) or gets another MAC
    (neigh_changeaddr), and those of IPv4 when the device loses its last IPv4 address (fib_disable_ip in
    net/ipv4/fib_frontend.c). They outlive the loss of the carrier (neigh_carrier_down). What is set on a device that is
    down stays when it is brought up.
  - A network manager such as systemd-networkd can drop static entries that it has not made itself when it configures the device.
seealso:
  - module: lvs.cluster.vip_iface
  - module: lvs.cluster.vip_owner_info
  - module: lvs.cluster.boot_restore
"""

EXAMPLES = r"""
- name: The gateway knows which director has the VIPs, and asks nobody
  lvs.cluster.vip_neighbor:
    interface: eth0
    neighbors:
      - address: 192.0.2.30
        mac: "52:54:00:00:00:03"
      - address: "2001:db8::30"
        mac: "52:54:00:00:00:03"

- name: The gateway asks again, unless someone has set another MAC since
  lvs.cluster.vip_neighbor:
    interface: eth0
    neighbors:
      - address: 192.0.2.30
        mac: "52:54:00:00:00:03"
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample:
    - set 192.0.2.30 to 52:54:00:00:00:03 on eth0
    - forget 192.0.2.31 on eth0
interface:
  description: The device.
  returned: success
  type: str
  sample: eth0
neighbors:
  description: Those of the VIPs that have an entry on the device afterwards, in the order of O(neighbors).
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The address.
      type: str
      sample: 192.0.2.30
    mac:
      description: The MAC, in lower case with colons; empty when the kernel has asked in vain.
      type: str
      sample: "52:54:00:00:00:03"
    permanent:
      description: Whether the entry is static; otherwise the kernel has learned it.
      type: bool
      sample: true
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ClientRun, Run, with_warnings
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.client import NeighborClient
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import NEIGHBOR_OPTIONS, WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.plan import plan_neighbors
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others


def make_run(options: Mapping[str, Any]) -> Run:
    """Return the run on the entries of one device."""
    owner, wanted = Owner.from_options(options), WantedNeighbors.from_options(options)
    warnings: Sequence[str] = ()
    others = read_others(owner)
    if others:  # nearly no host is in several clusters
        from ansible_collections.lvs.cluster.plugins.module_utils._owner.vips import settle_neighbors

        wanted, warnings = settle_neighbors(wanted, owner, others)
    return ClientRun(wanted, NeighborClient(), with_warnings(plan_neighbors, warnings))


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=NEIGHBOR_OPTIONS, supports_check_mode=True), make_run)


if __name__ == "__main__":
    main()
