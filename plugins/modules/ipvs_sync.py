#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the connection synchronisation of a director as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ipvs_sync
short_description: Synchronise the connections of IPVS between directors
version_added: 1.1.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Starts and stops the sync daemons of IPVS, and sets the sysctls that say which connections they send and when.
  - A director with a C(master) daemon sends its connections to a multicast group. A director with a C(backup) daemon adds what it receives to its own
    table, so that clients keep their connections when it takes over their VIP. A director can run one daemon of each state.
  - The kernel cannot change a daemon. The module stops one that has other parameters and starts it again in the same request. The kernel drops what a
    stopped master has not sent yet, the connections of about two seconds.
  - The module stops only daemons that runs of the same O(owner) started or declared, here or in M(lvs.cluster.boot_restore), unless O(purge) is set.
  - Speaks generic netlink to the kernel itself; needs neither C(ipvsadm) nor any Python library.
options:
  daemons:
    description:
      - The sync daemons of this host, at most one of each state. RV(lvs.cluster.ipvs_info#module:sync_daemons) is valid input.
      - V([]) stops all daemons that the O(owner) started. Without this option, daemons are left as they are.
    type: list
    elements: dict
    suboptions:
      state:
        description:
          - What the daemon does.
          - V(master) sends connections to other directors.
          - V(backup) receives them.
        type: str
        choices: [master, backup]
        required: true
      interface:
        description: The device on which the messages travel. It must be up and have an address of the family of the O(daemons[].group).
        type: str
        required: true
      sync_id:
        description:
          - The number of the group of directors, from 1 to 255. A V(backup) ignores messages with another one.
          - V(0) is refused, since a V(backup) with it takes the messages of every group.
        type: int
        required: true
      max_length:
        description:
          - The greatest length of a message in bytes, without its IP and UDP headers.
          - Of a V(master) from 1; a small value sends each connection in a message of its own. Of a V(backup) from 1024, and at least what the V(master)
            of the other directors has.
          - Up to 65507 with an IPv4 group and 65487 with an IPv6 group.
          - Without this option a daemon that runs keeps its length, and a new one gets that of the kernel, which is 1472 with an IPv4 group and 1452 with an
            IPv6 group. A V(backup) on a device with a greater MTU gets as much more.
        type: int
      group:
        description: The multicast group, an IPv4 or IPv6 address. It must be the same on all directors.
        type: str
        default: 224.0.0.81
      port:
        description: The UDP port. It must be the same on all directors.
        type: int
        default: 8848
      ttl:
        description: The TTL of the messages of a V(master). With V(1) they stay in the segment.
        type: int
        default: 1
  sysctls:
    description:
      - The C(net.ipv4.vs) sysctls that influence synchronisation.
      - A sysctl that an earlier run of the O(owner) set, and this run does not list, gets the value back that it had before the first run. Without this
        option, all sysctls are left as they are.
    type: dict
    suboptions:
      sync_threshold:
        description:
          - Two numbers, the threshold and the period. A connection is sent when it has received as many packets as the threshold, and again whenever the
            rest of a division of its packets by the period equals the threshold.
          - In direct routing and with tunnels a director sees the packets of clients only. With C([3, 50]), with which the kernel begins, it does not send a
            connection on which the client is idle or waits for the server to begin.
          - With C([0, 0]) and O(sysctls.sync_refresh_period) above 0 a connection is sent as soon as it is established. With C([0, 0]) alone it is
            sent only when it ends.
        type: list
        elements: int
      sync_refresh_period:
        description: Seconds after which an active connection is sent again. The kernel begins with V(0), which is never.
        type: int
      sync_retries:
        description: How often a message is repeated, each after an eighth of O(sysctls.sync_refresh_period), from 0 to 3. The kernel begins with V(0).
        type: int
      backup_only:
        description:
          - With V(1) IPVS forwards nothing while the host has a V(backup) daemon. Use it where directors are real servers too, with a V(master) on the
            director that has the VIP and a V(backup) on the other one.
          - It is refused with daemons of both states, since the host would never forward anything.
          - The kernel begins with V(0).
        type: int
      sync_persist_mode:
        description:
          - With V(1) the templates of persistent services are sent instead of each of their connections. Other services are not affected. A director that
            takes over needs O(sysctls.sloppy_tcp) then. The kernel begins with V(0).
        type: int
      sloppy_tcp:
        description:
          - With V(1) IPVS schedules a TCP connection by any of its packets, not by its SYN alone. The kernel begins with V(0).
        type: int
  purge:
    description:
      - Stop daemons that others started, if O(daemons) does not list them or lists other parameters. What another cluster declares on the host stays.
      - Without this option the module fails if such a daemon prevents one of O(daemons), and leaves the others.
    type: bool
    default: false
  state:
    description:
      - V(present) starts and sets what is listed.
      - V(absent) stops the daemons that are listed, and gives the sysctls that are listed, whatever value is given, the values back that they had before the
        first run. If neither option is given, this is done for everything that runs of the O(owner) declared.
      - A sysctl that no run of the O(owner) set is left. So is one that another program has changed since, with a warning. If the former value is not known,
        the sysctl gets that of the kernel.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - The kernel sends a new connection up to three seconds late. A client that uses it within that time, but after another director took over the VIP, loses
    it, also with both daemons on both directors. With O(daemons[].max_length=1) of the C(master) this affects the latest connection only. It affects none
    with the scheduler V(mh), its flag V(mh-port) and O(sysctls.sloppy_tcp=1), since the other director then chooses the same servers.
  - Messages are neither encrypted nor authenticated. Let UDP to the O(daemons[].port) in from the other directors only.
  - The kernel refuses daemons while a service has real servers of the other address family (tunnels), and such servers while a daemon runs.
  - A daemon stays joined to its device. If the device is removed and created again, stop the daemon and start it again.
  - What the module remembers is in C(/var/lib/lvs-cluster/sync.json).
seealso:
  - module: lvs.cluster.ipvs_info
  - module: lvs.cluster.ipvs_table
  - module: lvs.cluster.boot_restore
"""

EXAMPLES = r"""
- name: Both directors send and receive, also connections that are idle
  lvs.cluster.ipvs_sync:
    daemons:
      - state: master
        interface: eth0
        sync_id: 7
      - state: backup
        interface: eth0
        sync_id: 7
    sysctls:
      sync_threshold: [0, 0]
      sync_refresh_period: 10

- name: The standby of two directors that are real servers too
  lvs.cluster.ipvs_sync:
    daemons:
      - state: backup
        interface: eth0
        sync_id: 7
    sysctls:
      sync_threshold: [0, 0]
      sync_refresh_period: 10
      backup_only: 1

- name: Nothing is synchronised any more
  lvs.cluster.ipvs_sync:
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample: ["start sync daemon master on eth0 (sync ID 7, 224.0.0.81:8848, TTL 1, 1472 bytes)"]
daemons:
  description: The sync daemons of the host afterwards, as options of this module.
  returned: success
  type: list
  elements: dict
  sample: [{state: master, interface: eth0, sync_id: 7, max_length: 1472, group: 224.0.0.81, port: 8848, ttl: 1}]
sysctls:
  description: All sysctls of O(sysctls) that the kernel has, as they are afterwards.
  returned: success
  type: dict
  sample: {sync_threshold: [0, 0], sync_refresh_period: 10, sync_retries: 0, backup_only: 0, sync_persist_mode: 0, sloppy_tcp: 0}
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import Run
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import Declaration
from ansible_collections.lvs.cluster.plugins.module_utils._owner.sync_items import read_own_items, read_sync_others
from ansible_collections.lvs.cluster.plugins.module_utils._sync.options import SYNC_OPTIONS, WantedSync
from ansible_collections.lvs.cluster.plugins.module_utils._sync.run import SyncRun


def make_run(options: Mapping[str, Any]) -> Run:
    """Return the run that the options ask for."""
    wanted = WantedSync.from_options(options)
    others = read_sync_others(wanted.owner)
    settled = _settled(wanted, others) if others else wanted
    return SyncRun(settled, read_own_items(wanted.owner))


# Few hosts are in several clusters; only those compile what settles that.
def _settled(wanted: WantedSync, others: Sequence[Declaration]) -> WantedSync:
    from ansible_collections.lvs.cluster.plugins.module_utils._owner.sync import settle_sync

    return settle_sync(wanted, wanted.owner, others)


def main() -> None:
    """Run the module."""
    run_module(AnsibleModule(argument_spec=SYNC_OPTIONS, supports_check_mode=True), make_run)


if __name__ == "__main__":
    main()
