#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
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
  - Every rule belongs to O(name). What is no longer declared under it is removed in the same run (but see O(purge)); rules of others are never touched.
  - An opening overrides only what drops all packets that no other rule has decided about. This is the policy of a chain, or a rule without conditions that
    drops or rejects everything. An opening never precedes a rule that drops some of the packets for another reason, such as a ban or a rate.
  - The module adds no opening where rules of the administrator decide about the address or the port. This is the case when they drop its packets, or when
    they accept some clients of the opening, by their address, device, rate or mark. RV(left_to_administrator) lists these rules, and the module
    warns. To open for further clients, list them as O(open[].source).
  - The module adds no opening when a rule that may accept the packets cannot be evaluated; see O(undecided).
  - Where firewalld runs, the openings are a policy of its own, C(lvs-NAME), running and permanent. The policy comes after the rules of zones and of other
    policies, and before the targets of the zones. Sources and devices that the administrator assigned to a zone with the target C(DROP) or C(REJECT) are
    not opened, unless it is the default zone, or all zones have such a target.
  - Answers that pass the host are another policy of firewalld, C(lvs-NAME_via), from any zone to any.
    firewalld has to be reloaded to learn of a policy and to forget it, not when what it opens changes. A reload cuts no connection, and drops what others
    changed in the running firewalld alone.
  - Elsewhere, and in filters beside firewalld, an opening is a rule of nftables with the comment C(lvs.cluster NAME) in each base chain of the
    input hook that would drop the first packet of a client by default, of the output hook where it would drop what a director forwards, or the replies, and of
    the forward hook where it would drop the answers of a server that is masqueraded. An accepting rule in a table of its own would not do, since a packet
    has to be accepted in every base chain. Where rules after a jump stand in between, the opening is in the chain that is jumped to.
    Chains that drop only some clients, as those of fail2ban do, are left alone.
  - The chains of iptables-nft, and so of ufw, are chains of nftables. The rules go there too, and C(iptables -S) shows them.
  - Marks are set in a table of their own, C(inet lvs-cluster-NAME), which exists for as long as there is something in it.
  - For an O(owner) other than V(default) comment and table have C(OWNER.NAME) in place of C(NAME). The name of the policy is C(lvs_) with a checksum of
    both, since firewalld takes 17 letters at most.
  - All that changes in nftables changes in one transaction.
  - In nftables the change is to the running kernel. M(lvs.cluster.boot_restore) brings it back after a reboot, and whenever the rules were loaded anew.
requirements:
  - libnftables and its Python binding on the managed host (package C(python3-nftables)), but for O(state=absent), which needs none.
  - For firewalld its version 0.9 or newer, and the Python binding of D-Bus, which it needs itself (package C(python3-dbus)).
