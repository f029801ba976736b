# SPDX-License-Identifier: GPL-3.0-or-later
"""What IPVS tells of itself beside its table: counters, timeouts, sync daemons and version. One field table each."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from typing import Any

from .._core.address import is_ipv6
from .._core.errors import MalformedAnswer
from .._netlink.fields import ADDRESS, TEXT, U32, Field, Kind, decode_fields, encode_fields, number
from .._netlink.messages import unpack_attributes
from .model import BACKUP, MASTER, Connections, Counters, Daemon, Engine, Timeouts

_STATES = {MASTER: 1, BACKUP: 2}


def _unpack_version(data: bytes, _family: str) -> str:
    version = struct.unpack("=I", data)[0]
    return f"{version >> 16 & 255}.{version >> 8 & 255}.{version & 255}"


def _unpack_state(data: bytes, _family: str) -> str:
    value = struct.unpack("=I", data)[0]
    return next(state for state, known in _STATES.items() if known == value)


def _refuse(value: Any, _family: str) -> bytes:
    raise TypeError(f"{value} is only ever read")


_U64, _U16, _U8 = number("=Q"), number("=H"), number("=B")
_GROUP = Kind(lambda value, _: socket.inet_aton(value), lambda data, _: socket.inet_ntoa(data))
_STATE = Kind(lambda value, _: struct.pack("=I", _STATES[value]), _unpack_state)

COUNTERS = tuple(Field(name, place, _U64) for place, name in enumerate(Counters._fields, 1))
CONNECTIONS = tuple(Field(name, place, U32) for place, name in enumerate(Connections._fields, 7))
# A kernel that is built without TCP or UDP balancing leaves their timeouts out; none is 0 then.
TIMEOUTS = tuple(Field(name, place, U32, optional=True) for place, name in enumerate(Timeouts._fields, 4))
ENGINE = (Field("version", 1, Kind(_refuse, _unpack_version)), Field("table_size", 2, U32))
DAEMON = (
    Field("state", 1, _STATE),
    Field("interface", 2, TEXT),
    Field("sync_id", 3, U32),
    Field("max_length", 4, _U16, optional=True),
    Field("group", 5, _GROUP, optional=True),
    Field("group", 6, ADDRESS, optional=True),
    Field("port", 7, _U16, optional=True),  # in host order, unlike all other ports of IPVS (seen on 5.10 to 6.12)
    Field("ttl", 8, _U8, optional=True),
)
_STATS64 = 12  # the same number in a service and in a server


def counters_of(found: Mapping[int, bytes]) -> Counters:
    """Return the 64-bit counters of one service or server from its attributes; raise MalformedAnswer."""
    if _STATS64 not in found:
        raise MalformedAnswer(f"its 64-bit counters (attribute {_STATS64}) are missing")
    return Counters(**decode_fields(unpack_attributes(found[_STATS64]), COUNTERS))


def connections_of(found: Mapping[int, bytes]) -> Connections:
    """Return how many connections a server has, from its attributes; raise MalformedAnswer."""
    return Connections(**decode_fields(found, CONNECTIONS))


def decode_timeouts(data: bytes) -> Timeouts:
    """Return the timeouts of an answer to GET_CONFIG; raise MalformedAnswer."""
    return Timeouts(**{"tcp": 0, "tcp_fin": 0, "udp": 0, **decode_fields(unpack_attributes(data), TIMEOUTS)})


def encode_timeouts(timeouts: Timeouts) -> bytes:
    """Return the attributes of SET_CONFIG."""
    return encode_fields(timeouts, TIMEOUTS, "", Timeouts._fields)


def decode_engine(data: bytes) -> Engine:
    """Return the version and size of an answer to GET_INFO; raise MalformedAnswer."""
    return Engine(**decode_fields(unpack_attributes(data), ENGINE))


def decode_daemon(data: bytes) -> Daemon:
    """Return one sync daemon from what is inside IPVS_CMD_ATTR_DAEMON; raise MalformedAnswer."""
    return Daemon(**decode_fields(unpack_attributes(data), DAEMON, "ipv6"))


def encode_daemon(daemon: Daemon) -> bytes:
    """Return what goes inside IPVS_CMD_ATTR_DAEMON to start a daemon; what the kernel chooses is left out."""
    names = [name for name, value in daemon._asdict().items() if value]
    # The two families have an attribute each, and the kernel looks at that of IPv4 first.
    kind = ADDRESS if is_ipv6(daemon.group) else _GROUP
    table = tuple(field for field in DAEMON if field.name != "group" or field.kind is kind)
    return encode_fields(daemon, table, "ipv6", names)


def encode_daemon_state(daemon: Daemon) -> bytes:
    """Return what goes inside IPVS_CMD_ATTR_DAEMON to stop a daemon: a host has one of each state."""
    return encode_fields(daemon, DAEMON, "", ("state",))
