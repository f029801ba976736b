# SPDX-License-Identifier: GPL-3.0-or-later
"""The packets that prove a path, as bytes: TCP, UDP and ICMP in IPv4 and IPv6, and what tunnels put around them.

IP after RFC 791 and 8200, TCP after RFC 9293, UDP after RFC 768, ICMP after RFC 792 and 4443. Addresses are canonical
text. Checksums of what is heard are not looked at: a device may leave them for later.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from .._core.address import version
from .._core.checksum import internet_checksum

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

_IPV4 = struct.Struct(
    "!BBHHHBBH4s4s"
)  # version and length, service, length, id, fragment, hops, protocol, sum, from, to
_IPV6 = struct.Struct("!IHBB16s16s")  # version, payload's length, next header, hop limit, from, to
_TCP = struct.Struct("!HHIIBBHHH")  # ports, sequence, acknowledged, header's length, flags, window, sum, urgent
_UDP = struct.Struct("!HHHH")  # ports, length, sum
_ECHO = struct.Struct("!BBHHH")  # type, code, sum, id, number
_GRE = struct.Struct("!HH")  # flags, protocol (RFC 2784)
_GUE = struct.Struct("!BBH")  # version and length, protocol, flags (draft-ietf-intarea-gue)
_PORTS = struct.Struct("!HH")
_HOPS, _DONT_FRAGMENT, _WINDOW = 64, 0x4000, 64240
_MAXIMUM_SEGMENT = bytes((2, 4)) + struct.pack("!H", 1400)  # the only option of a SYN; smaller than any tunnel's
_UNREACHABLE, _ECHO_REQUEST, _ECHO_REPLY = {4: 3, 6: 1}, {4: 8, 6: 128}, {4: 0, 6: 129}
_ETHERTYPE = {4: 0x0800, 6: 0x86DD}


class Flow(NamedTuple):
    """One direction of a conversation. For ICMP `source_port` is the echo's id."""

    source: str
    source_port: int
    target: str
    target_port: int

    @property
    def version(self) -> int:
        """4 or 6."""
        return version(self.source)


class Tcp(NamedTuple):
    """A TCP segment that was heard."""

    flow: Flow
    flags: int
    sequence: int
    acknowledged: int


class Datagram(NamedTuple):
    """A UDP datagram that was heard."""

    flow: Flow
    payload: bytes


class Echo(NamedTuple):
    """The answer to a ping; `flow` goes from who answers to who asked, the id is its target port."""

    flow: Flow


class Unreachable(NamedTuple):
    """An ICMP error: who sent it, its code, and the flow of the packet that it is about (ports 0: no TCP or UDP)."""

    source: str
    code: int
    flow: Flow


def pack_tcp(flow: Flow, flags: int, sequence: int, acknowledged: int = 0) -> bytes:
    """Return a whole IP packet with one TCP segment without data."""
    options = _MAXIMUM_SEGMENT if flags & SYN else b""
    size = _TCP.size + len(options)
    head = _TCP.pack(flow.source_port, flow.target_port, sequence, acknowledged, size // 4 << 4, flags, _WINDOW, 0, 0)
    return _ip(flow, socket.IPPROTO_TCP, _summed(flow, socket.IPPROTO_TCP, head + options, 16))


def pack_udp(flow: Flow, payload: bytes) -> bytes:
    """Return a whole IP packet with one datagram."""
    message = _UDP.pack(flow.source_port, flow.target_port, _UDP.size + len(payload), 0) + payload
    return _ip(flow, socket.IPPROTO_UDP, _summed(flow, socket.IPPROTO_UDP, message, 6))


def pack_ping(flow: Flow) -> bytes:
    """Return a whole IP packet that asks for an echo."""
    message = _ECHO.pack(_ECHO_REQUEST[flow.version], 0, 0, flow.source_port, 1)
    if flow.version == 6:
        return _ip(flow, socket.IPPROTO_ICMPV6, _summed(flow, socket.IPPROTO_ICMPV6, message, 2))
    return _ip(flow, socket.IPPROTO_ICMP, message[:2] + struct.pack("!H", internet_checksum(message)) + message[4:])


def gre(packet: bytes) -> bytes:
    """Return what a GRE tunnel carries for an IP packet, without checksum."""
    return _GRE.pack(0, _ETHERTYPE[packet[0] >> 4]) + packet


def gue(packet: bytes) -> bytes:
    """Return what a GUE tunnel carries in UDP for an IP packet, without options."""
    return _GUE.pack(0, socket.IPPROTO_IPV6 if packet[0] >> 4 == 6 else socket.IPPROTO_IPIP, 0) + packet


def unpack(packet: bytes) -> Tcp | Datagram | Echo | Unreachable | None:
    """Return what an IP packet says; None when it is cut off, a fragment, or nothing that a path is proved by."""
    found = _unpack_ip(packet)
    if found is None:
        return None
    source, target, protocol, message = found
    if protocol == socket.IPPROTO_TCP and len(message) >= _TCP.size:
        source_port, target_port, sequence, acknowledged, _size, flags, *_rest = _TCP.unpack_from(message)
        return Tcp(Flow(source, source_port, target, target_port), flags, sequence, acknowledged)
    if protocol == socket.IPPROTO_UDP and len(message) >= _UDP.size:
        source_port, target_port, size, _sum = _UDP.unpack_from(message)
        return Datagram(Flow(source, source_port, target, target_port), message[_UDP.size : max(size, _UDP.size)])
    if protocol in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6) and len(message) >= _ECHO.size:
        return _unpack_icmp(source, target, message)
    return None


