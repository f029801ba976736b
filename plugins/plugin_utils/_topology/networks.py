# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface of a director has which VIP: the one of the VIP's network, unless a variable says it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import parse_host
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Interface, sharing

OPTION = "director_vip_interface"


class VipInterfaces(NamedTuple):
    """What decides on the interface of a VIP.

    `chosen` is director_vip_interface: a name for all VIPs, or a dictionary of VIP -> name. Else the network of an
    interface that does ARP decides, and `default`, which is director_interface, where no network has the VIP.
    """

    chosen: Any = ""
    default: str = ""
    interfaces: Sequence[Interface] = ()

    @property
    def declared(self) -> dict[str, str]:
        """VIP -> name, as the dictionary says; raise InvalidValue for what is no VIP."""
        if not isinstance(self.chosen, Mapping):
            return {}
        return {str(parse_host(vip, OPTION)): str(name) for vip, name in self.chosen.items()}

    def is_declared(self, vip: str) -> bool:
        """Whether the variable decides."""
        return bool(self.chosen) and (not isinstance(self.chosen, Mapping) or vip in self.declared)

    def of(self, vip: str) -> str:
        """Return the name of a VIP's interface."""
        if not self.is_declared(vip):
            return self._by_network(vip) or self.default
        return self.declared[vip] if isinstance(self.chosen, Mapping) else str(self.chosen)

    def devices(self, vips: Iterable[str]) -> list[dict[str, Any]]:
        """Return the VIPs by interface, as `devices` of vip_iface."""
        found: dict[str, list[str]] = {}
        for vip in vips:
            found.setdefault(self.of(str(vip).partition("/")[0]), []).append(str(vip))
        return [{"interface": name, "addresses": addresses} for name, addresses in found.items()]

    def carrier(self, address: str) -> str:
        """Return the name of the interface that has an address, else the default."""
        return next((one.name for one in self.interfaces if address in one.own), self.default)

    def instances(self, groups: Iterable[Mapping[str, Any]], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return groups of VIPs (failover_instances), with the same settings each, as `instances` of vrrp_instances.

        Without the setting `unicast` they have no peers, and send to the multicast group of VRRP.
        """
        unicast = settings.get("unicast", True)
        alike = {name: value for name, value in settings.items() if name != "unicast"}
        return [
            {
                **group,
                **alike,
                "interface": self.carrier(str(group["source_address"])),
                "peers": list(group["peers"]) if unicast else [],
                "vips": [{"address": str(vip), "interface": self.of(str(vip))} for vip in group["vips"]],
            }
            for group in groups
        ]

    def _by_network(self, vip: str) -> str:
        near = [one for one in sharing(self.interfaces, vip) if one.interface.arp]
        names = [one.interface.name for one in near if one.prefix == near[0].prefix]
        return self.default if self.default in names else "".join(names[:1])


def read_vip_interfaces(chosen: Any, default: Any, interfaces: Sequence[Interface]) -> VipInterfaces:
    """Return the decision from variables; raise InvalidValue for what is neither a name nor a dictionary."""
    if chosen is not None and not isinstance(chosen, (str, Mapping)):
        raise InvalidValue(
            OPTION, chosen, "is neither a name nor a dictionary", "write one interface, or VIP: interface"
        )
    found = VipInterfaces(chosen or "", str(default or ""), interfaces)
    return found._replace(chosen=found.declared) if isinstance(chosen, Mapping) else found
