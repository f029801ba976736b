#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
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
  purge:
    description:
      - Remove the services that O(services) does not list, but for those that another cluster declares on the host (see O(owner)).
    type: bool
    default: false
  keep_drained:
    description:
      - Leave the servers drained that somebody drained with M(lvs.cluster.ipvs_drain) or M(lvs.cluster.ipvs_realserver), whatever weight
        they have in O(services), and warn of it. Otherwise a weight that is named ends a drain.
      - Servers that were drained with O(services[].real_servers[].state=drained) get their weights as soon as that is no longer said.
    type: bool
    default: false
  prove:
    description:
      - Before a server begins to get clients, prove that it serves the VIP, as M(lvs.cluster.realserver_path_info) does. One that does not is held
        back (not added, or left with weight 0) and warned of with the reason; the next run asks it again.
      - Servers that get clients already are not asked, and stay whatever they would answer. A run is no health check.
      - It is refused, before anything is changed, when a service would have nobody left who gets clients that has someone now.
      - What can't be asked, such as a service by UDP, is taken as good, unless O(prove_ports) names TCP ports for it. In check mode nobody is asked, and
        who would be is warned of.
      - It needs the right to open raw sockets (CAP_NET_RAW).
    type: bool
    default: false
  prove_marks:
    description: The VIPs and ports that services by a mark stand for, as O(lvs.cluster.vip_firewall#module:marks).
    type: list
    elements: dict
    default: []
  prove_ports:
    description:
      - The TCP ports at which a server must answer before it receives traffic of a service.
      - A service that is not listed is proved at its own port; one by a mark at the ports in O(prove_marks), the first one of a range.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
    suboptions:
      service:
        description: The service.
        type: dict
        required: true
        suboptions:
          address:
            description: The VIP.
            type: str
          port:
            description: The port.
            type: int
          protocol:
            description: The transport protocol; V(tcp) when left out.
            type: str
            choices: [tcp, udp, sctp]
          fwmark:
            description: The firewall mark, instead of address and port.
            type: int
          address_family:
            description: With a mark, the address family; V(ipv4) when left out.
            type: str
            choices: [ipv4, ipv6]
      address:
        description: The VIP to which the probes connect.
        type: str
        required: true
      ports:
        description: The ports. A server must answer at all of them; V([]) proves nothing.
        type: list
        elements: int
        required: true
  prove_timeout:
    description: How long is waited for servers that don't serve yet, in seconds.
    type: float
    default: 10
  state:
    description:
      - V(absent) removes the services that O(services) lists. O(timeouts) and O(sysctls) that are named go back to the values of the kernel, whatever
        value is given, unless another cluster declares them on the host.
    type: str
    choices: [present, absent]
    default: present
    version_added: 1.1.0
  timeouts:
    description:
      - How long the kernel remembers idle connections, of all services of the host; those that are left out stay as they are.
      - In direct routing the director sees one direction only, so a timeout that is too short cuts quiet connections.
    type: dict
    suboptions:
      tcp:
        description: Seconds for an established TCP connection; the kernel begins with 900.
        type: int
      tcp_fin:
        description: Seconds for a TCP connection after a FIN; the kernel begins with 120.
        type: int
      udp:
        description: Seconds for a UDP flow; the kernel begins with 300.
        type: int
  sysctls:
    description:
      - What C(net.ipv4.vs) says of which server a client comes to, for all services of the host; those that are left out stay as they are.
    type: dict
    version_added: 1.1.0
    suboptions:
      conn_reuse_mode:
        description:
          - What becomes of a new TCP connection from a port that had one before, which the kernel still remembers.
          - With V(1), with which the kernel begins, it goes to that one's server, whatever its weight is now, unless the answers come back
            through the director. In direct routing and by tunnels this is so for O(timeouts.tcp_fin) after a connection has ended.
          - With V(2) it is scheduled anew once the former one has ended, as far as the director sees that. With V(0) it never is.
        type: int
      expire_nodest_conn:
        description:
          - With V(1) a connection whose server was removed is forgotten with its next packet, so that the client learns of it at once. A new
            one that would go to a server with weight 0 by O(sysctls.conn_reuse_mode) goes to another. The kernel begins with V(0).
        type: int
      expire_quiescent_template:
        description:
          - With V(1) persistent clients leave a server as soon as it has weight 0. The kernel begins with V(0), where they stay until their time is over.
        type: int
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
  - lvs.cluster.ipvs.services
seealso:
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.ipvs_info
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
    timeouts:
      tcp: 3600

- name: What was saved before comes back
  lvs.cluster.ipvs_table:
    services: "{{ saved.services }}"
    timeouts: "{{ saved.timeouts }}"
    sysctls: "{{ saved.sysctls }}"
    purge: true
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [add service tcp 192.0.2.30:80 (scheduler rr)]
held:
  description: With O(prove=true) the servers that were held back. With C(enrolled) they are there with weight 0.
  returned: success
  type: list
  elements: dict
  sample:
    - service: {address: 192.0.2.30, port: 80, protocol: tcp}
      server: {address: 192.0.2.5, port: 80}
      enrolled: false
      sentence: "192.0.2.5:80: tcp 192.0.2.30:80 is refused by this server: nothing listens there on port 80, neither on 192.0.2.30 nor on 192.0.2.5;
        start the service; let it listen on all addresses, or on 192.0.2.30 too. So 192.0.2.5:80 gets no clients of tcp 192.0.2.30:80 yet."
services:
  description: The services as they are afterwards, as options of this module.
  returned: success
  type: list
  elements: dict
timeouts:
  description: The timeouts as they are afterwards, in seconds.
  returned: success
  type: dict
  sample: {tcp: 900, tcp_fin: 120, udp: 300}
sysctls:
  description: Those of O(sysctls) as they are afterwards.
  returned: with O(sysctls)
  type: dict
  sample: {conn_reuse_mode: 2}
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Drained
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    SERVICE_KEY_OPTIONS,
    SERVICE_OPTIONS,
    WantedService,
    parse_services,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services, plan_sysctls, plan_timeouts
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import (
    KERNEL_SYSCTLS,
    KERNEL_TIMEOUTS,
    SYSCTL_OPTIONS,
    TIMEOUT_OPTIONS,
    parse_sysctls,
    parse_timeouts,
)
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others
from ansible_collections.lvs.cluster.plugins.module_utils._table.run import IpvsRun, Snapshot, TableRequest

if TYPE_CHECKING:
    from ansible_collections.lvs.cluster.plugins.module_utils._owner.table import Others

PROVE_OPTIONS: dict[str, Any] = {
    "service": {"type": "dict", "required": True, "options": SERVICE_KEY_OPTIONS},
    "address": {"type": "str", "required": True},
    "ports": {"type": "list", "elements": "int", "required": True},
}
OPTIONS: dict[str, Any] = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE_OPTIONS},
    "purge": {"type": "bool", "default": False},
    "keep_drained": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": False},
    "prove_marks": {"type": "list", "elements": "dict", "default": []},
    "prove_ports": {"type": "list", "elements": "dict", "default": [], "options": PROVE_OPTIONS},
    "prove_timeout": {"type": "float", "default": 10.0},
    "timeouts": {"type": "dict", "options": TIMEOUT_OPTIONS},
    "sysctls": {"type": "dict", "options": SYSCTL_OPTIONS},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **OWNER_OPTIONS,
}


