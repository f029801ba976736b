# SPDX-License-Identifier: GPL-3.0-or-later
"""Extensions of iptables in rules of nftables (the expressions `match` and `target`), as libnftables would write them.

A listing by libnftables says at most what they are called. Their contents are the structures of
include/uapi/linux/netfilter/xt_*.h, here for those that common rules have; what is left is named.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .._core.errors import MalformedAnswer
from .._netlink.messages import unpack_attributes
from .ruleset import COMMENT_PREFIX, CONNECTION_STATUS, OTHER_ADDRESS_TYPE, SET_OF_SOURCES, Rule, header_field

# include/uapi/linux/netfilter/nf_tables.h
_EXPR_NAME, _EXPR_DATA, _NAME, _REVISION, _INFO = 1, 2, 1, 2, 3
_ATTRIBUTE, _NUMBER = struct.Struct("=HH"), struct.Struct(">I")
# enum ip_conntrack_info in nf_conntrack_common.h, as XT_CONNTRACK_STATE_BIT and XT_STATE_BIT make bits of it
_STATES = {1: "invalid", 2: "established", 4: "related", 8: "new"}
_UNTRACKED = {"conntrack": 1 << 8, "state": 1 << 6}
_OF_STATE, _OF_STATUS, _ALIAS = 0x0001, 0x0040, 0x2000  # _ALIAS: written as -m state
_ADDRESS_TYPES = {1: "unspec", 2: "unicast", 4: "local", 8: "broadcast", 16: "anycast", 32: "multicast"}
_ICMP = {("icmp", 3): "destination-unreachable", ("icmp6", 2): "packet-too-big"}
_SOURCE_OF_SET = 0x02  # IPSET_DIM_ONE_SRC, which is shifted for each dimension


class Extension(NamedTuple):
    """One expression: `kind` is match or target, and `info` its structure."""

    kind: str
    name: str
    revision: int
    info: bytes


def extensions(expressions: bytes) -> list[Extension]:
    """Return the extensions in the attribute NFTA_RULE_EXPRESSIONS, in their order."""
    found = []
    for element in _nested(expressions):
        attributes = unpack_attributes(element)
        kind = _text(attributes.get(_EXPR_NAME, b""))
        if kind in ("match", "target"):
            data = unpack_attributes(attributes.get(_EXPR_DATA, b""))
            (revision,) = _NUMBER.unpack(data.get(_REVISION, bytes(4)))
            found.append(Extension(kind, _text(data.get(_NAME, b"")), revision, data.get(_INFO, b"")))
    return found


def translate(rule: Rule, family: str, read: Sequence[Extension]) -> Rule:
    """Return a rule with what its extensions mean in place of them, and with the comment that one of them holds."""
    if sum(isinstance(part, dict) and "xt" in part for part in rule.expr) != len(read):
        return rule
    following = iter(read)
    comment, parts = rule.comment, []
    for part in rule.expr:
        if not isinstance(part, dict) or "xt" not in part:
            parts.append(part)
            continue
        extension = next(following)
        if extension.name == "comment" and _text(extension.info).startswith(COMMENT_PREFIX):
            comment = comment or _text(extension.info)
        parts += _parts(extension, family)
    return Rule(tuple(parts), comment, rule.handle)


def _parts(extension: Extension, family: str) -> list[Any]:
    plain = [named(extension.name, extension.kind)]
    try:
        decode = _DECODERS.get((extension.kind, extension.name))
        found = decode(extension, family) if decode else None
    except (struct.error, IndexError, ValueError):
        return plain
    return plain if found is None else found


def named(name: str, kind: str = "match") -> dict[str, Any]:
    """Return an extension that is not translated."""
    return {"xt": {"type": kind, "name": name}}


def _match(left: Any, right: Any, negated: object = False) -> dict[str, Any]:
    return {"match": {"op": "!=" if negated else "==", "left": left, "right": right}}


def _conntrack(extension: Extension, _family: str) -> list[Any] | None:
    if extension.revision < 2:
        flags, inverted, states = struct.unpack_from("=HHB", extension.info, 146)
    else:
        flags, inverted, states = struct.unpack_from("=HHH", extension.info, 146)
    if flags & ~(_OF_STATE | _OF_STATUS | _ALIAS):
        return None  # addresses and ports of the connection
    if not flags & _OF_STATE:
        return [named(CONNECTION_STATUS)]
    return [_states("conntrack", states, inverted & _OF_STATE)]


def _state(extension: Extension, _family: str) -> list[Any]:
    return [_states("state", struct.unpack_from("=I", extension.info)[0], False)]


def _states(name: str, bits: int, negated: object) -> Any:
    known = {**_STATES, _UNTRACKED[name]: "untracked"}
    return _match({"ct": {"key": "state"}}, {"set": [word for bit, word in known.items() if bits & bit]}, negated)


def _multiport(extension: Extension, _family: str) -> list[Any] | None:
    flags, count = extension.info[:2]
    ports, ranges = struct.unpack_from("=15H", extension.info, 2), extension.info[32:47]
    inverted = extension.info[47] if extension.revision else 0
    if flags not in (0, 1):
        return None  # of either end
    values: list[Any] = []
    numbers = iter(range(count))
    for number in numbers:
        if ranges[number] and extension.revision:
            values.append({"range": [ports[number], ports[next(numbers)]]})
        else:
            values.append(ports[number])
    return [_match(header_field("th", ("sport", "dport")[flags]), {"set": values}, inverted)]


def _ports(extension: Extension, _family: str) -> list[Any]:
    sources, targets = struct.unpack_from("=2H2H", extension.info)[:2], struct.unpack_from("=2H2H", extension.info)[2:]
    tcp = extension.name == "tcp"
    inverted = extension.info[11 if tcp else 8]
    found = [
        _match(header_field(extension.name, field), {"range": list(ports)}, inverted & bit)
        for field, ports, bit in (("sport", sources, 1), ("dport", targets, 2))
        if ports != (0, 65535) or inverted & bit
    ]
    if tcp and extension.info[9]:
        left = {"&": [header_field("tcp", "flags"), extension.info[9]]}
        found.append(_match(left, extension.info[10], inverted & 4))
    return found or [_match({"meta": {"key": "l4proto"}}, extension.name)]


def _address_type(extension: Extension, _family: str) -> list[Any] | None:
    source, target, flags = struct.unpack_from("=HHI", extension.info)
    if extension.revision:
        negated, limited = flags & 2, flags & 12
    else:
        negated, limited = struct.unpack_from("=I", extension.info, 8)[0], 0
    if source or limited or not target:
        return [named(OTHER_ADDRESS_TYPE)]
    words = [word for bit, word in _ADDRESS_TYPES.items() if target & bit]
    return [_match({"fib": {"result": "type", "flags": ["daddr"]}}, {"set": words}, negated)]


def _range(extension: Extension, family: str) -> list[Any]:
    kind, size = (ipaddress.IPv6Address, 16) if family == "ip6" else (ipaddress.IPv4Address, 4)
    ends = [str(kind(extension.info[at : at + size])) for at in (0, 16, 32, 48)]
    flags = extension.info[64]
    pairs = (("saddr", ends[:2], 1), ("daddr", ends[2:], 2))
    return [
        _match(header_field(family, field), {"range": pair}, flags & (bit << 4))
        for field, pair, bit in pairs
        if flags & bit
    ]


def _icmp(extension: Extension, _family: str) -> list[Any]:
    kind, low, high, inverted = extension.info[:4]
    protocol = "icmpv6" if extension.name == "icmp6" else "icmp"
    if kind == 255:
        return [_match({"meta": {"key": "l4proto"}}, "ipv6-icmp" if protocol == "icmpv6" else "icmp")]
    found = [_match(header_field(protocol, "type"), _ICMP.get((extension.name, kind), str(kind)), inverted & 1)]
    return (
        found if (low, high) == (0, 255) else [*found, _match(header_field(protocol, "code"), {"range": [low, high]})]
    )


def _set(extension: Extension, _family: str) -> list[Any] | None:
    _index, dimensions, flags = struct.unpack_from("=HBB", extension.info)
    of_sources = all(flags & _SOURCE_OF_SET << at for at in range(dimensions))
    return [named(SET_OF_SOURCES)] if of_sources and dimensions == 1 else None


def _nothing(_extension: Extension, _family: str) -> list[Any]:
    return []


def _reject(_extension: Extension, _family: str) -> list[Any]:
    return [{"reject": None}]


def _connection(extension: Extension, _family: str) -> list[Any] | None:
    (flags,) = struct.unpack_from("=H", extension.info)
    return [{"notrack": None}] if flags & 1 else None


_DECODERS: dict[tuple[str, str], Any] = {
    ("match", "comment"): _nothing,
    ("match", "conntrack"): _conntrack,
    ("match", "state"): _state,
    ("match", "multiport"): _multiport,
    ("match", "tcp"): _ports,
    ("match", "udp"): _ports,
    ("match", "addrtype"): _address_type,
    ("match", "iprange"): _range,
    ("match", "icmp"): _icmp,
    ("match", "icmp6"): _icmp,
    ("match", "set"): _set,
    ("target", "REJECT"): _reject,
    ("target", "CT"): _connection,
    ("target", "NOTRACK"): lambda _extension, _family: [{"notrack": None}],
}


def _nested(data: bytes) -> Iterator[bytes]:
    """Yield the payload of each attribute, where all have one number."""
    offset = 0
    while offset < len(data):
        if len(data) - offset < _ATTRIBUTE.size:
            raise MalformedAnswer("an expression of nftables")
        length, _kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            raise MalformedAnswer("an expression of nftables")
        yield data[offset + _ATTRIBUTE.size : offset + length]
        offset += length + -length % 4


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="replace")
