# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of preflight, in the order in which problems are reported."""

from __future__ import annotations

from .handover_rules import check_handovers
from .host_rules import (
    check_devices,
    check_kernel,
    check_macs,
    check_own_addresses,
    check_silent_devices,
    check_sysctls,
    check_vip_interfaces,
)
from .manager_rules import check_others
from .network_rules import check_networks, check_owners, check_segments, check_vips
from .owner_rules import check_clusters, check_one_name
from .pool_rules import check_pools, check_standby_servers
from .reply_rules import check_gateways, check_reverse_paths
from .routing_rules import check_arp_ignore, check_forwarding
from .service_rules import check_open_ports, check_proofs

RULES = (
    check_one_name,
    check_clusters,
    check_devices,
    check_silent_devices,
    check_own_addresses,
    check_networks,
    check_segments,
    check_owners,
    check_macs,
    check_gateways,
    check_reverse_paths,
    check_vip_interfaces,
    check_vips,
    check_handovers,
    check_kernel,
    check_sysctls,
    check_arp_ignore,
    check_forwarding,
    check_others,
    check_open_ports,
    check_proofs,
    check_pools,
    check_standby_servers,
)