def parse(params: Mapping[str, Any], rehearsal: bool = False) -> TableRequest:
    """Return what the options ask for."""
    others = _others(Owner.from_options(params))
    present = params.get("state") != "absent"
    named = [one if present else one._replace(state="absent") for one in parse_services(params["services"])]
    wanted, kept = others.settle(named) if others else (named, [])
    keys = None if params["purge"] else [service.key for service in wanted]
    timeouts, sysctls, stay = _settings(params, present, others)

    def decide(seen: Snapshot) -> Plan[Any]:
        table, untouched = others.split(seen.table) if others else (seen.table, [])
        left = [*kept, *stay, *(untouched if params["purge"] else ())]

        def plan_for(some: Sequence[WantedService]) -> Plan[Any]:
            return plan_services(table, some, params["purge"], seen.drained)

        asked, warnings = _kept_drained(wanted, seen.drained if params["keep_drained"] else {})
        warnings = (*warnings, *dict.fromkeys(left))
        plan = _proved(params, rehearsal, seen, asked, plan_for) if params["prove"] and present else plan_for(asked)
        plan = plan_timeouts(replace(plan, warnings=(*plan.warnings, *warnings)), seen.timeouts, timeouts)
        return plan_sysctls(plan, seen.sysctls, sysctls)

    return TableRequest(keys, decide, sysctls=sysctls)


def _settings(
    params: Mapping[str, Any], present: bool, others: Others | None
) -> tuple[Mapping[str, int], Mapping[str, int], Sequence[str]]:
    """Return timeouts and sysctls, and a sentence for each that stays since another cluster declares it."""
    timeouts, sysctls = parse_timeouts(params["timeouts"]), parse_sysctls(params["sysctls"])
    if not present:
        timeouts = {name: KERNEL_TIMEOUTS[name] for name in timeouts}
        sysctls = {name: KERNEL_SYSCTLS[name] for name in sysctls}
    if not others:
        return timeouts, sysctls, ()
    free_timeouts, timeouts_stay = others.settle_settings(timeouts, "timeouts", present)
    free_sysctls, sysctls_stay = others.settle_settings(sysctls, "sysctls", present)
    return free_timeouts, free_sysctls, [*timeouts_stay, *sysctls_stay]


# What only some runs need is compiled in these alone.
def _others(owner: Owner) -> Others | None:
    declarations = read_others(owner)
    if not declarations:
        return None
    from ansible_collections.lvs.cluster.plugins.module_utils._owner.table import Others

    return Others(owner, declarations)


def _kept_drained(wanted: Sequence[WantedService], drained: Drained) -> tuple[Sequence[WantedService], tuple[str, ...]]:
    """Return the services with weight 0 for whom somebody drained by hand, and a sentence about each of these."""
    if not drained:
        return wanted, ()
    from ansible_collections.lvs.cluster.plugins.module_utils._drain.state import held, held_warnings, still_drained

    kept = held(drained)
    return still_drained(wanted, kept), held_warnings(wanted, kept)


def _proved(
    params: Mapping[str, Any],
    rehearsal: bool,
    seen: Snapshot,
    wanted: Sequence[WantedService],
    plan_for: Callable[[Sequence[WantedService]], Plan[Any]],
) -> Plan[Any]:
    from ansible_collections.lvs.cluster.plugins.module_utils._table.readiness import (
        Readiness,
        parse_prove_ports,
        plan_ready,
    )

    ask = None if rehearsal else _asker(params["prove_timeout"])
    readiness = Readiness(params["prove_marks"], ask, parse_prove_ports(params["prove_ports"]))
    return plan_ready(seen.table, params["services"], wanted, plan_for, readiness)


def _asker(patience: float) -> Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, Any]]]:
    def ask(services: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        # Most runs have nobody to ask.
        from ansible_collections.lvs.cluster.plugins.module_utils._path.run import ask_patiently

        return ask_patiently(services, patience)

    return ask


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    run_module(module, lambda options: IpvsRun(parse(options, module.check_mode)))


if __name__ == "__main__":
    main()
