# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host declares to have after a boot, and the files that hold it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .._core.errors import InvalidValue
from .._core.options import given
from .._core.owner import DEFAULT_OWNER, Owner, owned_name
from .._core.paths import MODULES_DIRECTORY, STATE_DIRECTORY, UNIT_DIRECTORY, program_path

# Options of boot_restore; each is a list of the options of one module.
PARTS = ("vips", "services", "neighbors", "arp_filters", "firewall", "sync")
# Those whose items have an owner of their own: rules and tables are called by it, and sync daemons remembered by it.
_LABELLED = ("arp_filters", "firewall", "sync")
_EARLY = "early"
# The unit of vrrp_instances, which no declaration has
VRRP = "vrrp"


class Declared(NamedTuple):
    """What a host declares to be there after a boot.

    VIPs, services, neighbours, ARP filters, the packet filter and the synchronisation of connections are in the options
    of vip_iface, ipvs_service, vip_neighbor, vip_arp_filter, vip_firewall and ipvs_sync; timeouts (in seconds) and
    sysctls in those of ipvs_table; and the gate as _restore/gate.py has it.
    """

    name: str
    vips: Sequence[Mapping[str, Any]] = ()
    services: Sequence[Mapping[str, Any]] = ()
    kernel_modules: Sequence[str] = ()
    neighbors: Sequence[Mapping[str, Any]] = ()
    timeouts: Mapping[str, int] = MappingProxyType({})
    sysctls: Mapping[str, int] = MappingProxyType({})
    arp_filters: Sequence[Mapping[str, Any]] = ()
    firewall: Sequence[Mapping[str, Any]] = ()
    sync: Sequence[Mapping[str, Any]] = ()
    gate: Mapping[str, Any] = MappingProxyType({})
    owner: str = DEFAULT_OWNER

    @property
    def label(self) -> str:
        """What its files and its unit are called by."""
        return owned_name(self.owner, self.name)

    @property
    def program(self) -> str:
        """The path of the program that restores it."""
        return program_path(self.owner)

    @property
    def unit(self) -> str:
        """The name of the systemd unit that restores it."""
        return f"lvs-cluster-{self.label}.service"

    @property
    def runtime(self) -> str:
        """The directory below /run that systemd keeps for as long as the unit runs."""
        return f"lvs-cluster-{self.label}"

    @property
    def state(self) -> str:
        """The path of the file that holds it."""
        return f"{STATE_DIRECTORY}/{self.label}.json"

    @property
    def modules(self) -> str:
        """The path of the file that names the kernel modules."""
        return f"{MODULES_DIRECTORY}/lvs-cluster-{self.label}.conf"

    @property
    def unit_file(self) -> str:
        """The path of the unit's file."""
        return f"{UNIT_DIRECTORY}/{self.unit}"

    @property
    def early_unit(self) -> str:
        """The name of the systemd unit that assigns VIPs before sockets and services start; no `name` ends so."""
        return f"{self.unit[: -len('.service')]}.{_EARLY}.service"

    @property
    def early_file(self) -> str:
        """The path of the early unit's file."""
        return f"{UNIT_DIRECTORY}/{self.early_unit}"

    @property
    def link(self) -> str:
        """The path of the link that has systemd start the unit at boot."""
        return f"{UNIT_DIRECTORY}/multi-user.target.wants/{self.unit}"

    @property
    def paths(self) -> list[str]:
        """The paths of all files that it may have, in the order in which they are made."""
        return [self.modules, self.program, self.state, self.early_file, self.unit_file, self.link]


def needs_network(vip: Mapping[str, Any]) -> bool:
    """Return whether VIPs wait for a device of the host's network: not on lo, nor on a device that is created."""
    return vip["interface"] != "lo" and not vip.get("kind")


def early_part(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a declaration is restored before the network: VIPs that do not need it, and the ARP filters."""
    vips = [vip for vip in state.get("vips") or () if not needs_network(vip)]
    return {"vips": vips, "arp_filters": state.get("arp_filters") or () if vips else ()}


def declare(options: Mapping[str, Any]) -> Declared:
    """Return what the options declare; its parts are still to be checked, unless they were before (see is_kept)."""
    name = options["name"]
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        raise InvalidValue("name", name, "becomes part of a unit's name", "use lower-case letters, digits and hyphens")
    if name == VRRP:
        raise InvalidValue("name", name, "is what the unit of lvs.cluster.vrrp_instances is called by", "use another")
    modules = list(options.get("kernel_modules") or ())
    for module in modules:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", module):
            raise InvalidValue(
                "kernel_modules", module, "is not the name of a kernel module", "write one such as ip_vs"
            )
    owner = Owner.from_options(options).name
    if name == _EARLY and owner != DEFAULT_OWNER:
        raise InvalidValue("name", name, "would make the unit of one cluster the early unit of another", "use another")
    parts = {part: [_given_deeply(item) for item in options.get(part) or ()] for part in PARTS}
    for part in _LABELLED:
        parts[part] = [_owned(part, item, owner) for item in parts[part]]
    timeouts, sysctls = (given(options.get(what)) for what in ("timeouts", "sysctls"))
    gate = given(options.get("gate"))
    return Declared(name, kernel_modules=modules, timeouts=timeouts, sysctls=sysctls, gate=gate, owner=owner, **parts)


def _owned(part: str, item: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return an item with the owner of the declaration, where that has a name."""
    if item.get("owner", owner) != owner:
        rule = f"is not the owner of the declaration, which is {owner}"
        raise InvalidValue("owner", item["owner"], rule, "leave it out").of(part)
    # Its rules may have had another name before; the file says what they are called now.
    own = {name: value for name, value in item.items() if name not in ("owner", "former_owner")}
    return own if owner == DEFAULT_OWNER else {**own, "owner": owner}


def _given_deeply(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have a value, also in lists of dictionaries."""
    return {
        name: [_given_deeply(item) if isinstance(item, dict) else item for item in value]
        if isinstance(value, list)
        else value
        for name, value in given(options).items()
    }
