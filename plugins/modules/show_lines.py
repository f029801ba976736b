#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show lines as they are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: show_lines
short_description: Show lines in the terminal as they are
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Shows a table to people, whose columns M(ansible.builtin.debug) would break, fold or quote, depending on how results are shown.
  - Does nothing on the host, and needs no connection to it.
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
- name: Show a table
  lvs.cluster.show_lines:
    lines:
      - SERVER  WEIGHT
      - rs1          1
"""

RETURN = r"""
operations:
  description: Always empty, since nothing is done.
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
    """Run the module; it is its action plugin that shows the lines, and does without this."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.exit_json(changed=False, operations=[], lines=module.params["lines"])


if __name__ == "__main__":
    main()
