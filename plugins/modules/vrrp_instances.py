#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare the VRRP instances of a director, which keepalived runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_instances
short_description: Declare VRRP instances that keepalived runs
version_added: 1.1.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Writes the configuration of keepalived to C(/etc/lvs-cluster/vrrp.conf), and an enabled systemd unit C(lvs-cluster-vrrp.service) that runs it. The VIPs
    of an instance are on one of its directors, the master. If the master fails, another director takes them over.
  - For an O(owner) other than V(default) the names are C(OWNER.vrrp.conf) and C(lvs-cluster-OWNER.vrrp.service).
  - keepalived does VRRP and nothing else. It starts no scripts and does not change IPVS. Its files are its own, so that a C(keepalived.service) of the
    distribution can run beside it, and is not used.
  - Before a changed configuration is written, keepalived tests it on the host, in check mode too. The module fails if keepalived refuses it.
  - The module starts, reloads and restarts nothing. RV(active), RV(reload) and RV(restart) say what the unit needs, as the example does. Reload standbys
    first and the master last. M(lvs.cluster.vrrp_info) waits until a role is settled.
  - All instances use VRRP version 3 over IPv4, and start as backup. The address that an instance advertises is C(169.254.VRID.VRID) only, so that
    directors that are changed one after the other stay one group. The VIPs are excluded from the advertisements, and can be of both families.
  - There is no authentication. VRRP version 3 has none. Let a packet filter accept protocol 112 from the other directors only.
requirements:
  - keepalived 2.1 or newer on the managed host (package C(keepalived)).
options:
  instances:
    description:
      - The VRRP instances. An instance that an earlier run listed and this one does not is removed.
      - Required with O(state=present).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The name of the instance. Up to 32 letters, digits, dots, hyphens and underscores.
        type: str
        required: true
      vrid:
        description:
          - The virtual router ID, from 1 to 255. It is the same on all directors of the instance.
          - No other instance on the host and no other VRRP router on the segment may have it.
        type: int
        required: true
      interface:
        description: The device that sends and receives advertisements. If it is down, the director is not eligible.
        type: str
        required: true
      priority:
        description:
          - From 1 to 254. The eligible director with the highest priority becomes the master.
          - Give each director of an instance its own. With V(254), V(253) and so on a takeover is quicker than with smaller numbers.
        type: int
        required: true
      source_address:
        description:
          - The host's own IPv4 address (DIP), from which it sends advertisements.
        type: str
        required: true
      peers:
        description:
          - The IPv4 addresses of the other directors, to which advertisements are sent by unicast.
          - If there are none, advertisements are sent by multicast to 224.0.0.18. Clouds and some switches do not forward that.
        type: list
        elements: str
        default: []
      vips:
        description: The VIPs, which are on the master only.
        type: list
        elements: dict
        required: true
        suboptions:
          address:
            description: The VIP, of IPv4 or IPv6, without a prefix length.
            type: str
            required: true
          interface:
            description:
              - The device that the VIP goes on. If it is down, the director is not eligible.
              - Default is the O(instances[].interface).
            type: str
      advert_interval:
        description:
          - The seconds between two advertisements, from V(0.01) to V(40.95) in hundredths. It is the same on all directors of the instance.
          - A standby takes over after three intervals, and after a graceful stop at once.
        type: float
        default: 0.3
      garp_refresh:
        description:
          - The seconds after which the master announces its VIPs again (gratuitous ARP, unsolicited NA). V(0) means never.
        type: int
        default: 10
      vmac:
        description:
          - Whether the VIPs have the virtual MAC of VRRP (C(00:00:5e:00:01:VRID)) instead of that of the master. Then static neighbour entries on routers
            stay valid after a takeover.
          - keepalived puts the VIPs on a macvlan device C(vrrp.VRID) of its own. All VIPs have to be on O(instances[].interface).
          - Only VIPs of IPv4 have the virtual MAC. keepalived leaves VIPs of IPv6 on the interface itself, with its MAC.
          - The interface has to have the sysctl C(arp_ignore) V(1), or it answers for the VIPs with its own MAC too. The module warns if it has not.
          - keepalived makes a table of nftables for it. keepalived 2.1 does it with multicast only, and puts VIPs of IPv6 on its device too.
        type: bool
        default: false
  gate:
    description:
      - A file with a number that decides whether this host is eligible. It applies to all instances of the host. keepalived reads it whenever it changes.
      - The number is multiplied by O(gate.weight) and added to each priority. V(0) leaves the priorities as they are. A negative number lets directors with
        a priority in between take over. V(-254) makes the host ineligible, and it gives up its VIPs at once.
      - If the file is missing when keepalived starts, keepalived creates it with V(-254), so that a host is not eligible after a boot until a program
        writes another number. The unit makes the directory.
      - Replace the file to change the number, and do not remove it. While keepalived runs, a file that is missing or has no number means V(0).
      - When the unit starts keepalived, it first copies the file of that name with C(.standby) appended, if there is one, to O(gate.path).
        M(lvs.cluster.boot_restore) writes both. A master whose keepalived died comes back as a backup then.
      - If this option is left out, the host is always eligible.
    type: dict
    suboptions:
      path:
        description: The path of the file, below C(/run).
        type: path
        required: true
      weight:
        description: By how much the number is multiplied, from 1 to 254.
        type: int
        default: 1
  state:
    description:
      - V(present) writes the configuration and the unit.
      - V(absent) removes both. Stop the unit first, since keepalived removes its VIPs when it stops.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - Do not declare the same VIPs with M(lvs.cluster.boot_restore) or M(lvs.cluster.vip_iface). These assign them on a standby too. The module warns of a
    declaration of the same O(owner), and fails for one of another.
  - With O(former_owner) the files of the former owner are removed. Stop RV(former_unit) before the new unit is started.
  - Another O(instances[].vrid), O(instances[].interface) or O(instances[].vmac), and another unit file, need a restart. All else needs a reload only.
  - While directors of an instance differ in O(instances[].vrid), O(instances[].interface), or in whether they have O(instances[].peers), they do not hear one
    another and each of them is the master. Stop the standbys before such a change.
