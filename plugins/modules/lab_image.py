#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: the cache of lab images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lab_image
short_description: Find, begin and finish an image of the lab's cache
version_added: 1.0.0
description:
  - Internal module of the role P(lvs.cluster.lab#role). Use the role; the options of the module can change without notice.
  - An image is a directory in the cache, named by a hash over everything that made it, so that a change of anything builds a new one.
  - It is built in a directory aside, one builder at a time, and gets its name only when it is complete; what a builder left who was
    interrupted is removed by the next.
  - Runs on the controller.
attributes:
  check_mode:
    description: Can run in check mode and tells the changes without making them.
    support: full
  diff_mode:
    description: Shows the image before and after.
    support: full
options:
  base_dir:
    description: The lab's directory; images are below V(images) in it.
    type: path
    required: true
  release:
    description: Code name of the Debian release.
    type: str
    required: true
  machine:
    description: What the virtual machine is; a snapshot can be loaded only by the same.
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
  recipe:
    description: Anything else that makes the image what it is, such as the packages.
    type: dict
    required: true
  guest_files:
    description: A directory of files that are put into the image.
    type: path
    required: true
  overlays:
    description:
      - Directories whose files are put into the image after those of O(guest_files), as O(lvs.cluster.lab#role:main:lab_image_overlays) describes.
      - All of their files are part of the image's name.
    type: list
    elements: path
    default: []
  building:
    description: With O(state=published) the directory that V(begun) gave. What was begun may have changed its key since.
    type: path
  space:
    description: Free space in MiB that building needs.
    type: int
    default: 2048
  timeout:
    description: Seconds to wait for another run that builds the same image.
    type: int
    default: 900
  state:
    description:
      - V(begun) gives a directory to build in, unless the image is there.
      - V(published) gives the image that was built there its name.
    type: str
    choices: [begun, published]
    required: true
author: The lvs.cluster maintainers (@lvs-cluster)
"""

EXAMPLES = r"""
- name: Begin an image
  lvs.cluster.lab_image:
    base_dir: ~/.cache/lvs.cluster
    release: bookworm
    machine: {qemu: QEMU emulator version 7.2, accelerator: tcg, cpu: qemu64, memory: 384}
    recipe: {packages: [openssh-server]}
    guest_files: files/guest
    state: begun
"""

RETURN = r"""
key:
  description: The image's name.
  type: str
  returned: always
path:
  description: Where it is, or will be.
  type: str
  returned: always
building:
  description: The directory to build in; empty when the image is there.
  type: str
  returned: always
operations:
  description: What was, or in check mode would be, done.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._lab import image as lab_image
from ansible_collections.lvs.cluster.plugins.module_utils._lab.errors import usable
from ansible_collections.lvs.cluster.plugins.module_utils._lab.qemu import MACHINE_OPTIONS, Machine
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import failures

_OPTIONS = {
    "base_dir": {"type": "path", "required": True},
    "release": {"type": "str", "required": True},
    "machine": {"type": "dict", "required": True, "options": MACHINE_OPTIONS},
    "recipe": {"type": "dict", "required": True},
    "guest_files": {"type": "path", "required": True},
    "overlays": {"type": "list", "elements": "path", "default": []},
    "building": {"type": "path"},
    "space": {"type": "int", "default": 2048},
    "timeout": {"type": "int", "default": 900},
    "state": {"type": "str", "choices": ["begun", "published"], "required": True},
}


def run(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """The module's answer; raises LabError."""
    base, release, machine = Path(options["base_dir"]), options["release"], Machine(**options["machine"])
    files = lab_image.content_hashes(Path(options["guest_files"]), [Path(one) for one in options["overlays"]])
    key = lab_image.image_key(release, machine, options["recipe"], files)
    cache, path = lab_image.Cache(base), base / "images" / key
    answer: dict[str, Any] = {"key": key, "path": str(path), "building": "", "operations": []}
    if options["state"] == "begun" and not lab_image.is_image(path):
        lab_image.check_space(cache.images, options["space"], f"image {key}")
        answer["operations"] = [f"build image {key}"]
        if not check_mode:
            cache.sweep()
            building = cache.begin(key, options["timeout"])
            answer["building"] = str(building or "")
            answer["operations"] = answer["operations"] if building else []
    elif options["state"] == "published":
        answer["operations"] = [f"publish image {key}"]
        if not check_mode:
            cache.publish(Path(options["building"]), key, release, machine)
    there = {"image": key, "complete": not answer["operations"]}
    after = {**there, "complete": options["state"] == "published" or there["complete"]}
    return {**answer, "changed": bool(answer["operations"]), "diff": {"before": there, "after": after}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=_OPTIONS, supports_check_mode=True, required_if=[("state", "published", ["building"])]
    )
    with failures(module), usable(module.params["base_dir"]):
        answer = run(module.params, module.check_mode)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
