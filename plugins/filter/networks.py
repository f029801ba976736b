# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that return what the networks of a host mean; the rules stand in plugin_utils/_topology/networks.py."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import interfaces_from_values
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


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"vip_devices": vip_devices, "vrrp_groups": vrrp_groups}
