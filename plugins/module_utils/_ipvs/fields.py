# SPDX-License-Identifier: GPL-3.0-or-later
"""The one field table of IPVS: what a virtual service and a real server are, and how the kernel writes them.

The records hold the words of the options (``direct``, ``tcp``), so that nothing else translates. Numbers are those of
include/uapi/linux/ip_vs.h; what the table says of byte order was read in net/netfilter/ipvs/ip_vs_ctl.c.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from functools import lru_cache

from .._core.protocols import TRANSPORTS
from .._netlink.fields import ADDRESS, FAMILY, TEXT, U32, Field, Kind, decode_fields, encode_fields, number, word
from .._netlink.messages import unpack_attributes
from .model import (
    FLAG_HASHED,
    FLAG_PERSISTENT,
    FORWARDING,
    TUNNEL_CHECKSUMS,
    TUNNEL_TYPES,
    ServerKey,
    ServerSettings,
    ServiceKey,
    ServiceSettings,
)


def _unpack_netmask(data: bytes, family: str) -> str:
    return socket.inet_ntoa(data) if family == "ipv4" else str(struct.unpack("=I", data)[0])


def _pack_netmask(value: str, family: str) -> bytes:
    return socket.inet_aton(value) if family == "ipv4" else struct.pack("=I", int(value))


_ALL_FLAGS = 0xFFFFFFFF
_NO_MARK = bytes(4)

PORT = number("!H")  # IPVS_*_ATTR_PORT and TUN_PORT are big-endian
# struct ip_vs_flags: the bits, and a mask of the bits that are meant.
FLAGS = Kind(lambda value, _: struct.pack("=II", value, _ALL_FLAGS), lambda data, _: struct.unpack("=II", data)[0])
NETMASK = Kind(_pack_netmask, _unpack_netmask)

SERVICE_KEY = (
    Field("address_family", 1, FAMILY),
    Field("protocol", 2, word("=H", TRANSPORTS)),
    Field("address", 3, ADDRESS),
    Field("port", 4, PORT),
    Field("fwmark", 5, U32, optional=True),
)
SERVICE_SETTINGS = (
    Field("scheduler", 6, TEXT),
    Field("flags", 7, FLAGS),
    Field("persistence_timeout", 8, U32),
    Field("persistence_netmask", 9, NETMASK),
    Field("persistence_engine", 11, TEXT, optional=True),
)
SERVER_KEY = (
    Field("address_family", 11, FAMILY),
    Field("address", 1, ADDRESS),
    Field("port", 2, PORT),
)
SERVER_SETTINGS = (
    Field("forwarding", 3, word("=I", FORWARDING)),
    Field("weight", 4, U32),
    Field("upper_threshold", 5, U32),
    Field("lower_threshold", 6, U32),
    Field("tunnel_type", 13, word("=B", TUNNEL_TYPES), optional=True),
    Field("tunnel_port", 14, PORT, optional=True),
    Field("tunnel_checksum", 15, word("=H", TUNNEL_CHECKSUMS), optional=True),
)
TABLES: dict[type, tuple[Field, ...]] = {
    ServiceKey: SERVICE_KEY,
    ServiceSettings: SERVICE_SETTINGS,
    ServerKey: SERVER_KEY,
    ServerSettings: SERVER_SETTINGS,
}
for _record, _fields in TABLES.items():
    if _record._fields != tuple(field.name for field in _fields):  # type: ignore[attr-defined]
        raise AssertionError(f"{_record.__name__} and its field table name different fields")


# Tables repeat themselves: the same few settings, and each service once for each of its servers.
_remembered = lru_cache(maxsize=4096)


@_remembered
def encode_service(key: ServiceKey, settings: ServiceSettings | None = None) -> bytes:
    """Return the attributes inside IPVS_CMD_ATTR_SERVICE: the identity alone, or all of a service."""
    # A mark's identity is (family, mark): the kernel takes either that or protocol, address and port.
    identity = ("address_family", "fwmark") if key.fwmark else ("address_family", "protocol", "address", "port")
    packed = encode_fields(key, SERVICE_KEY, key.address_family, identity)
    if settings is None:
        return packed
    persistent = FLAG_PERSISTENT if settings.persistence_timeout else 0
    settings = settings._replace(flags=settings.flags | persistent)
    # An engine that is not named is none; an empty name would be looked up by the kernel, and not found.
    names = ServiceSettings._fields if settings.persistence_engine else ServiceSettings._fields[:-1]
    return packed + encode_fields(settings, SERVICE_SETTINGS, key.address_family, names)


def decode_service(data: bytes) -> tuple[ServiceKey, ServiceSettings]:
    """Return what one service message of a dump says, without its counters; raise MalformedAnswer."""
    return service_of(unpack_attributes(data))


def service_of(found: Mapping[int, bytes]) -> tuple[ServiceKey, ServiceSettings]:
    """Return what the attributes of one service say, without its counters; raise MalformedAnswer."""
    family = _family(found, SERVICE_KEY)
    if found.get(5, _NO_MARK) != _NO_MARK:
        # Kernels differ in what they dump beside a mark; only family and mark mean something.
        key = ServiceKey(**decode_fields(found, SERVICE_KEY, family, ("address_family", "fwmark")))
    else:
        key = ServiceKey(**decode_fields(found, SERVICE_KEY, family))
    settings = ServiceSettings(**decode_fields(found, SERVICE_SETTINGS, family))
    persistent = settings.flags & FLAG_PERSISTENT
    return key, settings._replace(
        flags=settings.flags & ~(FLAG_PERSISTENT | FLAG_HASHED),
        persistence_timeout=settings.persistence_timeout if persistent else 0,
    )


def encode_server(key: ServerKey, settings: ServerSettings | None = None) -> bytes:
    """Return the attributes inside IPVS_CMD_ATTR_DEST: the identity alone, or all of a real server."""
    packed = encode_fields(key, SERVER_KEY, key.address_family, ServerKey._fields)
    return packed if settings is None else packed + _encode_settings(settings, key.address_family)


@_remembered
def _encode_settings(settings: ServerSettings, family: str) -> bytes:
    return encode_fields(settings, SERVER_SETTINGS, family, ServerSettings._fields)


def decode_server(data: bytes) -> tuple[ServerKey, ServerSettings]:
    """Return what one real-server message of a dump says, without its counters; raise MalformedAnswer."""
    return server_of(unpack_attributes(data))


def server_of(found: Mapping[int, bytes]) -> tuple[ServerKey, ServerSettings]:
    """Return what the attributes of one real server say, without its counters; raise MalformedAnswer."""
    family = _family(found, SERVER_KEY)
    key = ServerKey(**decode_fields(found, SERVER_KEY, family))
    return key, _decode_settings(family, *(found.get(field.attribute) for field in SERVER_SETTINGS))


@_remembered
def _decode_settings(family: str, *values: bytes | None) -> ServerSettings:
    found = {field.attribute: value for field, value in zip(SERVER_SETTINGS, values) if value is not None}
    return ServerSettings(**decode_fields(found, SERVER_SETTINGS, family))


def _family(found: Mapping[int, bytes], table: tuple[Field, ...]) -> str:
    return str(decode_fields(found, table, "", ("address_family",))["address_family"])
