#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what has to be known of a host to verify its cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_info
short_description: Tell what has to be known of a host to verify its cluster
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Reads in one run what M(lvs.cluster.preflight_info) reads, the sysctls in effect on each device, static neighbour entries, and what the host brings
    back at boot; and on a director its table, and proves the paths of its servers, as M(lvs.cluster.realserver_path_info) does.
  - Judges nothing. The playbook C(lvs.cluster.verify) does, for all hosts together.
  - Needs nothing but Python on the managed host and the right to open raw sockets (CAP_NET_RAW).
options:
  addresses:
    description: Addresses to ask the segment for, as in M(lvs.cluster.preflight_info).
    type: list
    elements: str
    default: []
  interface:
    description: The device for those of them, and of the servers, to which no route leads without a gateway.
    type: str
  paths:
    description: The services whose servers are to be proved, each item as in O(lvs.cluster.realserver_path_info#module:services).
    type: list
    elements: dict
    default: []
  boots:
    description: The names of M(lvs.cluster.boot_restore) to look for.
    type: list
    elements: str
    default: []
  owner:
    description: The cluster whose O(boots) to look for, as in M(lvs.cluster.boot_restore).
    type: str
    default: default
    version_added: 1.1.0
  table:
    description: Whether to read what IPVS holds and counts, as M(lvs.cluster.ipvs_info) does. It needs CAP_NET_ADMIN.
    type: bool
    default: false
  timeout:
    description: How long the servers' answers are waited for, in seconds.
    type: float
    default: 2
extends_documentation_fragment:
  - lvs.cluster.attributes.info
seealso:
  - module: lvs.cluster.preflight_info
  - module: lvs.cluster.realserver_path_info
"""

EXAMPLES = r"""
- name: Look at this director
  lvs.cluster.verify_info:
    addresses: [192.0.2.30]
    boots: [director]
    paths:
      - address: 192.0.2.30
        port: 80
        real_servers:
          - address: 192.0.2.4
"""

RETURN = r"""
facts:
  description: What M(lvs.cluster.preflight_info) returns as RV(lvs.cluster.preflight_info#module:facts).
  returned: success
  type: dict
sysctls:
  description: For each device the values in effect of C(arp_ignore), C(arp_announce), C(forwarding), C(send_redirects) and C(rp_filter).
  returned: success
  type: dict
boots:
  description:
    - For each of O(boots) the C(unit), whether it is C(active) and C(enabled), and what is C(declared) in its file (null where there is none).
    - C(start) is what the unit starts, null where the unit has no file. C(command) is the interpreter and the program, C(missing) those that do not
      exist, C(hidden) those that the unit cannot see at boot, C(program) the checksum of the program, and C(current) whether a run of
      M(lvs.cluster.boot_restore) would write the unit in the same way now.
  returned: success
  type: dict
neighbors:
  description: The static neighbour entries, each with C(interface), C(address) and C(mac).
  returned: success
  type: list
  elements: dict
table:
  description: What M(lvs.cluster.ipvs_info) returns as C(services), C(counters), C(drained), C(timeouts) and C(sysctls); empty unless O(table=true).
  returned: success
  type: dict
paths:
  description: What M(lvs.cluster.realserver_path_info) returns as RV(lvs.cluster.realserver_path_info#module:paths).
  returned: success
  type: list
  elements: dict
operations:
  description: Always empty; asking changes nothing.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import DEFAULT_OWNER, Owner
from ansible_collections.lvs.cluster.plugins.module_utils._facts.client import read_facts
from ansible_collections.lvs.cluster.plugins.module_utils._facts.state import read_boots, read_neighbors, read_sysctls
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_info
from ansible_collections.lvs.cluster.plugins.module_utils._path.plan import PathInquiry

OPTIONS: dict[str, Any] = {
    "addresses": {"type": "list", "elements": "str", "default": []},
    "interface": {"type": "str"},
    "paths": {"type": "list", "elements": "dict", "default": []},
    "boots": {"type": "list", "elements": "str", "default": []},
    "owner": {"type": "str", "default": DEFAULT_OWNER},
    "table": {"type": "bool", "default": False},
    "timeout": {"type": "float", "default": 2.0},
}


def answer(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the module returns for its options; raise LvsError when something can't be read."""
    inquiry = PathInquiry.from_options({"services": options["paths"], "timeout": options["timeout"]})
    facts = read_facts(options["addresses"], [], options["interface"])
    return {
        "facts": facts.as_values(),
        "sysctls": read_sysctls(one.name for one in facts.interfaces),
        "boots": read_boots(options["boots"], owner=Owner.from_options(options).name),
        "neighbors": read_neighbors(),
        "table": _table() if options["table"] else {},
        "paths": _prove(inquiry) if options["paths"] else [],
        "operations": [],
    }


# A director alone is asked for its table and its servers' paths, and compiles what does that.
def _table() -> dict[str, Any]:
    from ansible_collections.lvs.cluster.plugins.module_utils._table.read import read_table

    return read_table()


def _prove(inquiry: PathInquiry) -> list[dict[str, Any]]:
    from ansible_collections.lvs.cluster.plugins.module_utils._path.run import ask

    paths: list[dict[str, Any]] = ask(inquiry)["paths"]
    return paths


def main() -> None:
    """Run the module."""
    run_info(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True), answer)


if __name__ == "__main__":
    main()
