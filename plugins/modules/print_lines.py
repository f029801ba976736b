#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print lines as they are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: print_lines
short_description: Print lines in the terminal as they are
version_added: 1.1.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Prints a table unchanged. M(ansible.builtin.debug) can wrap, fold or quote its columns, which depends on the result format.
  - Changes nothing on the host, and needs no connection to it.
  - In 1.0.0 the module is named C(lvs.cluster.show_lines). The old name still works.
options:
  lines:
    description: The lines, from the first to the last.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - lvs.cluster.attributes.info
"""

EXAMPLES = r"""
- name: Print a table
  lvs.cluster.print_lines:
    lines:
      - SERVER  WEIGHT
      - rs1          1
"""

RETURN = r"""
operations:
  description: Always empty, since the module changes nothing.
  returned: always
  type: list
  elements: str
lines:
  description: The lines.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

OPTIONS: dict[str, Any] = {"lines": {"type": "list", "elements": "str", "required": True}}


def main() -> None:
    """Run the module. Ansible runs the action plugin of the same name instead, which prints the lines."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.exit_json(changed=False, operations=[], lines=module.params["lines"])


if __name__ == "__main__":
    main()
