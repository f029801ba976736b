#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let packets to virtual IP addresses (VIPs) through a host's packet filter, and mark them, as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_firewall
short_description: Let packets to virtual IP addresses through the packet filter, and mark them
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Opens a host's packet filter for exactly the declared ports of virtual IP addresses (VIPs), where it would drop them, and nothing else. A host that
    drops nothing gets no rule.
  - Marks packets for the virtual services that are known by a firewall mark (O(lvs.cluster.ipvs_service#module:fwmark)).
  - Every rule belongs to O(name). What is no longer declared under it is removed in the same run; rules of others are never touched.
  - In nftables an opening is a rule with the comment C(lvs.cluster NAME) at the head of each base chain of the input hook that would drop the first packet of
    an unknown client, and of the output hook where it would drop what a director forwards, or the replies. An accepting rule in a table of its own would
    not do, since a packet has to be accepted in every base chain. Chains that drop only some clients, as those of fail2ban do, are left alone.
  - The chains of iptables-nft are chains of nftables, so the rules go there too, and C(iptables -S) shows them.
  - Marks are set in a table of their own, C(inet lvs-cluster-NAME), which exists for as long as there are marks.
  - All that changes in nftables changes in one transaction.
  - The change is to the running kernel. Nothing brings it back after a reboot, or after the rules were loaded anew, but another run.
requirements:
  - libnftables and its Python binding on the managed host (package C(python3-nftables)).
options:
  name:
    description:
      - The owner of the rules, such as V(director). Lower-case letters, digits and hyphens.
    type: str
    required: true
  open:
    description:
      - What clients are to reach.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description:
          - The VIP, IPv4 or IPv6, without a prefix length.
        type: str
        required: true
      port:
        description:
          - The port; every port of the protocol when this is left out.
        type: int
      protocol:
        description:
          - The protocol.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
  marks:
    description:
      - Which packets carry which mark. No packet can have two.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description:
          - The VIP, IPv4 or IPv6, without a prefix length.
        type: str
        required: true
      ports:
        description:
          - The ports; every port of the protocol when there are none.
        type: list
        elements: int
        default: []
      protocol:
        description:
          - The protocol.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      mark:
        description:
          - The mark, from 1 to 4294967295.
        type: int
        required: true
  backend:
    description:
      - What carries the openings.
      - V(auto) takes nftables, whatever filled it.
      - V(none) opens nothing, and removes what the owner had opened; marks are set all the same.
    type: str
    choices: [auto, nftables, none]
    default: auto
  state:
    description:
      - V(absent) removes all rules of O(name), whatever O(open) and O(marks) list.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
notes:
  - What comes after an opening in its chain, such as a rate limit, does not apply to what it opens.
  - Neither firewalld nor ufw is told of anything. Both fill chains that the kernel shows in nftables, and openings there last until they load their
    rules anew. A firewalld that owns its table (C(NftablesTableOwner)) refuses them, and the module fails; open the VIPs in firewalld
    itself then, and set O(backend=none) here for the marks.
  - Rules that the old iptables (C(iptables-legacy)) holds can't be seen through nftables. The module warns when there are any.
  - Filters of the ingress hook, of the prerouting hook and of C(bridge) tables are not looked at.
  - Do not store the running rules in the configuration of nftables or iptables (C(nft list ruleset), C(iptables-save)) while they hold openings; the
    iptables tools store the comment in a form that nftables does not show, so that the opening would be nobody's.
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.vip_iface
"""

EXAMPLES = r"""
- name: Clients reach the web service, through whatever filter the host has
  lvs.cluster.vip_firewall:
    name: director
    open:
      - address: 192.0.2.30
        port: 80
      - address: "2001:db8::30"
        port: 80

- name: HTTP and HTTPS are one virtual service, known by mark 1
  lvs.cluster.vip_firewall:
    name: director
    open:
      - address: 192.0.2.30
        port: 80
      - address: 192.0.2.30
        port: 443
    marks:
      - address: 192.0.2.30
        ports: [80, 443]
        mark: 1

- name: The filter is as it was before
  lvs.cluster.vip_firewall:
    name: director
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample:
    - open tcp 192.0.2.30:80 in inet filter input
    - make table inet lvs-cluster-director
    - mark tcp 192.0.2.30:80,443 with 1
backend:
  description: What carries the openings.
  returned: success
  type: str
  sample: nftables
openings:
  description: What is open by the owner's rules afterwards, by where that is.
  returned: success
  type: dict
  sample:
    inet filter input: ["tcp 192.0.2.30:80"]
marks:
  description: The packets that are marked by the owner's rules afterwards, and the mark.
  returned: success
  type: list
  elements: str
  sample: ["tcp 192.0.2.30:80,443 with 1"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._firewall_module import run_firewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall_wanted import FIREWALL_OPTIONS


def main() -> None:
    """Run the module."""
    run_firewall(AnsibleModule(argument_spec=FIREWALL_OPTIONS, supports_check_mode=True))


if __name__ == "__main__":
    main()