def _unpack_icmp(source: str, target: str, message: bytes) -> Echo | Unreachable | None:
    family = version(source)
    kind, code, _sum, identity, _number = _ECHO.unpack_from(message)
    if kind == _ECHO_REPLY[family]:
        return Echo(Flow(source, 0, target, identity))
    quoted = _unpack_ip(message[_ECHO.size :]) if kind == _UNREACHABLE[family] else None
    if quoted is None:
        return None
    ports = (0, 0)
    if quoted[2] in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) and len(quoted[3]) >= _PORTS.size:
        ports = _PORTS.unpack_from(quoted[3])
    return Unreachable(source, code, Flow(quoted[0], ports[0], quoted[1], ports[1]))


def _unpack_ip(packet: bytes) -> tuple[str, str, int, bytes] | None:
    """Return source, target, protocol and what follows the header, which may be cut off where a packet is quoted."""
    if len(packet) >= _IPV4.size and packet[0] >> 4 == 4:
        head, _service, length, _identity, fragment, _hops, protocol, _sum, source, target = _IPV4.unpack_from(packet)
        size = (head & 0x0F) * 4
        if size < _IPV4.size or length < size or fragment & 0x3FFF:
            return None
        return socket.inet_ntoa(source), socket.inet_ntoa(target), protocol, packet[size:length]
    if len(packet) >= _IPV6.size and packet[0] >> 4 == 6:
        _version, length, protocol, _hops, source, target = _IPV6.unpack_from(packet)
        source_text, target_text = (socket.inet_ntop(socket.AF_INET6, one) for one in (source, target))
        return source_text, target_text, protocol, packet[_IPV6.size : _IPV6.size + length]
    return None


def _ip(flow: Flow, protocol: int, message: bytes) -> bytes:
    source, target = _addresses(flow)
    if flow.version == 6:
        return _IPV6.pack(6 << 28, len(message), protocol, _HOPS, source, target) + message
    length = _IPV4.size + len(message)
    head = _IPV4.pack(0x45, 0, length, 0, _DONT_FRAGMENT, _HOPS, protocol, 0, source, target)
    return head[:10] + struct.pack("!H", internet_checksum(head)) + head[12:] + message


def _summed(flow: Flow, protocol: int, message: bytes, place: int) -> bytes:
    """Return the message with its checksum, which covers a header of its own (RFC 9293, 3.1; RFC 8200, 8.1)."""
    pseudo = b"".join(_addresses(flow)) + struct.pack("!II", len(message), protocol)
    # A sum of zero would mean that there is none (UDP); for TCP and ICMPv6 both zeros are the same number.
    total = internet_checksum(pseudo + message) or (0xFFFF if protocol == socket.IPPROTO_UDP else 0)
    return message[:place] + struct.pack("!H", total) + message[place + 2 :]


def _addresses(flow: Flow) -> tuple[bytes, bytes]:
    family = socket.AF_INET6 if flow.version == 6 else socket.AF_INET
    return socket.inet_pton(family, flow.source), socket.inet_pton(family, flow.target)
