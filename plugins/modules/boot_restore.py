#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a host bring back its VIPs, services and rules, at boot and whenever something takes VIPs or rules away."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_restore
short_description: Bring VIPs, IPVS services and packet filter rules back at boot, and what vanishes later
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Writes what a host declares (VIPs, ARP filters, virtual services, sync daemons, neighbour entries, packet filter rules, kernel modules) to
    C(/etc/lvs-cluster/NAME.json), the program that restores it to C(/usr/local/lib/lvs-cluster/restore.pyz), and an enabled systemd unit
    C(lvs-cluster-NAME.service) that runs it at boot.
  - For an O(owner) other than V(default) the names are C(OWNER.NAME.json), C(OWNER.restore.pyz) and C(lvs-cluster-OWNER.NAME.service).
  - The program is built on the controller from the code of this collection's modules, so a boot does exactly what M(lvs.cluster.vip_iface),
    M(lvs.cluster.vip_arp_filter), M(lvs.cluster.ipvs_service), M(lvs.cluster.ipvs_sync), M(lvs.cluster.vip_firewall) and M(lvs.cluster.vip_neighbor) do,
    with everything that they can declare.
  - VIPs that need no network, on V(lo) or on a device that the module creates, are assigned before other units start. The unit
    C(lvs-cluster-NAME.early.service) does that once per boot, after the sysctls are set, so that a service or a socket unit can bind to a VIP
    (C(listen 192.0.2.30:80)) without a setting of its own. A declaration with O(services) has no such unit, since the services come before the VIPs.
  - The units start C(/usr/bin/python3) if that has the libraries that the declaration needs, since its name does not change with an upgrade of the
    release. Otherwise they start the interpreter that runs the module. The module fails if a boot could not start that one or find its libraries,
    as in C(/root), C(/home) or C(/tmp). The next run replaces an interpreter that an earlier version of the collection wrote.
  - After that it stays, asleep, and wakes when the kernel tells of a change of links, addresses or the rules of nftables. What was declared and is gone
    then, VIPs, neighbour entries and rules, is brought back (and announced) about a second later. So it lives in peace with ifupdown, systemd-networkd,
    NetworkManager and with none of them, whatever they do to an interface, and with whatever loads a packet filter anew. Services are restored at the start
    only, since no network manager touches them.
  - Writes files, and with O(former=remove) takes away what is declared no more; it starts nothing. Start the unit afterwards, as the example does and the
    roles do.
