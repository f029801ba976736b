#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove that real servers serve a VIP, each by itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: realserver_path_info
short_description: Prove from the director that each real server serves the VIP
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Asks each real server what the director would ask it for a client, past IPVS, and tells whether it answers as it has to. One run
    proves many servers and services, all at the same time.
  - With direct routing that is a TCP SYN to the VIP in a frame to the server's MAC, answered by the VIP from that MAC. It proves VIP, ARP, listener
    and packet filter of a server before any client depends on it. The connection is reset at once, so that nothing half-open stays.
  - With a tunnel the same goes through the tunnel; the answer may come by any way. With masquerading it is a plain connection.
  - Where a server does not answer well, its own address and a ping to the VIP tell the reason.
  - Run it on the director. It does not matter whether the host has the VIP, nor whether IPVS has the service or the server.
  - Needs nothing but Python on the managed host, and the right to open raw sockets (CAP_NET_RAW).
options:
  services:
    description: The services with the servers to prove.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description: The VIP.
        type: str
        required: true
      port:
        description: The service's port.
        type: int
        required: true
      protocol:
        description:
          - The transport protocol. A V(udp) service is asked only what O(services[].payload) says.
          - V(sctp) is not asked.
        type: str
        choices: [tcp, udp, sctp]
        default: tcp
      payload:
        description: What a V(udp) service is sent, as text. It has to be something that every server answers.
        type: str
      payload_hex:
        description: The same as bytes in hexadecimal, instead of O(services[].payload).
        type: str
      expect:
        description: What the answer of a V(udp) service has to contain, as text; when left out any answer will do.
        type: str
      expect_hex:
        description: The same as bytes in hexadecimal, instead of O(services[].expect).
        type: str
      real_servers:
        description: The servers to prove.
        type: list
        elements: dict
        required: true
        suboptions:
          address:
            description: The server's own address (RIP).
            type: str
            required: true
          port:
            description: The port on the server, with O(services[].real_servers[].forwarding=masquerade) only; the service's when left out.
            type: int
          forwarding:
            description: How the director sends packets to the server.
            type: str
            choices: [direct, tunnel, masquerade]
            default: direct
          tunnel_type:
            description: The kind of tunnel.
            type: str
            choices: [ipip, gue, gre]
            default: ipip
          tunnel_port:
            description: The UDP port at which a V(gue) tunnel ends.
            type: int
  interface:
    description:
      - The device of the servers' segment, for direct routing. When left out it is the one over which this host's main routing table reaches each server.
    type: str
  timeout:
    description:
      - How long answers are waited for, in seconds, for all together. It is used up only by those that are not answered; where there are such, their
        reasons take at most as long again. The MACs take 0.6 seconds before.
    type: float
    default: 2
  attempts:
    description: How many times a question is sent that is not answered, spread evenly over the time.
    type: int
    default: 3
extends_documentation_fragment:
  - lvs.cluster.attributes.info
notes:
  - With C(net.ipv4.conf.*.log_martians) a director that has the VIP logs each answer, since it comes from one of its own addresses.
seealso:
  - module: lvs.cluster.vip_owner_info
  - module: lvs.cluster.ipvs_realserver
"""

EXAMPLES = r"""
- name: Do both servers serve the VIP?
  lvs.cluster.realserver_path_info:
    services:
      - address: 192.0.2.30
        port: 80
        real_servers:
          - address: 192.0.2.4
          - address: 192.0.2.5
  register: proof
  failed_when: not proof.ok

- name: Wait until a server is back after its maintenance
  lvs.cluster.realserver_path_info:
    services:
      - address: 192.0.2.30
        port: 80
        real_servers:
          - address: 192.0.2.4
  register: proof
  until: proof.ok
  retries: 10
  delay: 3

- name: Do the name servers answer?
  lvs.cluster.realserver_path_info:
    services:
      - address: 192.0.2.30
        port: 53
        protocol: udp
        payload_hex: 6c76 0000 0001 0000 0000 0000 00 0002 0001 # the NS of the root
        expect_hex: 6c76
        real_servers:
          - address: 192.0.2.4
"""

RETURN = r"""
ok:
  description: Whether no path was found to be bad. One that can't be proved, such as of a service by UDP without a payload, is not bad.
  returned: success
  type: bool
paths:
  description: What was found of each server of each service, in the order of O(services).
  returned: success
  type: list
  elements: dict
  contains:
    service:
      description: C(address), C(port) and C(protocol) of the service.
      type: dict
    address:
      description: The server's own address.
      type: str
    port:
      description: The port on the server.
      type: int
    forwarding:
      description: How packets get to the server.
      type: str
    verdict:
      description:
        - V(ok), the server serves the VIP; V(local), it is this host, and something listens there.
        - V(no_mac), nobody answers ARP or neighbour discovery for its address; V(off_segment), it is behind a gateway.
        - V(refused), nothing listens on the port; V(rip_only), something does, but only on the server's own address.
        - V(silent), the VIP is missing there, or the answer is dropped; V(filtered), the VIP is there, and the port is dropped;
          V(rejected), an ICMP error said so.
        - V(returned), the VIP is missing there, and the server routes the packet on; V(no_tunnel), no tunnel ends there.
        - V(elsewhere), another MAC answers; V(wrong_answer), the answer is not the one that is expected.
        - V(unproven), nothing can be asked.
      type: str
    ok:
      description: Whether the path is good; null when that could not be told.
      type: bool
    mac:
      description: The MAC that the question was sent to; empty with tunnels and masquerading.
      type: str
    answered_by:
      description: The MAC that the answer came from; empty when there was none, or it is not known.
      type: str
    latency_ms:
      description: The time from the question to the answer in milliseconds; null when there was none.
      type: float
    rule:
      description: What was found, as the predicate of the service.
      type: str
    remedy:
      description: What to do; empty when the path is good.
      type: str
    sentence:
      description: All of it as one sentence.
      type: str
      sample: "192.0.2.5:80: tcp 192.0.2.30:80 is refused by this server: the service there listens only on the server's own address
        192.0.2.5:80; let it listen on all addresses, or on 192.0.2.30 too."
summary:
  description: One line for each path, for people.
  returned: success
  type: list
  elements: str
operations:
  description: Always empty; asking changes nothing.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._arp.owners import check_interface
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info
from ansible_collections.lvs.cluster.plugins.module_utils._path.plan import PATH_OPTIONS, PathInquiry
from ansible_collections.lvs.cluster.plugins.module_utils._path.run import ask


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns for its options; raise LvsError when nobody can be asked."""
    inquiry = PathInquiry.from_options(options)
    if inquiry.interface is not None:
        check_interface(inquiry.interface)
    return ask(inquiry)


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=PATH_OPTIONS, supports_check_mode=True), answer)


if __name__ == "__main__":
    main()
