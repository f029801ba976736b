#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep virtual IP addresses (VIPs) of a real server out of ARP by a packet filter, as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_arp_filter
short_description: Keep virtual IP addresses out of ARP by a packet filter
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Makes a real server neither answer ARP requests for virtual IP addresses (VIPs) nor name a VIP as the sender of its own requests, whatever
    the ARP sysctls say, as C(arptables) does in the classic how-to. The other way is M(lvs.cluster.arp_sysctl).
  - Incoming ARP for a VIP is dropped. In outgoing ARP from a VIP the sender becomes O(source_address), so that the answer comes to that, and nobody
    learns the server's MAC as the VIP's.
  - It is nftables (through libnftables, no command is run), in a table of its own, C(arp lvs-cluster-NAME), or C(arp lvs-cluster-OWNER.NAME)
    with an O(owner) other than V(default). Other programs' rules do not touch it,
    and it is made, changed and removed as a whole, in one transaction. The kernel rewrites ARP in the output hook of nftables, so neither the
    old C(arptables) nor its kernel modules are needed.
  - The change is to the running kernel; M(lvs.cluster.boot_restore) brings it back after a reboot.
requirements:
  - libnftables and its Python binding on the managed host (package C(python3-nftables)).
options:
  name:
    description:
      - The owner of the table, such as V(realserver). Lower-case letters, digits and hyphens.
    type: str
    required: true
  addresses:
    description:
      - The VIPs, without prefix lengths.
      - Those of IPv6 need nothing, since neighbour discovery answers only for addresses of the device that is asked on, and a real server's VIP is
        on another one, such as C(lo); they may be listed, and are passed over.
    type: list
    elements: str
    default: []
  source_address:
    description:
      - The host's own IPv4 address (RIP), on the segment of the director. Required as soon as there is a VIP of IPv4.
      - An address that the host does not have is refused, since its owner would be cut off.
    type: str
  purge:
    description:
      - Whether VIPs that an earlier run listed under O(name), and this one does not, are let into ARP again. Say V(false) for as long as the host may
        still have them.
    type: bool
    default: true
  state:
    description:
      - V(absent) removes the table of O(name), whatever O(addresses) lists.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - Filter first, VIP second; on the way back the VIP goes first.
  - Not for the host that answers for a VIP, such as a director that is a real server of its own VIP too; use M(lvs.cluster.arp_sysctl) there.
  - What a program sends through a raw socket, as C(arping) does and network managers do when they look for conflicts, passes no filter.
  - On a host with addresses on several segments ARP that leaves on another one has O(source_address) as its sender too.
  - A program that empties nftables (C(nft flush ruleset), which Debian's C(/etc/nftables.conf) begins with) removes this table with all others.
seealso:
  - module: lvs.cluster.arp_sysctl
  - module: lvs.cluster.vip_iface
  - module: lvs.cluster.vip_owner_info
"""

EXAMPLES = r"""
- name: Neither answer for the VIP nor ask in its name
  lvs.cluster.vip_arp_filter:
    name: realserver
    addresses: [192.0.2.30]
    source_address: 192.0.2.4

- name: Then the VIP can come
  lvs.cluster.vip_iface:
    interface: lo
    addresses: [192.0.2.30]

- name: ARP is as it was before
  lvs.cluster.vip_arp_filter:
    name: realserver
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample:
    - keep 192.0.2.30 out of ARP, and ask as 192.0.2.4 (table arp lvs-cluster-realserver)
addresses:
  description: The VIPs that are kept out of ARP afterwards.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.30]
source_address:
  description: The address that asks in their place; empty when there are none.
  returned: success
  type: str
  sample: 192.0.2.4
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._arp_filter.client import ArpFilterClient
from ansible_collections.lvs.cluster.plugins.module_utils._arp_filter.options import ARP_FILTER_OPTIONS, WantedArpFilter
from ansible_collections.lvs.cluster.plugins.module_utils._arp_filter.plan import plan_arp_filter, refuse_foreign_source
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ClientRun, Run
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Ruleset
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.state import own_addresses


def decide(ruleset: Ruleset, wanted: WantedArpFilter) -> Plan[Any]:
    """Return the plan, where the host has the source; a boot does not wait for that."""
    refuse_foreign_source(wanted, [own.address for own in own_addresses()])
    return plan_arp_filter(ruleset, wanted)


def make_run(options: Mapping[str, Any]) -> Run:
    """Return the run on the filter, which silences no VIP of another cluster."""
    wanted, owner = WantedArpFilter.from_options(options), Owner.from_options(options)
    others = read_others(owner)
    if others:  # nearly no host is in several clusters
        from ansible_collections.lvs.cluster.plugins.module_utils._owner.vips import refuse_vips

        refuse_vips(sorted(wanted.addresses), owner, others)
    return ClientRun(wanted, ArpFilterClient(), decide)


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=ARP_FILTER_OPTIONS, supports_check_mode=True), make_run)


if __name__ == "__main__":
    main()
