#!/usr/bin/python
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep virtual IP addresses (VIPs) on one network device as declared."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vip_iface
short_description: Keep virtual IP addresses on a network device as declared
version_added: 1.0.0
author: The lvs.cluster maintainers (@lvs-cluster)
description:
  - Adds, puts right or removes virtual IP addresses (VIPs) on one device, or on several, through rtnetlink, and announces those that it
    added to the segment, after it has asked whether another host has them; see O(on_conflict).
  - No other address is ever removed. Where a VIP that is removed is the primary of other addresses, these stay, with
    their routes.
  - A VIP does not become the source of the host's own traffic. An IPv6 VIP is marked deprecated (preferred lifetime 0),
    and gets no duplicate address detection and no route of its own. For IPv4 see O(scope).
  - The change is to the running kernel; M(lvs.cluster.boot_restore) brings it back after a reboot.
  - On a real server set the ARP sysctls first, with M(lvs.cluster.arp_sysctl); otherwise it answers for the VIP.
requirements:
  - pyroute2 on the managed host (package C(python3-pyroute2)), any version from 0.5.14 on
options:
  addresses:
    description:
      - The VIPs, IPv4 and IPv6. Without a prefix length C(/32) and C(/128) are meant, which is what a VIP wants; a shorter
        one brings the route of its network with it, and is refused on V(lo), where it would make that whole network local.
      - With O(state=absent) an address without a prefix length is removed whatever its prefix length is.
      - Required, unless there are O(devices).
    type: list
    elements: str
  interface:
    description:
      - The device, such as V(eth0) on a director, and V(lo) on a real server. Required, unless there are O(devices).
    type: str
  devices:
    description:
      - Several devices, each with its VIPs, for one run that does what a run for each would do. All other options are for each of them.
    type: list
    elements: dict
    suboptions:
      addresses:
        description: See O(addresses).
        type: list
        elements: str
        required: true
      interface:
        description: See O(interface).
        type: str
        required: true
      label:
        description: See O(label).
        type: str
      scope:
        description: See O(scope).
        type: str
        choices: [global, link, host]
      kind:
        description: See O(kind).
        type: str
        choices: [dummy, ipip, ip6tnl, gre]
  label:
    description:
      - The name under which C(ifconfig) shows the IPv4 addresses, such as V(lo:0); at most 15 bytes, beginning with the name
        of the interface. When left out an existing address keeps its own, and a new one gets the name of the interface.
    type: str
  scope:
    description:
      - The scope of the IPv4 addresses; see ip-address(8). When left out an existing address keeps its own, and a new one
        gets V(host) on a device that does no ARP (lo, dummy), V(global) on one that does.
      - For a route over a device without an address of its own, the kernel takes as source the first address of scope global
        it finds, lo first; so a VIP of scope global on lo can become the source of the host's own traffic. One of scope
        V(host) can't.
      - On a device that does ARP the kernel lists addresses of scope V(host) or V(link) before the host's own, so that C(ifconfig) and
        Ansible's facts take the VIP for the device's main address; hence V(global) there.
    type: str
    choices: [global, link, host]
  kind:
    description:
      - Create the device, of this kind, when it is missing, and bring it up. With O(state=absent) the device is removed with
        its last address.
      - An existing device has to be of this kind. When left out the device has to exist, and is neither created nor brought up.
      - V(ipip), V(ip6tnl) and V(gre) are for a real server that gets its connections through a tunnel
        (O(lvs.cluster.ipvs_realserver#module:forwarding=tunnel)) - V(ipip) for a server with an IPv4 address and VIPs of IPv4,
        V(ip6tnl) for a server with an IPv6 address and VIPs of both kinds,
        V(gre) for O(lvs.cluster.ipvs_realserver#module:tunnel_type=gre), a server with an IPv4 address and VIPs of both kinds.
        What is created takes packets from any director to any address of the host (C(external) of ip-link(8)),
        of which the kernel allows one device of each kind.
      - The devices V(tunl0) and V(ip6tnl0), which the kernel makes by itself, can be used as well, V(ip6tnl0) for VIPs of IPv6
        only. They can't be removed, so they are taken down instead.
      - Packets from a tunnel have senders that are not reached through it, so strict reverse path filtering drops them. Set
        O(lvs.cluster.arp_sysctl#module:rp_filter=2) for the device.
    type: str
    choices: [dummy, ipip, ip6tnl, gre]
  announce:
    description:
      - How many times the segment is told of an address, after it was added and only then - by gratuitous ARP for IPv4, by an
        unsolicited neighbour advertisement for IPv6. V(0) switches it off.
      - When left out V(3) on a device that does ARP, V(0) on one that does not.
      - The first one follows at once when the address is there. A run that is killed in between has added and not announced,
        and the next one finds nothing to do; then remove the VIP and add it again.
    type: int
  announce_interval:
    description: The time between two announcements, in seconds.
    type: float
    default: 0.5
  on_conflict:
    description:
      - What to do when another host on the segment answers for an address that is about to be added and announced. V(fail)
        changes nothing and names the MACs that answer; V(warn) takes the address over and names them; V(ignore) does not ask.
      - Asked by ARP probes after RFC 5227 for IPv4, and as in duplicate address detection (RFC 4862) for IPv6. Probes tell
        no address of this host, so they change no cache, and check mode asks as well.
      - All addresses together are asked for three times, 0.2 seconds apart, which takes 0.6 seconds in all. RFC 5227 waits for
        four seconds or more; on a wired segment hosts answer within milliseconds. A host that is off, or behind a port
        that does not forward yet, goes unnoticed, and two hosts that ask at the same moment do not notice each other.
      - Never asked for are addresses that the device has already, those on a device that does no ARP, such as lo, dummy and
        tunnels (on a real server it is right that the director answers), and any when O(announce=0) or the device is down.
      - M(lvs.cluster.boot_restore) does not ask, whatever is declared here, so that a boot is neither delayed nor refused.
    type: str
    choices: [fail, warn, ignore]
    default: fail
  allow_arp:
    description:
      - Whether the device may do ARP or neighbour discovery. V(false) is for a real server, which must not answer for the VIP; the module fails before any
        change if the device is not one such as C(lo), a dummy device or a tunnel.
    type: bool
    default: true
    version_added: 1.1.0
  state:
    description: Whether the addresses are to be there.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - lvs.cluster.attributes
  - lvs.cluster.owner
notes:
  - Needs the rights CAP_NET_ADMIN, and, to ask and to announce, CAP_NET_RAW; check mode needs only the latter.
seealso:
  - module: lvs.cluster.arp_sysctl
    description: The ARP sysctls of a real server, and O(lvs.cluster.arp_sysctl#module:rp_filter) of a tunnel's device.
  - module: lvs.cluster.vip_owner_info
"""

EXAMPLES = r"""
- name: The VIP on a director, announced
  lvs.cluster.vip_iface:
    addresses: [192.0.2.30, "2001:db8::30"]
    interface: eth0

- name: The VIP on a real server, as ifconfig lo:0 would show it
  lvs.cluster.vip_iface:
    addresses: [192.0.2.30]
    interface: lo
    label: lo:0

- name: The VIPs on a device of their own
  lvs.cluster.vip_iface:
    addresses: [192.0.2.30, 192.0.2.31]
    interface: vip0
    kind: dummy

- name: The VIP of a director that died, whose network card still answers for it
  lvs.cluster.vip_iface:
    addresses: [192.0.2.30]
    interface: eth0
    on_conflict: warn

- name: The VIP on a real server behind a tunnel
  lvs.cluster.vip_iface:
    addresses: [192.0.2.30]
    interface: ipip0
    kind: ipip

- name: The VIPs on a real server that gets one directly and one through a tunnel
  lvs.cluster.vip_iface:
    devices:
      - interface: lo
        addresses: [192.0.2.30]
      - interface: ipip0
        kind: ipip
        addresses: [192.0.2.31]

- name: What comes out of the tunnel is not dropped
  lvs.cluster.arp_sysctl:
    interfaces: [ipip0]
    rp_filter: 2

- name: No VIP any more
  lvs.cluster.vip_iface:
    addresses: [192.0.2.30]
    interface: lo
    state: absent
"""

RETURN = r"""
operations:
  description: What was done, or would be in check mode, in words and in order.
  returned: always
  type: list
  elements: str
  sample:
    - add 192.0.2.30/32 to eth0 (scope global)
    - announce 192.0.2.30 on eth0 3 times
devices:
  description: What is returned of each device (RV(interface), RV(addresses)), in the order of O(devices).
  returned: success, when there are O(devices)
  type: list
  elements: dict
interface:
  description: The device.
  returned: success, unless there are O(devices)
  type: str
  sample: eth0
addresses:
  description: Those of the VIPs that are on the device afterwards, in the order of O(addresses).
  returned: success, unless there are O(devices)
  type: list
  elements: dict
  contains:
    address:
      description: The address with its prefix length.
      type: str
      sample: 192.0.2.30/32
    scope:
      description: The scope.
      type: str
      sample: global
    label:
      description: The label; empty for IPv6.
      type: str
      sample: eth0
    deprecated:
      description: Whether the kernel avoids it as a source (IPv6).
      type: bool
      sample: false
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ClientRun, Run, with_warnings
from ansible_collections.lvs.cluster.plugins.module_utils._module.runner import run_module
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import read_others
from ansible_collections.lvs.cluster.plugins.module_utils._vip.client import VipClient
from ansible_collections.lvs.cluster.plugins.module_utils._vip.conflict import plan_free_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import (
    VIP_OPTIONS,
    VIP_RULES,
    VipSpec,
    parse_devices,
)
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import plan_devices


def make_run(options: Mapping[str, Any]) -> Run:
    """Return the run on one device, or on several."""
    decide = partial(plan_free_vips, ask=_ask)
    owner = Owner.from_options(options)
    several = options["devices"] is not None
    specs, warnings = _free(parse_devices(options) if several else [VipSpec.from_options(options)], owner)
    if several:
        return ClientRun(tuple(specs), VipClient(), with_warnings(partial(plan_devices, decide=decide), warnings))
    return ClientRun(specs[0], VipClient(), with_warnings(decide, warnings))


def _ask(interface: str, addresses: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return who answers for the addresses; a run that assigns nothing does not compile what asks."""
    from ansible_collections.lvs.cluster.plugins.module_utils._arp.client import probe

    return probe(interface, addresses)


def _free(specs: Sequence[VipSpec], owner: Owner) -> tuple[Sequence[VipSpec], Sequence[str]]:
    """Return the VIPs without those that another cluster keeps, and a sentence for each of these."""
    others = read_others(owner)
    if not others:
        return specs, ()
    # Nearly no host is in several clusters.
    from ansible_collections.lvs.cluster.plugins.module_utils._owner.vips import settle_vips

    settled = [settle_vips(spec, owner, others) for spec in specs]
    return [spec for spec, _kept in settled], [words for _spec, kept in settled for words in kept]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=VIP_OPTIONS, supports_check_mode=True, **VIP_RULES)
    run_module(module, make_run)


if __name__ == "__main__":
    main()
