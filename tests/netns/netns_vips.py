# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs on hosts that are network namespaces: put there as the module does, and watched from another host."""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._arp.client import probe
from ansible_collections.lvs.cluster.plugins.module_utils._arp.packets import (
    ETH_P_ARP,
    ETH_P_IPV6,
    Arp,
    mac_text,
    unpack_advertisement,
    unpack_arp,
)
from ansible_collections.lvs.cluster.plugins.module_utils._core.plan import Plan
from ansible_collections.lvs.cluster.plugins.module_utils._vip.client import VipClient
from ansible_collections.lvs.cluster.plugins.module_utils._vip.conflict import plan_free_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.operations import VipOperation
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from netns_hosts import Namespace

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
_ETH_P_ALL = 3
_SOLICITATION, _ADVERTISEMENT = 135, 136


def carry_out(inside: Namespace, apply: bool = True, **options: Any) -> Plan[VipOperation]:
    """Plan, and apply, as the module does, but in this process."""
    return carry_out_wanted(inside, VipSpec.from_options({"announce": 0, **options}), apply)


def carry_out_wanted(inside: Namespace, wanted: VipSpec, apply: bool = True) -> Plan[VipOperation]:
    """Carry out what is wanted, options apart."""
    with inside.entered():
        client = VipClient()
        try:
            plan = plan_free_vips(client.read(wanted), wanted, probe)
            if apply:
                client.apply(plan.operations)
        finally:
            client.close()
    return plan


def addresses(inside: Namespace, interface: str) -> dict[str, dict[str, Any]]:
    """Return what ip(8) says of the addresses of a device, without the link-local ones."""
    return addresses_by_device(inside, f"dev {interface}")[interface]


def addresses_by_device(inside: Namespace, which: str = "") -> dict[str, dict[str, dict[str, Any]]]:
    """Return the same of all devices, or of those that ip(8) shows by `which`: device -> address -> what it says."""
    return {
        link["ifname"]: {
            f"{one['local']}/{one['prefixlen']}": one for one in link["addr_info"] if one["local"][:4] != "fe80"
        }
        for link in inside.json(f"addr show {which}")
    }


class Nd(NamedTuple):
    """A neighbour solicitation or advertisement, and the address that it came from; `mac` is the one it tells, if any."""

    solicitation: bool
    sender: str
    target: str
    mac: str = ""


class Capture:
    """What another host of the segment hears on a device, of everyone or of one sender's MAC."""

    def __init__(self, host: Namespace, interface: str = "eth0", sender: str | None = None) -> None:
        self.sender = sender
        with host.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind((interface, _ETH_P_ALL))
        self.socket.setblocking(False)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def frames(self) -> list[bytes]:
        """Return what has arrived; delivery inside one kernel is over when the sender's call returns, but for a macvlan's."""
        frames = []
        while True:
            try:
                frame, (_, _, direction, *_) = self.socket.recvfrom(2048)
            except BlockingIOError:
                return frames
            if direction != socket.PACKET_OUTGOING and self.sender in (None, mac_text(frame[6:12])):
                frames.append(frame)

    def heard(self) -> list[Arp | Nd]:
        """Return what has arrived by ARP and ND; what the kernel says by itself (MLD, router solicitation) is neither."""
        packets = [_arp_or_nd(frame) for frame in self.frames()]
        return [packet for packet in packets if packet]


def _arp_or_nd(frame: bytes) -> Arp | Nd | None:
    protocol = int.from_bytes(frame[12:14], "big")
    if protocol == ETH_P_ARP:
        return unpack_arp(frame)
    message = frame[54:]
    if (
        protocol != ETH_P_IPV6
        or frame[20] != socket.IPPROTO_ICMPV6
        or message[0] not in (_SOLICITATION, _ADVERTISEMENT)
    ):
        return None
    sender, target = (socket.inet_ntop(socket.AF_INET6, part) for part in (frame[22:38], message[8:24]))
    if message[0] == _ADVERTISEMENT:
        return Nd(False, sender, target, (unpack_advertisement(message) or ("", ""))[1])
    return Nd(True, sender, target, mac_text(message[26:32]))
