#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep a director's whole IPVS table as declared, in one run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_table
short_description: Keep a director's whole IPVS table as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Does what M(lvs.cluster.ipvs_service) does for any number of services in one run, and can remove services that are not listed.
  - Services and servers are added and changed before others are removed, so that a service that is kept is never absent on
    the way, and never without a server that it keeps.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
options:
  services:
    description:
      - The virtual services to keep, each with its real servers.
    type: list
    elements: dict
    required: true
    suboptions:
      address:
        description:
          - The VIP of the service, an IPv4 or IPv6 address without a prefix length.
          - Either O(services[].address) and O(services[].port) or O(services[].fwmark) name the service.
        type: str
      port:
        description:
          - The service's port. V(0) means every port and needs O(services[].persistence_timeout).
        type: int
      protocol:
        description:
          - The transport protocol of a service that is named by O(services[].address) and O(services[].port); V(tcp) when left out.
        type: str
        choices: [tcp, udp, sctp]
      fwmark:
        description:
          - The firewall mark of the packets that the service takes, instead of O(services[].address), O(services[].port) and O(services[].protocol).
        type: int
      address_family:
        description:
          - The address family of a O(services[].fwmark) service; V(ipv4) when left out. An O(services[].address) tells its own.
        type: str
        choices: [ipv4, ipv6]
      scheduler:
        description:
          - The kernel's name of the scheduler, such as V(rr), V(wrr), V(lc), V(wlc), V(sh) or V(mh).
          - V(wlc) for a new service when left out. A change never cuts connections.
        type: str
      scheduler_flags:
        description:
          - The scheduler's flags by name. V(sh-fallback) and V(sh-port) belong to V(sh), V(mh-fallback) and V(mh-port) to V(mh);
            V(flag-1), V(flag-2) and V(flag-3) are the bare bits. V([]) clears them.
          - None for a new service when left out. A changed O(services[].scheduler) without this option clears them.
        type: list
        elements: str
      one_packet:
        description:
          - Schedule every datagram on its own, without a connection (udp only). V(false) for a new service when left out.
        type: bool
      persistence_timeout:
        description:
          - Seconds for which a client keeps its server; V(0) switches persistence off. V(0) for a new service when left out.
        type: int
      persistence_netmask:
        description:
          - What counts as one client. An IPv4 mask (V(255.255.255.0), or its length V(24)), or an IPv6 prefix length.
          - One host for a new service when left out.
        type: str
      persistence_engine:
        description:
          - The kernel's name of the persistence engine, such as V(sip); an empty string takes it away.
        type: str
      real_servers:
        description:
          - The real servers to keep, all in this one run. Servers that are not listed stay, unless O(services[].purge=true).
        type: list
        elements: dict
        suboptions:
          address:
            description: The server's own address (RIP).
            type: str
            required: true
          port:
            description: The server's port; the service's when left out.
            type: int
          forwarding:
            description:
              - How packets reach the server. V(direct) re-addresses the frame (DR), V(tunnel) encapsulates, V(masquerade) is NAT.
              - V(direct) for a new server when left out. With V(direct) and V(tunnel) the port has to be the service's.
            type: str
            choices: [direct, tunnel, masquerade]
          weight:
            description:
              - The server's share; V(0) means no new connections. V(1) for a new server when left out.
            type: int
          upper_threshold:
            description:
              - Connections above which the server gets no new ones; V(0) means no limit. V(0) for a new server when left out.
            type: int
          lower_threshold:
            description:
              - Connections below which a server that was over its upper threshold gets new ones again; never above the upper one.
            type: int
          tunnel_type:
            description:
              - The encapsulation, with forwarding V(tunnel) only. V(ipip) for a new server when left out.
            type: str
            choices: [ipip, gue, gre]
          tunnel_port:
            description:
              - The UDP port of V(gue).
            type: int
          tunnel_checksum:
            description:
              - The checksum of V(gue) and V(gre). V(none) for a new server when left out.
            type: str
            choices: [none, plain, remote]
          state:
            description: Whether the server is to be in the pool.
            type: str
            choices: [present, absent]
            default: present
      purge:
        description:
          - Remove the servers of this service that O(services[].real_servers) does not list.
        type: bool
        default: false
      state:
        description:
          - V(absent) removes the service together with its servers.
        type: str
        choices: [present, absent]
        default: present
  purge:
    description:
      - Remove the services that O(services) does not list.
    type: bool
    default: false
extends_documentation_fragment:
  - lvs.cluster.attributes
seealso:
  - module: lvs.cluster.ipvs_service
"""

EXAMPLES = r"""
- name: Two services, and no other on this director
  lvs.cluster.ipvs_table:
    services:
      - address: 192.0.2.30
        port: 80
        scheduler: rr
        real_servers:
          - address: 192.0.2.4
          - address: 192.0.2.5
        purge: true
      - address: 192.0.2.30
        port: 53
        protocol: udp
        one_packet: true
        real_servers:
          - address: 192.0.2.4
        purge: true
    purge: true
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [add service tcp 192.0.2.30:80 (scheduler rr)]
services:
  description: The services as they are afterwards, as options of this module.
  returned: success
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_module import Request, run_ipvs
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import SERVICE_OPTIONS, parse_service
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_services

OPTIONS: dict[str, Any] = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE_OPTIONS},
    "purge": {"type": "bool", "default": False},
}


def parse(params: Mapping[str, Any]) -> Request:
    """Return what the options ask for."""
    wanted = [parse_service(service) for service in params["services"]]
    keys = None if params["purge"] else [service.key for service in wanted]
    return Request(keys, lambda table: plan_services(table, wanted, params["purge"]))


def main() -> None:
    """Run the module."""
    run_ipvs(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), parse)


if __name__ == "__main__":
    main()