seealso:
  - module: lvs.cluster.vrrp_info
  - module: lvs.cluster.vip_owner_info
  - module: lvs.cluster.boot_restore
"""

EXAMPLES = r"""
- name: Declare the VRRP instance of the first of two directors
  lvs.cluster.vrrp_instances:
    instances:
      - name: web
        vrid: 51
        interface: eth0
        priority: 254
        source_address: 192.0.2.3
        peers: [192.0.2.8]
        vips:
          - address: 192.0.2.30
          - address: 2001:db8::30
    gate:
      path: /run/lvs-cluster-vrrp/gate
  register: vrrp

- name: Start, restart or reload the unit where this is needed
  ansible.builtin.systemd_service:
    name: "{{ vrrp.unit }}"
    state: "{{ 'restarted' if vrrp.restart else 'reloaded' if vrrp.reload else 'started' }}"
    daemon_reload: "{{ vrrp.changed }}"
  when: vrrp.changed or vrrp.restart or vrrp.reload or not vrrp.active

- name: Wait until the host has the VIPs of its role, and no others
  lvs.cluster.vrrp_info:
    timeout: 10

- name: Remove the instances
  lvs.cluster.vrrp_instances:
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: [write /etc/lvs-cluster/vrrp.conf]
unit:
  description: The name of the systemd unit.
  returned: success
  type: str
  sample: lvs-cluster-vrrp.service
former_unit:
  description: The unit of O(former_owner), which is to be stopped; empty if there is none.
  returned: success
  type: str
  sample: ""
active:
  description: Whether the keepalived of the unit ran when the module looked. If it does not, start the unit.
  returned: success
  type: bool
  sample: true
restart:
  description:
    - Whether the running unit has to be restarted, since it was started by another unit file or cannot take up the change by a reload.
    - The running keepalived is compared with the files, so that a restart that an earlier run did not come to is returned again.
  returned: success
  type: bool
  sample: false
reload:
  description: Whether the running unit has to be reloaded, since it has read another configuration. It is false if RV(restart) is true.
  returned: success
  type: bool
  sample: true
instances:
  description: The instances of O(instances), with the role that the host had when the module looked.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the instance.
      type: str
    vrid:
      description: The virtual router ID.
      type: int
    anchor:
      description: The address that is advertised.
      type: str
    role:
      description: V(master) if the host has the anchor address, V(backup) if not.
      type: str
  sample:
    - name: web
      vrid: 51
      anchor: 169.254.51.51
      role: master
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import Run
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import VRRP_OPTIONS, parse_vrrp
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.run import VrrpRun


def make_run(options: Mapping[str, Any]) -> Run:
    """Return the run that the options ask for."""
    return VrrpRun(parse_vrrp(options))


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=VRRP_OPTIONS, supports_check_mode=True), make_run)


if __name__ == "__main__":
    main()
