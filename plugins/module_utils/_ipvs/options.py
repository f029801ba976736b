# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of services and real servers: parsed and made canonical at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from .._core.address import parse_host
from .._core.errors import InvalidValue
from .._core.options import given, in_range
from .._core.protocols import TRANSPORTS
from .describe import server_name, service_name
from .model import FORWARDING, TUNNEL_CHECKSUMS, TUNNEL_TYPES, Connections, ServerKey, ServerSettings, ServiceKey

SERVICE_KEY_OPTIONS: dict[str, Any] = {
    "address": {"type": "str"},
    "port": {"type": "int"},
    "protocol": {"type": "str", "choices": list(TRANSPORTS)},
    "fwmark": {"type": "int"},
    "address_family": {"type": "str", "choices": ["ipv4", "ipv6"]},
}
SERVER_OPTIONS: dict[str, Any] = {
    "address": {"type": "str", "required": True},
    "port": {"type": "int"},
    "forwarding": {"type": "str", "choices": list(FORWARDING)},
    "weight": {"type": "int"},
    "initial_weight": {"type": "int"},
    "upper_threshold": {"type": "int"},
    "lower_threshold": {"type": "int"},
    "tunnel_type": {"type": "str", "choices": list(TUNNEL_TYPES)},
    "tunnel_port": {"type": "int"},
    "tunnel_checksum": {"type": "str", "choices": list(TUNNEL_CHECKSUMS)},
    "state": {"type": "str", "choices": ["present", "absent", "drained"], "default": "present"},
}
# What ipvs_realserver has beyond the options of a server in a pool.
DRAIN_OPTIONS: dict[str, Any] = {
    "drain_timeout": {"type": "int", "default": 300},
    "drain_connections": {"type": "list", "elements": "str", "choices": list(Connections._fields)},
    "drain_remove": {"type": "bool", "default": False},
    "restore_weight": {"type": "bool", "default": False},
}
SERVICE_OPTIONS: dict[str, Any] = {
    **SERVICE_KEY_OPTIONS,
    "scheduler": {"type": "str"},
    "scheduler_flags": {"type": "list", "elements": "str"},
    "one_packet": {"type": "bool"},
    "persistence_timeout": {"type": "int"},
    "persistence_netmask": {"type": "str"},
    "persistence_engine": {"type": "str"},
    "real_servers": {"type": "list", "elements": "dict", "options": SERVER_OPTIONS},
    "purge": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

# The kernel keeps timeouts multiplied by its tick rate in 32 bits; 31 days fit at every rate (also ipvsadm's limit).
_LONGEST_TIMEOUT = 31 * 24 * 60 * 60
_INT_MAX, _UINT_MAX = (1 << 31) - 1, (1 << 32) - 1
_SERVER_RANGES = {
    "weight": _INT_MAX,
    "upper_threshold": _UINT_MAX,
    "lower_threshold": _UINT_MAX,
    "tunnel_port": 65535,
}


class WantedServer(NamedTuple):
    """What a run says of one real server; `given` holds only the settings that it names.

    `initial_weight` is the weight for a server that is not there yet and was not drained.
    """

    key: ServerKey
    given: dict[str, Any]
    state: str
    initial_weight: int | None = None


class WantedService(NamedTuple):
    """What a run says of one service; `given` holds only the settings that it names."""

    key: ServiceKey
    given: dict[str, Any]
    servers: tuple[WantedServer, ...]
    purge: bool
    state: str


def parse_services(items: Sequence[Mapping[str, Any]]) -> list[WantedService]:
    """Return what the options of several services say; raise InvalidValue, telling which."""
    wanted = []
    for number, options in enumerate(items):
        try:
            wanted.append(parse_service(options))
        except InvalidValue as error:
            raise error.of(f"services[{number}]") from None
    return wanted


def parse_service(options: Mapping[str, Any]) -> WantedService:
    """Return what the options of one service say; raise InvalidValue for what breaks a rule."""
    key = parse_service_key(options)
    servers = options.get("real_servers")
    purge = bool(options.get("purge"))
    if purge and servers is None:
        raise InvalidValue("purge", True, "would remove every server", "list real_servers, or [] to empty the pool").of(
            f"service {service_name(key)}"
        )
    settings = _service_settings(options, key)
    wanted = tuple(parse_server(server, key) for server in servers or ())
    seen: set[ServerKey] = set()
    for server in wanted:
        if server.key in seen:
            raise InvalidValue(
                "real_servers", server_name(server.key), "is listed twice", "keep one entry for each address and port"
            ).of(f"service {service_name(key)}")
        seen.add(server.key)
    return WantedService(key, settings, wanted, purge, options.get("state") or "present")


def parse_service_key(options: Mapping[str, Any]) -> ServiceKey:
    """Return the identity of a service; raise InvalidValue when the options name none, or two at once."""
    address, port, protocol, mark = (options.get(name) for name in ("address", "port", "protocol", "fwmark"))
    family = options.get("address_family")
    if mark is not None:
        in_range("fwmark", mark, 1, _UINT_MAX)
        for name, value in (("address", address), ("port", port), ("protocol", protocol)):
            if value is not None:
                raise InvalidValue(name, value, "does not go with fwmark", "give either fwmark or address and port")
        return ServiceKey(family or "ipv4", fwmark=mark)
    if address is None or port is None:
        missing = "address" if address is None else "port"
        raise InvalidValue(missing, None, "is missing", "name the service by address and port, or by fwmark")
    host = parse_host(address, "address")
    if family not in (None, f"ipv{host.version}"):
        raise InvalidValue("address_family", family, f"is not that of {host}", "leave it out: the address tells")
    in_range("port", port, 0, 65535)
    return ServiceKey(f"ipv{host.version}", protocol or "tcp", str(host), port)


def parse_server(options: Mapping[str, Any], service: ServiceKey) -> WantedServer:
    """Return what the options of one real server say; its port is the service's when it is left out."""
    settings = given(options, ServerSettings._fields)
    try:
        host = parse_host(options.get("address"), "address")
        port = options.get("port")
        port = service.port if port is None else in_range("port", port, 0, 65535)
        for name, highest in _SERVER_RANGES.items():
            if name in settings:
                in_range(name, settings[name], 0, highest)
        initial = options.get("initial_weight")
        if initial is not None:
            in_range("initial_weight", initial, 0, _INT_MAX)
            if "weight" in settings:
                raise InvalidValue("initial_weight", initial, "does not go with weight", "give one of the two")
    except InvalidValue as error:
        raise error.of(f"server {options.get('address')} of {service_name(service)}") from None
    return WantedServer(
        ServerKey(f"ipv{host.version}", str(host), port), settings, options.get("state") or "present", initial
    )


def _service_settings(options: Mapping[str, Any], key: ServiceKey) -> dict[str, Any]:
    names = ("scheduler", "scheduler_flags", "one_packet", "persistence_timeout", "persistence_engine")
    settings = given(options, names)
    try:
        if "scheduler" in settings and not settings["scheduler"].strip():
            raise InvalidValue("scheduler", settings["scheduler"], "is empty", "name one such as rr, wrr, lc or wlc")
        if "persistence_timeout" in settings:
            in_range("persistence_timeout", settings["persistence_timeout"], 0, _LONGEST_TIMEOUT)
        if options.get("persistence_netmask") is not None:
            settings["persistence_netmask"] = _netmask(options["persistence_netmask"], key.address_family)
    except InvalidValue as error:
        raise error.of(f"service {service_name(key)}") from None
    return settings


def _netmask(value: object, family: str) -> str:
    """Return an IPv4 mask in dotted form, or an IPv6 prefix length in digits."""
    text, bits = str(value).strip(), 32 if family == "ipv4" else 128
    if text.isascii() and text.isdigit() and 1 <= int(text) <= bits:
        length = int(text)
        return text if family == "ipv6" else str(IPv4Address(_UINT_MAX << 32 - length & _UINT_MAX))
    if family == "ipv4" and text.count(".") == 3:
        try:
            mask = IPv4Address(text)
        except ValueError:
            mask = IPv4Address(0)
        if int(mask):
            return str(mask)
    rule, remedy = "is not an IPv4 mask", "write one such as 255.255.255.0 or 24"
    if family == "ipv6":
        rule, remedy = "is not an IPv6 prefix length", "write a number from 1 to 128"
    raise InvalidValue("persistence_netmask", value, rule, remedy)
