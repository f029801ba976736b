#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: boot a new lab image once and keep the running system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_snapshot
short_description: Boot a new lab image once and save the running system
version_added: 1.0.0
description:
  - Internal module of the role P(lvs.cluster.lab#role). Use the role; the options of the module can change without notice.
  - Boots the disk in the directory O(image) in QEMU, waits until the system runs, and saves its memory and state beside the disk.
  - Kernel and initrd are unpacked in their place before that.
  - Runs on the controller. Needs the Python library C(qemu.qmp) there.
attributes:
  check_mode:
    description: Can run in check mode and tells the change without making it.
    support: full
  diff_mode:
    description: Shows whether there is a snapshot before and after.
    support: full
options:
  image:
    description: The directory with the disk, the kernel and the initrd.
    type: path
    required: true
  machine:
    description: The virtual machine, as for M(lvs.cluster.lab_image).
    type: dict
    required: true
    suboptions:
      qemu:
        description: QEMU's version.
        type: str
        required: true
      accelerator:
        description: V(kvm) or V(tcg).
        type: str
        required: true
      cpu:
        description: CPU model.
        type: str
        required: true
      memory:
        description: Memory in MiB.
        type: int
        required: true
  overlays:
    description: Directories of which each may have a script V(settle), which runs in the machine before the system is saved.
    type: list
    elements: path
    default: []
  timeout:
    description: Seconds within which the system must run.
    type: int
    default: 300
author: The lvs.cluster maintainers (@lvs-cluster)
"""

EXAMPLES = r"""
- name: Boot the image once
  lvs.cluster.lab_snapshot:
    image: /tmp/image
    machine: {qemu: QEMU emulator version 7.2, accelerator: tcg, cpu: qemu64, memory: 384}
"""

RETURN = r"""
operations:
  description: What was, or in check mode would be, done.
  type: list
  elements: str
  returned: always
"""

import asyncio
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._lab.channel import require_qmp
from ansible_collections.lvs.cluster.plugins.module_utils._lab.qemu import MACHINE_OPTIONS, STATE, Machine
from ansible_collections.lvs.cluster.plugins.module_utils._lab.template import make_snapshot
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import failures

_OPTIONS = {
    "image": {"type": "path", "required": True},
    "machine": {"type": "dict", "required": True, "options": MACHINE_OPTIONS},
    "overlays": {"type": "list", "elements": "path", "default": []},
    "timeout": {"type": "int", "default": 300},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=_OPTIONS, supports_check_mode=True)
    image = Path(module.params["image"])
    there = (image / STATE).exists()
    with failures(module):
        require_qmp()
        if not there and not module.check_mode:
            machine, overlays = Machine(**module.params["machine"]), [Path(one) for one in module.params["overlays"]]
            asyncio.run(make_snapshot(image, machine, module.params["timeout"], overlays))
    diff = {"before": {"snapshot": there}, "after": {"snapshot": True}}
    module.exit_json(changed=not there, operations=[] if there else ["boot the image and save it"], diff=diff)


if __name__ == "__main__":
    main()
