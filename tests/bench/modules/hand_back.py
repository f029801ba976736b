# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the options of ipvs_table and gives them back: what Ansible itself does in a process of such a module."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import SERVICE_OPTIONS

OPTIONS = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE_OPTIONS},
    "purge": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    module.exit_json(changed=False, services=module.params["services"])


if __name__ == "__main__":
    main()
