#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a host bring its VIPs and IPVS services back, at boot and whenever a network manager takes VIPs away."""

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_restore
short_description: Bring VIPs and IPVS services back at boot, and VIPs whenever they vanish
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Writes what a host declares (VIPs, virtual services, neighbour entries, kernel modules) to C(/etc/lvs-cluster/NAME.json), the program that restores it to
    C(/usr/local/lib/lvs-cluster/restore.pyz), and an enabled systemd unit C(lvs-cluster-NAME.service) that runs it at boot.
  - The program is made of this collection's own modules, so a boot does exactly what M(lvs.cluster.vip_iface),
    M(lvs.cluster.ipvs_service) and M(lvs.cluster.vip_neighbor) do, with everything that they can declare.
  - After that it stays, asleep, and wakes when the kernel tells of a change of links or addresses. What was declared and is gone then, VIPs and
    neighbour entries, is brought back (and announced) about a second later. So it lives in peace with ifupdown, systemd-networkd,
    NetworkManager and with none of them, whatever they do to an interface. Services are restored at the start only, since no network manager touches them.
  - Writes files only, and starts nothing. Start the unit afterwards, as the example does and the roles do.
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
  neighbors:
    description: Static neighbour entries, each item with the options of M(lvs.cluster.vip_neighbor).
    type: list
    elements: dict
    default: []
  kernel_modules:
    description:
      - Kernel modules to load at boot, before the sysctls are set. The sysctls of IPVS, C(net.ipv4.vs), exist only once V(ip_vs) is loaded.
    type: list
    elements: str
    default: []
  state:
    description: V(absent) removes the declaration and its unit, and the program when no other declaration needs it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
notes:
  - To take a VIP away by hand for longer than a second, stop the unit first; a VIP that is taken away with M(lvs.cluster.vip_iface) comes
    back too, for as long as it is declared here. Stopping the unit takes nothing away.
  - When the unit fails, because a device or pyroute2 is missing, systemd tries it again every ten seconds; the journal tells the reason.
  - The restore program needs what the modules need at run time, such as pyroute2 for VIPs and neighbour entries.
  - A boot does not ask whether another host has a VIP, whatever O(lvs.cluster.vip_iface#module:on_conflict) says, so that it is
    neither delayed nor left without its VIPs by an answer that nobody reads.
seealso:
  - module: lvs.cluster.vip_iface
  - module: lvs.cluster.ipvs_service
  - module: lvs.cluster.vip_neighbor
"""

EXAMPLES = r"""
- name: The director comes back from a reboot by itself
  lvs.cluster.boot_restore:
    name: director
    vips:
      - interface: eth0
        addresses: [192.0.2.30]
    kernel_modules: [ip_vs]
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
    state: started
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
active:
  description:
    - Whether the unit ran when the module looked. When it does not, start it; when something has changed, let systemd read its files again.
  returned: success
  type: bool
  sample: true
"""

import sys

from ansible.module_utils.basic import AnsibleModule

# _boot is imported so that Ansible sends it, and all that it needs, along: the restore program is made of it.
from ansible_collections.lvs.cluster.plugins.module_utils import _boot as _boot
from ansible_collections.lvs.cluster.plugins.module_utils._boot_client import (
    apply_files,
    is_active,
    module_sources,
    other_declarations,
    read_files,
)
from ansible_collections.lvs.cluster.plugins.module_utils._boot_plan import (
    PROGRAM,
    FileOperation,
    parse_declared,
    plan_files,
    wanted_files,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import TIMEOUT_OPTIONS
from ansible_collections.lvs.cluster.plugins.module_utils._plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._runner import run


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "vips": {"type": "list", "elements": "dict", "default": []},
            "services": {"type": "list", "elements": "dict", "default": []},
            "timeouts": {"type": "dict", "options": TIMEOUT_OPTIONS},
            "neighbors": {"type": "list", "elements": "dict", "default": []},
            "kernel_modules": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )

    def make_plan() -> Plan[FileOperation]:
        declared = parse_declared(module.params)
        files = wanted_files(declared, sys.executable, module_sources())
        # A declaration can have lost its kernel modules since, so their file is looked for in any case.
        paths = [declared.modules, *(content.path for content in files if content.path != declared.modules)]
        current = read_files(paths)
        if module.params["state"] == "present":
            wanted = {content.path for content in files}
            plan = plan_files(current, files, [path for path in paths if path not in wanted])
        else:
            shared = {PROGRAM} if other_declarations(declared.name) else set()
            # The unit's link goes first: a declaration that is half removed restores nothing.
            plan = plan_files(current, [], [path for path in reversed(paths) if path not in shared])
        plan.results.update(unit=declared.unit, active=is_active(declared.runtime))
        return plan

    run(module, make_plan, apply_files)


if __name__ == "__main__":
    main()
