#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a segment who answers for virtual IP addresses (VIPs)."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_owner_info
short_description: Ask a segment who answers for each virtual IP address
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Asks the segment, by ARP (IPv4) or neighbour discovery (IPv6), who has each address, and returns everyone who answers.
    In a healthy Direct-Routing cluster that is one MAC, the active director's.
  - Run it on a host that has none of the VIPs, such as a client or a gateway. A host does not hear itself, so that asking on
    the director or on a real server proves nothing about that host.
  - Needs nothing but Python on the managed host, and the right to open raw sockets (CAP_NET_RAW).
options:
  addresses:
    description: The VIPs; all of them are asked for together.
    type: list
    elements: str
    required: true
  interface:
    description:
      - The device whose segment is asked. When left out it is the one over which this host's main routing table reaches the
        addresses; they then have to be on one segment.
    type: str
  timeout:
    description:
      - How long answers are waited for, in seconds, all in all. The whole time is used, since a second owner may be slow.
    type: float
    default: 2
  attempts:
    description: How many times each address is asked for, spread evenly over the time.
    type: int
    default: 2
  beyond:
    description:
      - What to do about addresses that this host reaches through a gateway, so that nobody here can be asked for them, when O(interface) is left out.
      - V(leave_out) asks for the others only, and returns these as RV(beyond).
    type: str
    choices: [fail, leave_out]
    default: fail
extends_documentation_fragment:
  - lvs.cluster.attributes.info
seealso:
  - module: lvs.cluster.vip_iface
  - module: lvs.cluster.arp_sysctl
"""

EXAMPLES = r"""
- name: Who answers for the VIP?
  lvs.cluster.vip_owner_info:
    addresses: [192.0.2.30]
  register: vip

- name: One host, and the right one
  ansible.builtin.assert:
    that: vip.owners['192.0.2.30'] | map(attribute='mac') | list == ['52:54:00:00:00:03']
    fail_msg: "{{ vip.summary | join('\n') }}"
"""

RETURN = r"""
owners:
  description: For each address that was asked for, in the order of O(addresses), the list of those who answered, the first one first.
  returned: success
  type: dict
  contains:
    mac:
      description: The MAC that the answer gives for the address.
      type: str
    latency_ms:
      description: The time from the question to the answer, in milliseconds.
      type: float
  sample:
    192.0.2.30: [{mac: "52:54:00:00:00:03", latency_ms: 0.4}]
interface:
  description: The device that was asked on; empty when all addresses were left out.
  returned: success
  type: str
  sample: eth0
beyond:
  description: The addresses that were left out, each with the gateway that it is behind.
  returned: success
  type: dict
  sample: {}
local:
  description: Those of the addresses that the asking host has itself, each with the device that it is on.
  returned: success
  type: dict
  sample: {}
summary:
  description: One line for each address, for people.
  returned: success
  type: list
  elements: str
  sample: ["192.0.2.30  52:54:00:00:00:03 (0.4 ms)"]
operations:
  description: Always empty; asking changes nothing.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._arp.client import find_owners
from ansible_collections.lvs.cluster.plugins.module_utils._arp.owners import (
    OWNER_OPTIONS,
    OwnerInquiry,
    beyond_gateways,
    check_interface,
    choose_interface,
    summarise,
)
from ansible_collections.lvs.cluster.plugins.module_utils._arp.senders import choose_senders, local_addresses
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.routes import route_to
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.state import own_addresses


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns for its options; raise LvsError when nobody can be asked."""
    inquiry = OwnerInquiry.from_options(options)
    interface, beyond = inquiry.interface, dict[str, str]()
    if interface is None:
        routes = {address: route_to(address) for address in inquiry.addresses}
        beyond = beyond_gateways(routes) if inquiry.leave_out else {}
        routes = {address: route for address, route in routes.items() if address not in beyond}
        interface = choose_interface(routes) if routes else ""
    else:
        check_interface(interface)
    asked = [address for address in inquiry.addresses if address not in beyond]
    own = own_addresses()
    senders = choose_senders(asked, interface, own)
    owners = find_owners(interface, senders, inquiry.timeout, inquiry.attempts) if asked else {}
    here = local_addresses(asked, own)
    return {
        "owners": {address: [one._asdict() for one in answers] for address, answers in owners.items()},
        "interface": interface,
        "beyond": beyond,
        "local": here,
        "summary": summarise(owners, here, beyond),
        "operations": [],
    }


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=OWNER_OPTIONS, supports_check_mode=True), answer)


if __name__ == "__main__":
    main()
