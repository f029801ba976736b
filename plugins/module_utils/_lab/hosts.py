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
            raise BadLabHost(
                f"{where}: the route to {to!r} via {via!r} is none; write it like {{to: 192.0.2.0/24, via: 10.0.0.1}}."
            ) from None
        if network.version != neighbour.version or all(
            neighbour not in ipaddress.ip_interface(address).network for address in addresses
        ):
            raise BadLabHost(
                f"{where}: the route to {network} goes via {neighbour}, which is no neighbour there; name an address "
                "of the route's family in the network of one of the interface's addresses."
            )
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
            raise BadLabHost(
                f"{host}: {name!r} cannot be an interface's name in lab_interfaces; use up to 15 letters, digits, "
                f"- and _, beginning with a letter, and none of {', '.join(_RESERVED_INTERFACES)}."
            )
        if not _SEGMENT_NAME.fullmatch(segment):
            raise BadLabHost(
                f"{host}: {segment!r} cannot be a segment's name (interface {name}); use up to 31 letters, digits, "
                "- and _."
            )
        addresses = tuple(_address(host, name, value) for value in raw.get("addresses") or ())
        if len(set(addresses)) != len(addresses):
            raise BadLabHost(f"{host}: an address is listed twice on interface {name}; list each address once.")
        routes = tuple(Route.parse(f"{host}, {name}", item, addresses) for item in raw.get("routes") or ())
        _unique(f"{host}: {{}} has two routes on interface {name}; keep one of them.", (route.to for route in routes))
        return cls(name, segment, derive_mac(host, name), addresses, routes)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Interface:
        """The reverse of asdict."""
        routes = tuple(Route(**route) for route in data.get("routes", ()))
        return cls(data["name"], data["segment"], data["mac"], tuple(data["addresses"]), routes)


def _address(host: str, interface: str, value: Any) -> str:
    text = str(value)
    if "/" not in text:
        raise BadLabHost(f"{host}: address {text} of {interface} has no prefix length; write it like 192.0.2.1/24.")
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError:
        raise BadLabHost(
            f"{host}: {text!r} is not an address of interface {interface}; write it like 192.0.2.1/24."
        ) from None


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
            raise BadLabHost(f"{name!r} cannot be a lab host's name; use small letters, digits and -, 63 at most.")
        port = int(raw["port"])
        if not 1 <= port <= 65535:
            raise BadLabHost(
                f"{name}: ssh port {port} is out of range; choose lab_ssh_base_port so that it is 1-65535."
            )
        interfaces = tuple(Interface.parse(name, item) for item in raw.get("interfaces") or ())
        _unique(f"{name}: interface {{}} is listed twice; give each a name of its own.", (i.name for i in interfaces))
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
    _unique("Host {} is listed twice; give each lab machine a name of its own.", (h.name for h in hosts))
    _unique(
        "Two lab hosts want ssh port {}; their first addresses end alike, so set lab_ssh_port on one of them.",
        (h.port for h in hosts),
    )
    _unique(
        "Two lab interfaces would have the MAC {}; rename one of the hosts.",
        (i.mac for h in hosts for i in h.interfaces),
    )
    _unique(
        "Address {} is given to two lab interfaces of one segment; give each its own.",
        (f"{a.split('/')[0]} ({i.segment})" for h in hosts for i in h.interfaces for a in i.addresses),
    )
    return hosts


def _unique(message: str, values: Iterable[Any]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise BadLabHost(message.format(value))
        seen.add(value)


def segments(hosts: Iterable[Host]) -> list[str]:
    """Every segment that a host is plugged into, each once, in order."""
    return sorted({interface.segment for host in hosts for interface in host.interfaces})