options:
  name:
    description:
      - The owner of the rules, such as V(director). Lower-case letters, digits and hyphens.
    type: str
    required: true
  open:
    description:
      - What clients are to reach, and what a director and its servers send each other for that.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description:
          - The VIP, IPv4 or IPv6, without a prefix length; or the address of a server, for its tunnel or for its answers.
          - With O(open[].direction=in) also an address of this host for other directors, or a multicast group to which they send.
        type: str
        required: true
      port:
        description:
          - The port, or a range of ports such as V(40000-40100). Every port of the protocol when this is left out. What is in a tunnel has none, but for
            GUE, which is V(udp).
        type: str
      protocol:
        description:
          - The protocol. Those of tunnels are V(ipip) for IPv4 in whatever (protocol 4), V(ipv6) for IPv6 in whatever (41), and V(gre) (47).
          - V(vrrp) (112) is what directors send each other with C(keepalived). V(vrrp) was added in 1.1.0.
        type: str
        choices: [tcp, udp, sctp, ipip, ipv6, gre, vrrp]
        default: tcp
      source:
        description:
          - The only address, or the only network such as V(198.51.100.0/24), that may reach it. Everybody when this is left out. List one item for each
            address or network.
        type: str
      direction:
        description:
          - V(in) is for what comes to this host.
          - V(out) is for what this host sends, as a director does to a server at the other end of a tunnel. It opens filters of the output hook; firewalld,
            which has none of its own there, needs nothing.
          - V(through) is for what a director that masquerades passes on to O(open[].port) of the server O(open[].address), and for the answers that come
            back from there, and for nothing else that the host could forward.
        type: str
        choices: [in, out, through]
        default: in
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
          - The ports and ranges of ports, such as V(40000-40100). Every port of the protocol when there are none.
        type: list
        elements: str
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
  untracked:
    description:
      - Whether packets to what is open pass whatever connection tracking takes them for.
      - A director needs this, unless the sysctl C(net.ipv4.vs.conntrack) is on. IPVS takes the first packet before connection tracking has seen the last of
        it, so that each FIN and RST is invalid, and so is the first answer of a server that is masqueraded. firewalld, and every filter that drops what is
        invalid, drops them.
      - It also lets ICMP errors to the VIPs in (IPv4 C(destination-unreachable), IPv6 C(packet-too-big)), and out. They are about answers that the director
        never saw, so they are invalid, too; without them a client behind a narrower link would wait for ever.
      - In nftables what drops invalid packets to the VIPs is opened too. With firewalld, which drops them before all else, connection tracking leaves the
        packets alone, by rules (C(notrack)) in the table C(inet lvs-cluster-NAME). Answers to the director itself stay tracked.
    type: bool
    default: false
  purge:
    description:
      - Whether what the owner has opened before, and is not in O(open), is closed.
      - V(false) leaves it open, as on a real server, since a director sends clients to a service until it has forgotten it; RV(former) tells of it.
        The rules themselves are what remembers, so it is gone after a reboot, or when something else loads the rules anew.
    type: bool
    default: true
  backend:
    description:
      - What carries the openings.
      - V(auto) takes firewalld when it runs, and otherwise nftables, whatever filled it.
      - V(nftables) takes nftables even where firewalld runs, which from its version 2.1 on lets nobody else into its table.
      - V(none) opens nothing, and removes what the owner had opened; marks are set all the same.
    type: str
    choices: [auto, nftables, firewalld, none]
    default: auto
  undecided:
    description:
      - What happens when a rule of the administrator cannot be evaluated and may accept packets to an opening. Examples are extensions of iptables
        whose contents are unknown, and expressions of a later nftables.
      - V(fail) ends the task with an error before it changes anything.
      - V(leave) neither adds nor removes an opening there, and warns. M(lvs.cluster.boot_restore) treats V(fail) as V(leave).
      - V(open) opens as if the rule did not accept the packets. The opening still comes after every rule that drops some of them.
    type: str
    choices: [fail, leave, open]
    default: fail
    version_added: 1.1.0
  state:
    description:
      - V(absent) removes all rules of O(name), whatever O(open) and O(marks) list.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - With O(untracked) an opening comes before rules that drop packets for their state alone, such as C(ct state invalid drop). Where another rule that
    drops some of the packets comes after these, connection tracking leaves the packets alone instead, by rules (C(notrack)) in the
    table C(inet lvs-cluster-NAME).
  - Common extensions of iptables-nft are evaluated (C(conntrack), C(state), C(multiport), C(tcp), C(udp), C(icmp), C(addrtype), C(iprange), C(set) of sources,
    C(comment), and those that tell no address and no port, such as C(recent)). The others are not; see O(undecided).
  - ufw is not told of anything, since it has no rule for what the VIPs need that it would not confuse with rules of its user's. The openings are in
    the base chains that it fills, which C(ufw status) does not show; they outlast C(ufw reload), and M(lvs.cluster.boot_restore) sees to the rest.
  - firewalld assigns packets to the policy by zones when the module runs. Sources that are assigned to a zone that drops later are closed by the next run.
  - A firewalld that is stopped keeps its policy, and has it again when it is started, until O(state=absent) removes its file.
  - Not opened is what the host needs for its own addresses as well, since without it there is no host to reach. That is neighbour discovery, without which
    IPv6 does not work at all (a filter that drops it for the VIP drops it for the host), ARP, C(echo-request), and on real servers ICMP errors, which
    belong to connections that their connection tracking knows (C(ct state related)). Errors about a tunnel's own packets belong to the director's
    (or a router's) own flow in the same way.
  - A chain of the forward hook with a priority above 100 comes after IPVS, and sees the VIP as the sender of answers. Such chains are not opened.
  - The filter of a server that is masqueraded is its own affair, since clients' packets have its own address there.
  - Rules that the old iptables (C(iptables-legacy)) holds can't be seen through nftables. The module warns when there are any.
  - Filters of the ingress hook, of the prerouting hook and of C(bridge) tables are not looked at.
  - Do not store the running rules in the configuration of nftables or iptables (C(nft list ruleset), C(iptables-save)) while they hold openings; the
    iptables tools store the comment in a form that nftables does not show, so that the opening would be nobody's.
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.vip_iface
  - module: lvs.cluster.boot_restore
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

- name: One network reaches the web service, and passive FTP
  lvs.cluster.vip_firewall:
    name: director
    open:
      - address: 192.0.2.30
        port: 80
        source: 198.51.100.0/24
      - address: 192.0.2.30
        port: 40000-40100
        source: 198.51.100.0/24

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

- name: The web service behind a director that does not masquerade, where the filter drops invalid packets
  lvs.cluster.vip_firewall:
    name: director
    open:
      - address: 192.0.2.30
        port: 80
    untracked: true

- name: A real server takes tunneled packets from its director, and what is in them
  lvs.cluster.vip_firewall:
    name: realserver
    open:
      - address: 192.0.2.30
        port: 80
      - address: 192.0.2.4
        protocol: ipip
        source: 192.0.2.3

- name: A director sends tunneled packets to one server, and has the answers of another pass
  lvs.cluster.vip_firewall:
    name: director
    open:
      - address: 192.0.2.30
        port: 80
      - address: 192.0.2.4
        protocol: ipip
        direction: out
      - address: 192.0.2.5
        port: 8080
        direction: through
    untracked: true

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
  description: What carries the openings, V(firewalld), V(nftables) or V(none).
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
left_to_administrator:
  description:
    - The rules that decide about an opening instead of the module, in their order.
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
  contains:
    chain:
      description: The chain of the rule, or the zone or policy of firewalld.
      type: str
    rule:
      description: The rule.
      type: str
    opening:
      description: The opening that the rule decides about.
      type: str
    opened:
      description: Whether the opening is added for the packets that the rule leaves.
      type: bool
    consequence:
      description: What the rule means for the opening, in a sentence.
      type: str
  sample:
    - chain: inet filter input
      rule: ip saddr 198.51.100.0/28 tcp dport 80 accept
      opening: tcp 192.0.2.30:80
      opened: false
      consequence: The rule accepts some of the packets. No opening is added.
former:
  description: What the owner has opened before, is not asked for any more, and stays open since O(purge=false).
  returned: success
  type: list
  elements: str
  sample: ["tcp 192.0.2.30:81"]
untracked:
  description: The packets that connection tracking leaves alone by the owner's rules afterwards.
  returned: success
  type: list
  elements: str
  sample: ["tcp 192.0.2.30:80"]
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import FIREWALL_OPTIONS, WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.run import FirewallRun
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others


def make_run(options: Mapping[str, Any]) -> FirewallRun:
    """Return the run on the packet filter, which marks nothing that another cluster marks."""
    wanted, owner = WantedFirewall.from_options(options), Owner.from_options(options)
    others = read_others(owner)
    if others:  # nearly no host is in several clusters
        from ansible_collections.lvs.cluster.plugins.module_utils._owner.marks import refuse_marks

        refuse_marks(wanted.marks, owner, others)
    return FirewallRun(wanted)


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=FIREWALL_OPTIONS, supports_check_mode=True), make_run)


if __name__ == "__main__":
    main()
