#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the ARP behaviour of interfaces, and what else LVS needs of them, as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: arp_sysctl
short_description: Keep the ARP behaviour of interfaces as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Sets values below C(net.ipv4.conf) in the running kernel and keeps them over a reboot by a file in C(sysctl.d).
  - The kernel combines the value of V(all) with each interface's own, and the rule differs from setting to setting; it
    is given with each option. The module computes the value that acts on every real interface, returns it, and by
    default refuses to go on when it would not be the one asked for, before anything is changed.
  - A setting that is left out stays as it is, and so does a value of O(arp_ignore) or O(arp_announce) that is stricter than the one that is
    asked for; see O(on_stricter). Several runs on one host can declare different interfaces and settings in
    one file; each only replaces its own lines.
  - What the kernel had before the first run is remembered in C(/var/lib/lvs-cluster/sysctl.json), and given back by
    O(state=absent).
  - Values are written only where they differ; setting by setting, O(forwarding) first, then what concerns ARP; for each
    V(all), then V(default), then the interfaces by name. V(all) protects every interface at once, so that none is ever
    less protected on the way than it was before or will be after.
options:
  interfaces:
    description:
      - The interfaces to set, and V(all) and V(default).
      - V(default) is where interfaces that come later begin; the kernel also copies it at once to interfaces that never
        had an IPv4 address.
      - With V(all) the effective value is checked on every interface of the host, otherwise on those that are named; O(effective_on)
        narrows that.
      - Names with dots, such as V(eth0.100), need no quoting.
    type: list
    elements: str
    default: [all, default, lo]
  arp_ignore:
    description:
      - Which ARP requests are answered, read on the interface that receives the request. V(1) is what an LVS-DR server
        needs, as the VIP is on another interface than the one that receives the request.
      - In effect is the larger of V(all) and the interface's own value.
      - V(2) and V(8) are stricter than V(1). V(2) also does not answer senders of other subnets, and V(8) answers no request at all, not even for
        the host's own address.
      - V(3) is neither stricter nor weaker. It answers for addresses on other interfaces, except for those of scope host.
    type: int
    choices: [0, 1, 2, 3, 8]
  arp_announce:
    description:
      - Which own address ARP requests carry. V(2) is what an LVS-DR server needs, or its requests advertise the VIP.
      - In effect is the larger of V(all) and the interface's own value. V(2) is stricter than V(1).
    type: int
    choices: [0, 1, 2]
  arp_filter:
    description: Whether only the interface by which the host would route an answer answers. In effect when V(all) or the interface has it.
    type: int
    choices: [0, 1]
  arp_accept:
    description:
      - Whether gratuitous ARP makes new entries; V(2), from addresses of the own subnets only, is new in Linux 6.0.
      - In effect is the larger of V(all) and the interface's own value.
    type: int
    choices: [0, 1, 2]
  arp_notify:
    description:
      - Whether the kernel sends gratuitous ARP when a link comes up; it never does so for an address that is added.
      - In effect is the larger of V(all) and the interface's own value.
    type: int
    choices: [0, 1]
  proxy_arp:
    description: Whether ARP requests for others are answered. In effect when V(all) or the interface has it.
    type: int
    choices: [0, 1]
  rp_filter:
    description:
      - The check of source addresses by the reverse path; V(0) none, V(1) strict, V(2) loose.
      - In effect is the larger of V(all) and the interface's own value, so that V(0) needs both.
      - The value is set as it is asked for, since the larger one is not the stricter one, and a stricter one drops packets.
    type: int
    choices: [0, 1, 2]
  send_redirects:
    description: Whether ICMP redirects are sent. In effect when V(all) or the interface has it, so that V(0) needs both.
    type: int
    choices: [0, 1]
  accept_redirects:
    description:
      - Whether ICMP redirects are believed.
      - Where the interface forwards, in effect when V(all) and the interface have it; otherwise when either has it.
    type: int
    choices: [0, 1]
  secure_redirects:
    description: Whether redirects are believed from known gateways only. In effect when V(all) or the interface has it.
    type: int
    choices: [0, 1]
  accept_local:
    description: Whether packets with an own address as their source are accepted. In effect when V(all) or the interface has it.
    type: int
    choices: [0, 1]
  route_localnet:
    description: Whether 127/8 is routed. In effect when V(all) or the interface has it.
    type: int
    choices: [0, 1]
  promote_secondaries:
    description:
      - Whether a secondary address takes the place of a primary one that is removed, instead of going with it.
      - In effect when V(all) or the interface has it.
    type: int
    choices: [0, 1]
  forwarding:
    description:
      - Whether packets are forwarded. In effect is the interface's own value alone, but a change of V(all), which is
        C(net.ipv4.ip_forward), overwrites V(default), every interface, and the V(all) of O(accept_redirects).
      - The module puts O(accept_redirects) back when that is not declared as well, and the forwarding that other runs
        declare in the same file. At boot nothing does so, so declare both where both matter.
    type: int
    choices: [0, 1]
  persist:
    description:
      - Whether the values come back after a reboot. V(true) means C(/etc/sysctl.d/99-zz-lvs-cluster.conf), whose name
        comes after those that distributions use; the path of another C(.conf) file in a C(sysctl.d) directory is taken as well.
      - V(false) touches no such file, unless O(state=absent).
      - Lines of other files that would win over these at the next boot are named in a warning.
    type: raw
    default: true
  on_stricter:
    description:
      - What to do with a value that protects more than the one that is asked for. Only O(arp_ignore) and O(arp_announce) above V(0) have
        such values; any other setting gets the value that is asked for.
      - V(keep) leaves it, in the kernel and at boot. It applies to values that the host had before the first run, that another program set
        since, or that another file sets at boot. RV(stricter) lists them.
      - V(replace) sets the value that is asked for.
    type: str
    choices: [keep, replace]
    default: keep
    version_added: 1.1.0
  restore:
    description:
      - Settings that earlier runs declared for O(interfaces) and that are not to be declared any more. The module removes them from the file, and
        restores the values from before the first run.
      - A setting that no run declared stays as it is. So does a value that is not known, or that another program changed since.
      - The other settings of the task are set in the same run.
    type: list
    elements: str
    choices: [forwarding, accept_redirects, arp_ignore, arp_announce, arp_filter, proxy_arp, arp_accept, arp_notify, rp_filter, send_redirects,
      secure_redirects, accept_local, route_localnet, promote_secondaries]
    default: []
    version_added: 1.1.0
  effective_on:
    description:
      - The interfaces on which the values have to be in effect, where that is less than O(interfaces) says. A director's redirects,
        for one, matter on the segment of the servers only, while V(all) has to be set for that too.
    type: list
    elements: str
  on_ineffective:
    description: What to do when the value in effect on an interface would not be the one asked for.
    type: str
    choices: [fail, warn]
    default: fail
  state:
    description:
      - V(absent) takes what was declared for O(interfaces) out of the file and gives back the values from before
        the first run, or the kernel's defaults where these are not known (RV(operations) says which).
      - A value that another program changed since the last run stays as it is.
      - With settings given it does so for these only, whatever their values, and otherwise for all.
      - A value that another cluster declares too stays until the last of them has given it up (see O(owner)).
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - At boot C(systemd-sysctl) applies the file, and udev applies it again to every interface that appears later.
  - Declare the settings before the VIP is added, and remove them after the VIP is gone.
