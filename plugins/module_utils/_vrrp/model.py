# SPDX-License-Identifier: GPL-3.0-or-later
"""VRRP instances of a host, and the files and the unit of the keepalived that runs them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .._core.address import is_ipv6
from .._core.owner import DEFAULT_OWNER, owned_name
from .._core.paths import STATE_DIRECTORY
from .._parts.declaration import VRRP, Declared
from .._rtnetlink.model import Own

# What the unit, its file and its configuration are called by
NAME = VRRP
MASTER, BACKUP = "master", "backup"


class VipPlace(NamedTuple):
    """A VIP in canonical text, and the device that it goes on while the instance is the master."""

    address: str
    interface: str

    @property
    def cidr(self) -> str:
        """The VIP with its prefix length, which covers the address alone."""
        return f"{self.address}/{128 if is_ipv6(self.address) else 32}"


def anchor_of(vrid: int) -> str:
    """Return the address that an instance of this VRID advertises."""
    return f"169.254.{vrid}.{vrid}"


class Instance(NamedTuple):
    """One VRRP instance: directors that share VIPs, one of which is the master.

    `source` is this host's IPv4 address for advertisements, and `peers` those of the others (none: multicast).
    `advert` is the interval of advertisements in hundredths of a second, as VRRP version 3 carries it; `garp_refresh`
    is the interval in seconds at which the master announces its VIPs again (0: never).
    """

    name: str
    vrid: int
    interface: str
    priority: int
    source: str
    peers: tuple[str, ...] = ()
    vips: tuple[VipPlace, ...] = ()
    advert: int = 30
    garp_refresh: int = 10
    vmac: bool = False

    @property
    def anchor(self) -> str:
        """The one address that is advertised. It never changes, so that hosts agree on it while VIPs change."""
        return anchor_of(self.vrid)


class Gate(NamedTuple):
    """The file with a number that is multiplied by the weight and added to every priority of the host."""

    path: str
    weight: int = 1


class WantedVrrp(NamedTuple):
    """What one run wants: the instances of an owner (none: remove them), and what the owner was called before."""

    instances: tuple[Instance, ...] = ()
    gate: Gate | None = None
    owner: str = DEFAULT_OWNER
    formerly: str = ""

    @property
    def unit(self) -> VrrpUnit:
        """The files and the unit of the owner."""
        return VrrpUnit(self.owner)


class VrrpUnit(NamedTuple):
    """The files and the unit of an owner's keepalived."""

    owner: str = DEFAULT_OWNER

    @property
    def config(self) -> str:
        """The path of the configuration."""
        return f"{STATE_DIRECTORY}/{owned_name(self.owner, NAME)}.conf"

    @property
    def name(self) -> str:
        """The name of the systemd unit."""
        return self._declared.unit

    @property
    def unit_file(self) -> str:
        """The path of the unit's file."""
        return self._declared.unit_file

    @property
    def link(self) -> str:
        """The path of the link that has systemd start the unit at boot."""
        return self._declared.link

    @property
    def runtime(self) -> str:
        """The directory below /run that is there for as long as the unit runs."""
        return self._declared.runtime

    @property
    def pid_file(self) -> str:
        """The path of the file with the process id of keepalived."""
        return f"/run/{self.runtime}/keepalived.pid"

    @property
    def child_pid_file(self) -> str:
        """The path of the file with the process id of keepalived's VRRP process."""
        return f"/run/{self.runtime}/vrrp.pid"

    @property
    def loaded_config(self) -> str:
        """The path of the copy of the configuration that keepalived read last."""
        return f"/run/{self.runtime}/loaded.conf"

    @property
    def loaded_unit(self) -> str:
        """The path of the copy of the unit's file that keepalived was started by."""
        return f"/run/{self.runtime}/loaded.service"

    @property
    def paths(self) -> list[str]:
        """The paths of all files that it has, in the order in which they are made."""
        return [self.config, self.unit_file, self.link]

    @property
    def _declared(self) -> Declared:
        # Units of one owner are named in one way.
        return Declared(NAME, owner=self.owner)


class Seen(NamedTuple):
    """What the addresses of a host say of one instance.

    `missing` are VIPs that its role has and the host has not, `leftover` those that the host has and its role has not.
    """

    name: str
    role: str
    missing: tuple[str, ...] = ()
    leftover: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the host has just the VIPs of its role."""
        return not self.missing and not self.leftover


def seen_of(instance: Instance, own: Iterable[Own]) -> Seen:
    """Return what the addresses of this host say of an instance: it is the master where the anchor is there.

    With a virtual MAC the addresses are on a device of keepalived's own, so that any device counts.
    """
    there = {(one.interface, one.address) for one in own}
    anywhere = {address for _interface, address in there}
    has = {
        vip.address: (vip.address in anywhere) if instance.vmac else (vip.interface, vip.address) in there
        for vip in instance.vips
    }
    if instance.anchor in anywhere:
        return Seen(instance.name, MASTER, missing=tuple(vip for vip, here in has.items() if not here))
    return Seen(instance.name, BACKUP, leftover=tuple(vip for vip, here in has.items() if here))
