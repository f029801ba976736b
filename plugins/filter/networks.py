# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the networks of a host (rules: plugin_utils/_topology/networks.py) and the files of failover."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import gate_path, standby_number_path
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import interfaces_from_values
from ansible_collections.lvs.cluster.plugins.module_utils._gate.model import MASTER, YIELDING
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import VrrpUnit
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.networks import read_vip_interfaces


def vip_devices(vips: Any, interfaces: Any, chosen: Any, default: Any) -> list[dict[str, Any]]:
    """Return the VIPs by interface, as `devices` of vip_iface."""
    try:
        return read_vip_interfaces(chosen, default, interfaces_from_values(interfaces)).devices(map(str, vips))
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error


def vrrp_groups(groups: Any, interfaces: Any, chosen: Any, default: Any, settings: Any) -> list[dict[str, Any]]:
    """Return the groups of VIPs of a director, as `instances` of vrrp_instances."""
    try:
        return read_vip_interfaces(chosen, default, interfaces_from_values(interfaces)).instances(groups, settings)
    except LvsError as error:
        raise AnsibleFilterError(str(error)) from error


def failover_files(owner: Any) -> dict[str, Any]:
    """Return the paths of what a cluster's directors have for VRRP, and the numbers that a gate can have."""
    gate = gate_path(str(owner))
    paths = {"gate": gate, "standby": standby_number_path(gate), "config": VrrpUnit(str(owner)).config}
    return {**paths, "numbers": {"master": MASTER, "yielding": YIELDING}}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"failover_files": failover_files, "vip_devices": vip_devices, "vrrp_groups": vrrp_groups}
