# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of preflight, in the order in which problems are reported."""

from __future__ import annotations

from .handover_rules import check_handovers
from .host_rules import (
    check_devices,
    check_kernel,
    check_macs,
    check_own_addresses,
    check_sysctls,
)
from .manager_rules import check_others
from .network_rules import check_gateways, check_networks, check_owners, check_segments, check_vips
from .routing_rules import check_arp_ignore, check_forwarding
from .service_rules import check_open_ports, check_proofs

RULES = (
    check_devices,
    check_own_addresses,
    check_networks,
    check_segments,
    check_owners,
    check_macs,
    check_gateways,
    check_vips,
    check_handovers,
    check_kernel,
    check_sysctls,
    check_arp_ignore,
    check_forwarding,
    check_others,
    check_open_ports,
    check_proofs,
)
