# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the reverse path filter of a host drops clients of other networks: for preflight and verify. Pure."""

from __future__ import annotations

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts

from .finding import Finding


def reverse_path_finding(host: str, facts: HostFacts, device: str, vip: str) -> Finding | None:
    """Return what is wrong when packets of clients to a VIP come in on a device.

    The kernel was asked for the VIP, where the host has it: a routing rule may be for the answers of the VIP alone.
    Else the device's own addresses stand for it.
    """
    dropped = facts.filtered.get(device, ())
    if is_ipv6(vip) or not (vip in dropped if facts.carrier(vip) else dropped):
        return None
    leave = next((one.interface for one in facts.gateways if not is_ipv6(one.address) and one.interface != device), "")
    rule = (
        f"is in effect on {device}, and the host answers clients of other networks by {leave or 'another interface'}, "
        "so that the kernel drops what they send (TcpExtIPReversePathFilter)"
    )
    remedy = f"set it to 2 for {device} (lvs.cluster.arp_sysctl, rp_filter: 2), or route the answers by {device}"
    return Finding(host, "rp_filter", "1", rule, remedy)
