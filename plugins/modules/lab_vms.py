#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the lab's virtual machines and switches, all at once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_vms
short_description: Run or end the lab's virtual machines
version_added: 1.0.0
description:
  - Internal module of the role P(lvs.cluster.lab#role). Use the role; the options of the module can change without notice.
  - Starts one QEMU virtual machine per host from its image's snapshot, each with its own name, machine-id and LAN interfaces, and one
    learning switch per segment; all at the same time.
  - What runs stays as it is; a host more is one machine more, an address more is one address more, a machine that died is started again.
  - Runs on the controller. Needs the Python library C(qemu.qmp) there. Nothing of the lab listens on anything but 127.0.0.1.
attributes:
  check_mode:
    description: Can run in check mode and tells the changes without making them.
    support: full
  diff_mode:
    description: Shows the machines before and after.
    support: full
options:
  base_dir:
    description: The lab's directory; what runs is below V(run) in it.
    type: path
    required: true
  lab:
    description: Name of the lab.
    type: str
    default: lab
  all_labs:
    description: End every lab in the directory, and not only O(lab).
    type: bool
    default: false
  hosts:
    description: The machines of the lab; one that runs and is not in this list is ended.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its host name.
        type: str
        required: true
      image:
        description: The directory of its image.
        type: path
        required: true
      port:
        description: The port on 127.0.0.1 that leads to its ssh.
        type: int
        required: true
      interfaces:
        description: Its LAN interfaces.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The interface's name in the machine.
            type: str
            required: true
          segment:
            description: The segment that it is plugged into.
            type: str
            required: true
          addresses:
            description: Its addresses, each with prefix length.
            type: list
            elements: str
            default: []
          routes:
            description: The networks that it reaches by way of a neighbour on this interface.
            type: list
            elements: dict
            default: []
            suboptions:
              to:
                description: The network, with prefix length.
                type: str
                required: true
              via:
                description: The neighbour's address.
                type: str
                required: true
      forwarding:
        description: It is a router and forwards packets, of IPv4 and IPv6.
        type: bool
        default: false
  package_servers:
    description:
      - The servers from which the machines can download packages, each as C(HOST) or C(HOST:PORT).
      - The machines reach them through a proxy, and nothing else outside the lab.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds within which each machine must be reachable.
    type: int
    default: 120
  state:
    description:
      - V(absent) ends the lab; images stay.
      - V(checked) only finds what would keep the lab from running, such as a bad address or a port that is taken; images
        need not be there.
    type: str
    choices: [present, absent, checked]
    default: present
author: The lvs.cluster maintainers (@lvs-cluster)
"""

EXAMPLES = r"""
- name: Run one machine
  lvs.cluster.lab_vms:
    base_dir: ~/.cache/lvs.cluster
    hosts:
      - name: director
        image: ~/.cache/lvs.cluster/images/bookworm-0123456789ab
        port: 22003
        interfaces:
          - {name: lan0, segment: lan, addresses: [192.168.91.3/24]}

- name: End the lab
  lvs.cluster.lab_vms:
    base_dir: ~/.cache/lvs.cluster
    state: absent
"""

RETURN = r"""
operations:
  description: What was, or in check mode would be, done.
  type: list
  elements: str
  returned: always
"""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._lab.channel import require_qmp
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import usable
from ansible_collections.lvs.cluster.plugins.module_utils._lab.hosts import parse_hosts
from ansible_collections.lvs.cluster.plugins.module_utils._lab.run import Lab, lab_names, locked
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import failures

_ROUTE = {"to": {"type": "str", "required": True}, "via": {"type": "str", "required": True}}
_INTERFACE = {
    "name": {"type": "str", "required": True},
    "segment": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "routes": {"type": "list", "elements": "dict", "default": [], "options": _ROUTE},
}
_HOST = {
    "name": {"type": "str", "required": True},
    "image": {"type": "path", "required": True},
    "port": {"type": "int", "required": True},
    "interfaces": {"type": "list", "elements": "dict", "default": [], "options": _INTERFACE},
    "forwarding": {"type": "bool", "default": False},
}
_OPTIONS = {
    "base_dir": {"type": "path", "required": True},
    "lab": {"type": "str", "default": "lab"},
    "all_labs": {"type": "bool", "default": False},
    "hosts": {"type": "list", "elements": "dict", "default": [], "options": _HOST},
    "package_servers": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "int", "default": 120},
    "state": {"type": "str", "choices": ["present", "absent", "checked"], "default": "present"},
}


async def bring_up(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Make the lab what the hosts say; raises LabError."""
    hosts = parse_hosts(options["hosts"])
    lab = Lab(Path(options["base_dir"]), options["lab"], options["timeout"], options["package_servers"])
    plan, running = await lab.plan(hosts)
    if plan.operations and not check_mode:
        await lab.apply(plan)
    before = {name: state.host.to_dict() for name, state in running.items()}
    return {"operations": plan.operations, "diff": {"before": before, "after": {h.name: h.to_dict() for h in hosts}}}


async def take_down(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """End one lab or all; raises LabError."""
    base = Path(options["base_dir"])
    names = lab_names(base) if options["all_labs"] else [options["lab"]]
    operations: list[str] = []
    for name in names:
        lab = Lab(base, name, options["timeout"])
        if lab.exists():
            operations += [f"{words} of lab {name}" for words in (lab.ending() if check_mode else await lab.end())]
    return {"operations": operations, "diff": {"before": {"operations": operations}, "after": {"operations": []}}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=_OPTIONS, supports_check_mode=True)
    checked = module.params["state"] == "checked"
    dry = module.check_mode or checked
    work, base = take_down if module.params["state"] == "absent" else bring_up, module.params["base_dir"]
    with failures(module), usable(base):
        require_qmp()
        with nullcontext() if dry else locked(Path(base)):
            answer = asyncio.run(work(module.params, dry))
    module.exit_json(changed=bool(answer["operations"]) and not checked, **answer)


if __name__ == "__main__":
    main()
