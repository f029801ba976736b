#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return the roles that the VRRP instances of a director have, and wait until they are settled."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vrrp_info
short_description: Return the roles of VRRP instances, or wait for them
version_added: 1.1.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Reads which VRRP instances M(lvs.cluster.vrrp_instances) declared on the host, and returns the role of each. The host is the master of an instance if
    it has the address that the instance advertises.
  - An instance is settled if a master has all its VIPs, or a backup has none of them.
  - With O(timeout) the module waits until the instances are settled in O(role), and fails if they are not in time, or if their keepalived does not run.
  - Needs no library. Reads files and the addresses of the host only. M(lvs.cluster.vip_owner_info) asks the segment who answers for a VIP.
options:
  names:
    description: The instances. If this is left out, all of O(owner).
    type: list
    elements: str
  role:
    description:
      - The role to wait for. It has an effect with O(timeout) only.
      - V(any) waits for a settled role, whichever it is.
      - V(master) waits until the host is the master.
      - V(backup) waits until the host is a backup.
      - V(elected) waits until the host is the master, or another host answers for the VIPs on the segment.
    type: str
    choices: [any, master, backup, elected]
    default: any
  timeout:
    description: The seconds to wait at most, up to V(600). V(0) returns at once what is seen, and never fails because of it.
    type: float
    default: 0
  owner:
    description: The name of the cluster that declared the instances.
    type: str
    default: default
extends_documentation_fragment:
  - lvs.cluster.attributes.info
seealso:
  - module: lvs.cluster.vrrp_instances
  - module: lvs.cluster.vip_owner_info
"""

EXAMPLES = r"""
- name: Read the roles of this director
  lvs.cluster.vrrp_info:
  register: vrrp

- name: Wait until a planned handover is over
  lvs.cluster.vrrp_info:
    names: [web]
    role: master
    timeout: 10
"""

RETURN = r"""
unit:
  description: The name of the systemd unit.
  returned: success
  type: str
  sample: lvs-cluster-vrrp.service
running:
  description: Whether the keepalived of the unit runs.
  returned: success
  type: bool
  sample: true
instances:
  description: The instances.
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
    interface:
      description: The device that sends and receives advertisements.
      type: str
    priority:
      description: The declared priority, without the number of the gate.
      type: int
    anchor:
      description: The address that is advertised.
      type: str
    vips:
      description: The VIPs, each with its C(address) and C(interface).
      type: list
      elements: dict
    role:
      description: V(master) if the host has the anchor address, V(backup) if not.
      type: str
    settled:
      description: Whether the host has just the VIPs of its role.
      type: bool
    missing:
      description: VIPs that the master has not.
      type: list
      elements: str
    leftover:
      description: VIPs that a backup still has.
      type: list
      elements: str
  sample:
    - name: web
      vrid: 51
      interface: eth0
      priority: 254
      anchor: 169.254.51.51
      vips:
        - address: 192.0.2.30
          interface: eth0
      role: master
      settled: true
      missing: []
      leftover: []
operations:
  description: Always empty; reading changes nothing.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.roles import INFO_OPTIONS, RolesInquiry, answer


def make_answer(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the module returns for its options; raise LvsError."""
    return answer(RolesInquiry.from_options(options))


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=INFO_OPTIONS, supports_check_mode=True), make_answer)


if __name__ == "__main__":
    main()
