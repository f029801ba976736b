# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab machine is meant to be: parsed from the inventory's data, checked, and compared. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import BadLabHost

MGMT_MAC = "52:54:00:00:00:01"
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_INTERFACE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,14}")
_SEGMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,30}")
_RESERVED_INTERFACES = ("lo", "mgmt0", "all", "default")
_EXAMPLE = "write one such as 192.0.2.1/24"


def derive_mac(host: str, interface: str) -> str:
    """The MAC of one host's interface: always the same, unicast, locally administered, never the management one."""
    digest = hashlib.sha256(f"{host}/{interface}".encode()).digest()
    # 52:54:00 is QEMU's range; the high bit keeps clear of the management interface's 00:00:01.
    return "52:54:00:" + ":".join(f"{octet:02x}" for octet in (digest[0] | 0x80, digest[1], digest[2]))


def derive_machine_id(lab: str, host: str) -> str:
    """A machine-id of 32 hex digits, always the same for one host of one lab."""
    return hashlib.sha256(f"{lab}/{host}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Route:
    """A network that is reached by way of a neighbour on the interface."""

    to: str
    via: str

    @classmethod
    def parse(cls, where: str, raw: Mapping[str, Any], addresses: Iterable[str]) -> Route:
        """One entry of an interface's routes; raises BadLabHost. where: the interface and its host, for messages."""
        to, via = str(raw.get("to") or ""), str(raw.get("via") or "")
        try:
            network, neighbour = ipaddress.ip_network(to), ipaddress.ip_address(via)
        except ValueError:
            remedy = "write one such as {to: 192.0.2.0/24, via: 10.0.0.1}"
            raise BadLabHost(f"routes of {where}", {"to": to, "via": via}, "is not a route", remedy) from None
        if network.version != neighbour.version or all(
            neighbour not in ipaddress.ip_interface(address).network for address in addresses
        ):
            rule = f"is in no network of this interface, so the route to {network} cannot use it"
            remedy = "name an address of the route's family in a network of the interface"
            raise BadLabHost(f"via of {where}", str(neighbour), rule, remedy)
        return cls(str(network), str(neighbour))


@dataclass(frozen=True)
class Interface:
    """One LAN interface: a name in the guest, the segment it is plugged into, its addresses with prefix, its routes."""

    name: str
    segment: str
    mac: str
    addresses: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()

    @classmethod
    def parse(cls, host: str, raw: Mapping[str, Any]) -> Interface:
        """One entry of lab_interfaces; raises BadLabHost."""
        name, segment = str(raw.get("name") or ""), str(raw.get("segment") or "")
        if not _INTERFACE_NAME.fullmatch(name) or name in _RESERVED_INTERFACES:
            remedy = (
                "use up to 15 letters, digits, - and _, the first a letter, but none of "
                f"{', '.join(_RESERVED_INTERFACES)}"
            )
            raise BadLabHost(f"lab_interfaces of {host}", name, "is not an interface name", remedy)
        if not _SEGMENT_NAME.fullmatch(segment):
            remedy = "use up to 31 letters, digits, - and _"
            raise BadLabHost(f"segment of {host}, {name}", segment, "is not a segment name", remedy)
        addresses = tuple(_address(host, name, value) for value in raw.get("addresses") or ())
        if len(set(addresses)) != len(addresses):
            subject = f"addresses of {host}, {name}"
            raise BadLabHost(subject, list(addresses), "has an address twice", "list each address once")
        routes = tuple(Route.parse(f"{host}, {name}", item, addresses) for item in raw.get("routes") or ())
        _unique(f"routes of {host}, {name}", "has two routes", "keep one of them", (route.to for route in routes))
        return cls(name, segment, derive_mac(host, name), addresses, routes)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Interface:
        """The reverse of asdict."""
        routes = tuple(Route(**route) for route in data.get("routes", ()))
        return cls(data["name"], data["segment"], data["mac"], tuple(data["addresses"]), routes)


def _address(host: str, interface: str, value: Any) -> str:
    text = str(value)
    if "/" not in text:
        raise BadLabHost(f"addresses of {host}, {interface}", text, "has no prefix length", _EXAMPLE)
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError:
        raise BadLabHost(f"addresses of {host}, {interface}", text, "is not an IP address", _EXAMPLE) from None


@dataclass(frozen=True)
class Host:
    """One lab machine. image is the directory it starts from, port its ssh port on 127.0.0.1; forwarding: it routes."""

    name: str
    port: int
    image: str
    interfaces: tuple[Interface, ...] = field(default_factory=tuple)
    forwarding: bool = False

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Host:
        """One entry of the module's hosts option; raises BadLabHost."""
        name = str(raw["name"])
        if not _HOST_NAME.fullmatch(name):
            remedy = "use up to 63 lower-case letters, digits and -"
            raise BadLabHost("name", name, "is not the name of a lab host", remedy)
        port = int(raw["port"])
        if not 1 <= port <= 65535:
            remedy = "set lab_ssh_base_port so that it is from 1 to 65535"
            raise BadLabHost(f"ssh port of {name}", port, "is out of range", remedy)
        interfaces = tuple(Interface.parse(name, item) for item in raw.get("interfaces") or ())
        remedy = "give each interface a name of its own"
        _unique(f"lab_interfaces of {name}", "is listed twice", remedy, (one.name for one in interfaces))
        return cls(name, port, str(raw["image"]), interfaces, bool(raw.get("forwarding")))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON and for the diff."""
        data = asdict(self)
        data["interfaces"] = [
            {**item, "addresses": list(item["addresses"]), "routes": list(item["routes"])}
            for item in data["interfaces"]
        ]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Host:
        """The reverse of to_dict; a machine of an earlier version has neither routes nor forwarding."""
        interfaces = tuple(Interface.from_dict(item) for item in data["interfaces"])
        return cls(data["name"], data["port"], data["image"], interfaces, data.get("forwarding", False))


def parse_hosts(raw: Iterable[Mapping[str, Any]]) -> list[Host]:
    """All lab machines, and what must not be shared between them; raises BadLabHost."""
    hosts = [Host.parse(item) for item in raw]
    _unique("hosts", "is listed twice", "give each lab machine a name of its own", (h.name for h in hosts))
    rule = "is that of two lab hosts, whose first addresses end alike"
    _unique("ssh port", rule, "set lab_ssh_port on one of them", (h.port for h in hosts))
    macs = (i.mac for h in hosts for i in h.interfaces)
    _unique("MAC", "is derived for two lab interfaces", "rename one of the hosts", macs)
    addresses = (f"{a.split('/')[0]} ({i.segment})" for h in hosts for i in h.interfaces for a in i.addresses)
    _unique("address", "is that of two lab interfaces of one segment", "give each its own", addresses)
    return hosts


def _unique(subject: str, rule: str, remedy: str, values: Iterable[Any]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise BadLabHost(subject, value, rule, remedy)
        seen.add(value)


def segments(hosts: Iterable[Host]) -> list[str]:
    """Every segment that a host is plugged into, each once, in order."""
    return sorted({interface.segment for host in hosts for interface in host.interfaces})