seealso:
  - module: lvs.cluster.vip_iface
"""

EXAMPLES = r"""
- name: A real server keeps quiet about the VIP
  lvs.cluster.arp_sysctl:
    arp_ignore: 1
    arp_announce: 2

- name: A director sends no redirects
  lvs.cluster.arp_sysctl:
    interfaces: [all, default, lo, eth0]
    send_redirects: 0

- name: A director leaves forwarding as it is, which an earlier run set
  lvs.cluster.arp_sysctl:
    interfaces: [all, default, eth0]
    send_redirects: 0
    restore: [forwarding]

- name: A tunnel device accepts what comes out of the tunnel, until the next reboot
  lvs.cluster.arp_sysctl:
    interfaces: [all, tunl0]
    rp_filter: 0
    persist: false
    on_ineffective: warn

- name: Everything is as it was before
  lvs.cluster.arp_sysctl:
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample:
    - remember 3 former values in /var/lib/lvs-cluster/sysctl.json
    - set net/ipv4/conf/all/arp_ignore = 1 (was 0)
    - "write /etc/sysctl.d/99-zz-lvs-cluster.conf: net/ipv4/conf/all/arp_ignore = 1"
effective:
  description:
    - The values that act on each real interface, of the settings that the run was about.
    - In check mode those that would act.
  returned: success
  type: dict
  sample:
    eth0: {arp_ignore: 1, arp_announce: 2}
    lo: {arp_ignore: 1, arp_announce: 2}
stricter:
  description:
    - The values that stay since they are stricter than what is asked for, each with the C(name) of the sysctl, its C(value) and the value that
      is C(asked) for.
  returned: success
  type: list
  elements: dict
  version_added: 1.1.0
  sample: [{name: net/ipv4/conf/all/arp_ignore, value: 2, asked: 1}]
persisted:
  description: The file that brings the values back after a reboot, or an empty string.
  returned: success
  type: str
  sample: /etc/sysctl.d/99-zz-lvs-cluster.conf
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import OWNER_OPTIONS
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import SETTINGS
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.options import parse_request
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.run import SysctlRun

OPTIONS: dict[str, dict[str, Any]] = {
    "interfaces": {"type": "list", "elements": "str", "default": ["all", "default", "lo"]},
    **{key: {"type": "int", "choices": list(setting.values)} for key, setting in SETTINGS.items()},
    "persist": {"type": "raw", "default": True},
    "on_stricter": {"type": "str", "choices": ["keep", "replace"], "default": "keep"},
    "restore": {"type": "list", "elements": "str", "choices": list(SETTINGS), "default": []},
    "effective_on": {"type": "list", "elements": "str"},
    "on_ineffective": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
    **OWNER_OPTIONS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    run_module(module, lambda options: SysctlRun(parse_request(options)))


if __name__ == "__main__":
    main()
