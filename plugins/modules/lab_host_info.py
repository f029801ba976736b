#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: what this controller has for the lab."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_host_info
short_description: Tell what the controller has for the lab
version_added: 1.0.0
description:
  - Internal module of the role P(lvs.cluster.lab#role). Use the role; the options of the module can change without notice.
  - Looks for the programs that the lab's virtual machines need, for QEMU's version, for an accelerator that really runs a guest,
    and for the package mirror that this machine uses.
  - Runs on the controller. KVM is tried by starting a guest for a few seconds at most; the answer is kept until the controller
    is booted again.
attributes:
  check_mode:
    description: Can run in check mode; then the answer about KVM is not kept.
    support: full
  diff_mode:
    description: Nothing is changed, so there is no difference to show.
    support: none
options:
  base_dir:
    description: The lab's directory, where the answer about KVM is kept.
    type: path
    required: true
  accelerator:
    description: V(auto) takes KVM where it works and emulation elsewhere; V(kvm) fails where KVM does not work.
    type: str
    choices: [auto, kvm, tcg]
    default: auto
  kernel:
    description: A kernel to try KVM with; without it that of any image in the cache. With none an answer V(kvm) is only likely.
    type: path
author: The lvs.cluster maintainers (@lvs-cluster)
"""

EXAMPLES = r"""
- name: Look at this machine
  lvs.cluster.lab_host_info:
    base_dir: ~/.cache/lvs.cluster
"""

RETURN = r"""
missing_programs:
  description: Programs that are not installed. When there are any, O(ignore:accelerator) and the rest are empty.
  type: list
  elements: str
  returned: always
missing_packages:
  description: The Debian packages that hold them.
  type: list
  elements: str
  returned: always
missing_message:
  description: A sentence for a person about what is missing, or nothing.
  type: str
  returned: always
qemu_version:
  description: QEMU's version.
  type: str
  returned: always
accelerator:
  description: V(kvm) or V(tcg).
  type: str
  returned: always
cpu:
  description: The CPU model for QEMU.
  type: str
  returned: always
host_cpu:
  description: A mark of this machine's CPU under KVM, where snapshots belong to it; else nothing.
  type: str
  returned: always
mirror:
  description: The Debian mirror in this machine's apt configuration, or nothing.
  type: str
  returned: always
package_proxy:
  description: The URL under which lab machines find their package proxy.
  type: str
  returned: always
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._lab import probe as lab_probe
from ansible_collections.lvs.cluster.plugins.module_utils._lab.qemu import PACKAGE_PROXY
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info


def look(base: Path, wanted: str, kernel: Path | None, remember: bool) -> dict[str, Any]:
    """The module's answer; raises LabError."""
    missing = lab_probe.missing_programs()
    answer = {
        "missing_programs": missing,
        "missing_packages": lab_probe.packages_of(missing),
        "missing_message": lab_probe.missing_message(missing) if missing else "",
        "package_proxy": f"http://{PACKAGE_PROXY}",
        **dict.fromkeys(("qemu_version", "accelerator", "cpu", "host_cpu", "mirror"), ""),
    }
    if missing:
        return answer
    version = lab_probe.qemu_version()
    accelerator = lab_probe.accelerator(base, wanted, version, kernel, remember)
    kvm = accelerator == "kvm"
    return {
        **answer,
        "qemu_version": version,
        "accelerator": accelerator,
        "cpu": "host" if kvm else lab_probe.EMULATED_CPU,
        "host_cpu": lab_probe.host_cpu() if kvm else "",
        "mirror": lab_probe.find_mirror(),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "base_dir": {"type": "path", "required": True},
            "accelerator": {"type": "str", "choices": ["auto", "kvm", "tcg"], "default": "auto"},
            "kernel": {"type": "path"},
        },
        supports_check_mode=True,
    )
    kernel = Path(module.params["kernel"]) if module.params["kernel"] else None
    base, wanted, remember = Path(module.params["base_dir"]), module.params["accelerator"], not module.check_mode
    run_info(module, lambda _options: look(base, wanted, kernel, remember))


if __name__ == "__main__":
    main()