options:
  name:
    description: The name of this declaration; a host can have several.
    type: str
    required: true
  vips:
    description: VIPs, each item with the options of M(lvs.cluster.vip_iface).
    type: list
    elements: dict
    default: []
  services:
    description: Virtual services, each item with the options of M(lvs.cluster.ipvs_service).
    type: list
    elements: dict
    default: []
  timeouts:
    description: The timeouts of IPVS in seconds, as in M(lvs.cluster.ipvs_table).
    type: dict
    suboptions:
      tcp:
        description: Of an idle TCP connection.
        type: int
      tcp_fin:
        description: Of a TCP connection after a FIN.
        type: int
      udp:
        description: Of UDP packets that belong together.
        type: int
  sysctls:
    description: The sysctls of IPVS, as in M(lvs.cluster.ipvs_table).
    type: dict
    version_added: 1.1.0
    suboptions:
      conn_reuse_mode:
        description: Whether a connection from a port that had one before is scheduled anew.
        type: int
      expire_nodest_conn:
        description: Whether connections of a server that was removed are forgotten.
        type: int
      expire_quiescent_template:
        description: Whether persistent clients leave a server that has weight 0.
        type: int
  neighbors:
    description: Static neighbour entries, each item with the options of M(lvs.cluster.vip_neighbor).
    type: list
    elements: dict
    default: []
  arp_filters:
    description:
      - Filters that keep VIPs out of ARP, each item with the options of M(lvs.cluster.vip_arp_filter). They come before the VIPs, and when one can't
        be set, no VIP is, until it can.
    type: list
    elements: dict
    default: []
  firewall:
    description:
      - What a packet filter lets in and marks, each item with the options of M(lvs.cluster.vip_firewall).
      - Only rules of nftables are restored here, since firewalld has its own in its files.
    type: list
    elements: dict
    default: []
  sync:
    description:
      - Sync daemons of IPVS and their sysctls, one item with the options of M(lvs.cluster.ipvs_sync). They come after O(services) and before O(vips), at
        the start only.
      - At the start, daemons that are not listed and sysctls that are not listed stay as they are.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
  gate:
    description:
      - The gate of a director with VRRP; see the option O(lvs.cluster.vrrp_instances#module:gate). The unit writes a number to its file when everything else
        of the declaration is restored, and again whenever the director becomes master or backup. Until then the director takes no VIP.
      - A master has the number V(0). It is the master if the host has one of O(gate.anchors).
    type: dict
    version_added: 1.1.0
    suboptions:
      path:
        description: The path of the file, below C(/run).
        type: path
        required: true
      anchors:
        description: The addresses that the host's instances advertise, as RV(lvs.cluster.vrrp_instances#module:instances) returns them.
        type: list
        elements: str
        required: true
      standby:
        description:
          - The number of a backup, from V(-253) to V(0). With V(0) a director with a higher priority takes the VIPs from the master as soon as it is there.
          - With minus the number of directors it does not, if their priorities count down from V(254).
        type: int
        default: 0
  kernel_modules:
    description:
      - Kernel modules to load at boot, before the sysctls are set. The sysctls of IPVS, C(net.ipv4.vs), exist only once V(ip_vs) is loaded.
    type: list
    elements: str
    default: []
  former:
    description:
      - What earlier runs declared under this O(name) and this one does not.
      - V(remove) takes it away from the host, VIPs first; nothing of others is touched.
      - V(keep) leaves it there, and remembers it until a run with V(remove). Real servers want that, since a director sends clients to a VIP until it has
        forgotten its service.
      - With O(state=absent) nothing is declared any more, so V(remove) takes all of it away.
    type: str
    choices: [keep, remove]
    default: keep
  state:
    description:
      - V(present) writes the declaration and its unit.
      - V(absent) removes them, and the program when no other declaration of O(owner) needs it.
      - V(renamed) moves the declaration of O(former_owner) to O(owner), with nothing else of the options but O(name). The VIPs and services stay. The task
        changes nothing where O(former_owner) has no such declaration, and fails where both have one.
      - V(renamed) was added in 1.1.0.
    type: str
    choices: [present, absent, renamed]
    default: present
  program:
    description:
      - Set by the action plugin of this module, which builds the program on the controller and transfers it to hosts that do not have it. Do not set it.
    type: dict
    version_added: 1.1.0
    suboptions:
      checksum:
        description: The SHA-256 of the program, in hexadecimal.
        type: str
        required: true
      source:
        description: The path on the host to which the program was transferred.
        type: path
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - To take a VIP away by hand for longer than a second, stop the unit first; a VIP that is taken away with M(lvs.cluster.vip_iface) comes
    back too, for as long as it is declared here. Stopping the unit takes nothing away.
  - When the unit fails, because a device or a library is missing, systemd tries it again every ten seconds; the journal tells the reason.
  - The restore program needs what the modules need at run time, such as pyroute2 for VIPs and neighbour entries, and libnftables for a packet filter.
  - With O(arp_filters), VIPs are assigned early only if V(nftables.service) is an early unit too, as distributions ship it. If it waits for the network
    on this host, the VIPs come after it.
  - A boot does not ask whether another host has a VIP, whatever O(lvs.cluster.vip_iface#module:on_conflict) says, so that it is
    neither delayed nor left without its VIPs by an answer that nobody reads.
seealso:
  - module: lvs.cluster.vip_iface
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.vip_neighbor
  - module: lvs.cluster.vip_firewall
  - module: lvs.cluster.vip_arp_filter
  - module: lvs.cluster.ipvs_sync
"""

EXAMPLES = r"""
- name: The director comes back from a reboot by itself
  lvs.cluster.boot_restore:
    name: director
    vips:
      - interface: eth0
        addresses: [192.0.2.30]
    kernel_modules: [ip_vs]
    firewall:
      - name: director
        open:
          - address: 192.0.2.30
            port: 80
        untracked: true
    services:
      - address: 192.0.2.30
        port: 80
        scheduler: rr
        real_servers:
          - address: 192.0.2.4
          - address: 192.0.2.5
  register: kept

- name: The unit runs, and has read its files
  ansible.builtin.systemd_service:
    name: "{{ kept.unit }}"
    state: "{{ 'restarted' if kept.stale else 'started' }}"
    daemon_reload: true
  when: kept.changed or not kept.active

- name: The gateway still knows who has the VIP after a reboot
  lvs.cluster.boot_restore:
    name: gateway
    neighbors:
      - interface: eth0
        neighbors:
          - address: 192.0.2.30
            mac: "52:54:00:00:00:03"

- name: Nothing is restored at boot
  lvs.cluster.boot_restore:
    name: director
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [write /etc/lvs-cluster/director.json]
unit:
  description: The name of the systemd unit.
  returned: success
  type: str
  sample: lvs-cluster-director.service
former:
  description:
    - What is declared no more and was left there, by the names of the options; empty with O(former=remove).
  returned: success
  type: dict
  sample:
    vips:
      - interface: lo
        addresses: [192.0.2.31]
        state: absent
former_gate:
  description:
    - Whether the declaration had a O(gate) before the run and has none now. Then VRRP is to be removed too.
  returned: success
  type: bool
  sample: false
active:
  description:
    - Whether the unit ran when the module looked. When it does not, start it; when something has changed, let systemd read its files again.
  returned: success
  type: bool
  sample: true
former_unit:
  description:
    - The unit of O(former_owner), which is to be stopped after O(state=renamed); empty if there is none.
  returned: with O(state=renamed)
  type: str
  sample: lvs-cluster-director.service
stale:
  description:
    - Whether a unit that runs is to be restarted, since its program or its own file has changed. It takes up all else by itself.
  returned: success
  type: bool
  sample: false
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import Run
from ansible_collections.lvs.cluster.plugins.module_utils._gate.model import GATE_OPTIONS
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.settings import SYSCTL_OPTIONS, TIMEOUT_OPTIONS
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore.run import DeclareRun, Program


def make_run(options: Mapping[str, Any]) -> Run:
    """Return the run that the options ask for."""
    program, owner = Program(**(options["program"] or {"checksum": ""})), Owner.from_options(options)
    declared = declare(options)
    if options["state"] == "renamed":
        # A cluster is renamed once, so that other runs do not compile what does.
        from ansible_collections.lvs.cluster.plugins.module_utils._restore.rename import RenameRun

        return RenameRun(declared.name, owner, program)
    present, remove_former = options["state"] == "present", options["former"] == "remove"
    return DeclareRun(declared, present, remove_former, program, formerly=owner.former)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "vips": {"type": "list", "elements": "dict", "default": []},
            "services": {"type": "list", "elements": "dict", "default": []},
            "timeouts": {"type": "dict", "options": TIMEOUT_OPTIONS},
            "sysctls": {"type": "dict", "options": SYSCTL_OPTIONS},
            "neighbors": {"type": "list", "elements": "dict", "default": []},
            "arp_filters": {"type": "list", "elements": "dict", "default": []},
            "firewall": {"type": "list", "elements": "dict", "default": []},
            "sync": {"type": "list", "elements": "dict", "default": []},
            "gate": {"type": "dict", "options": GATE_OPTIONS},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
            "former": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
            "state": {"type": "str", "choices": ["present", "absent", "renamed"], "default": "present"},
            **OWNER_OPTIONS,
            "program": {
                "type": "dict",
                "options": {"checksum": {"type": "str", "required": True}, "source": {"type": "path"}},
            },
        },
        supports_check_mode=True,
    )
    run_module(module, make_run)


if __name__ == "__main__":
    main()
