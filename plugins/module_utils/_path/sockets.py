# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets that send a packet to one server, framed or in a tunnel, and hear what comes back to this host.

What comes back is heard on every device before the packet filter, and before the kernel drops it: on a director that
has the VIP, a packet from the VIP is one from itself (fib_validate_source in net/ipv4/fib_frontend.c), so that its TCP
neither gets the answer nor resets it. The load balancer's own traffic is not for these addresses, and a filter in the
kernel keeps it out. Raises NotPermitted without CAP_NET_RAW, KernelRefusal for the rest.
"""

from __future__ import annotations

import ctypes
import errno
import select
import socket
import struct
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from .._core.address import is_ipv6, version
from .._core.errors import refusal
from .model import Probe, Way
from .packets import gre, gue

# include/uapi/linux: if_packet.h, if_ether.h, filter.h; include/uapi/asm-generic/socket.h
_PACKET_OUTGOING, _ETHERTYPE, _SO_ATTACH_FILTER = 4, {4: 0x0800, 6: 0x86DD}, 26
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_INSTRUCTION = struct.Struct("=HBBI")
# Where the last four bytes of source and destination are
_ADDRESSES_AT = {4: (12, 16), 6: (20, 36)}
_LARGEST, _BUFFER = 65535, 1 << 20


class Received(NamedTuple):
    """A packet that came in: its bytes, on which device, from which MAC (empty: none), and when (monotonic s)."""

    packet: bytes
    interface: str
    mac: str
    when: float


class Wire:
    """The sockets for the given own addresses."""

    def __init__(self, sources: Collection[str]) -> None:
        self._stack = ExitStack()
        self._packet: dict[int, socket.socket] = {}
        self._raw: dict[tuple[int, int], socket.socket] = {}
        try:
            for family in sorted({version(source) for source in sources}):
                own = [source for source in sources if version(source) == family]
                with explained("listen for answers"):
                    self._packet[family] = self._stack.enter_context(_listener(family, own))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Wire:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sockets."""
        self._stack.close()

    def send(self, probe: Probe, way: Way, packet: bytes) -> None:
        """Send one IP packet to the server of a probe, as IPVS would: framed to its MAC, or in a tunnel."""
        with explained(f"send to {probe.rip}"):
            if way.mac:
                family = packet[0] >> 4
                link = (way.interface, _ETHERTYPE[family], 0, 0, bytes.fromhex(way.mac.replace(":", "")))
                self._packet[family].sendto(packet, link)
            elif probe.tunnel_type == "gue":
                self._tunnel(probe.rip, socket.IPPROTO_UDP).sendto(gue(packet), (probe.rip, probe.tunnel_port))
            elif probe.tunnel_type == "gre":
                self._tunnel(probe.rip, socket.IPPROTO_GRE).sendto(gre(packet), (probe.rip, 0))
            else:
                inner = socket.IPPROTO_IPV6 if packet[0] >> 4 == 6 else socket.IPPROTO_IPIP
                self._tunnel(probe.rip, inner).sendto(packet, (probe.rip, 0))

    def receive(self, wait: float) -> Iterator[Received]:
        """Yield what arrives within `wait` seconds."""
        deadline = time.monotonic() + wait
        while (left := deadline - time.monotonic()) > 0:
            for ready in select.select(self._packet.values(), (), (), left)[0]:
                with explained("listen for answers"):
                    packet, (interface, _protocol, direction, _hardware, mac) = ready.recvfrom(_LARGEST)
                if direction != _PACKET_OUTGOING:
                    yield Received(packet, interface, mac.hex(":") if len(mac) == 6 else "", time.monotonic())

    def reserve(self, address: str, udp: bool) -> int:
        """Return a port of an own address that nobody else on this host gets while the wire is open."""
        family = socket.AF_INET6 if is_ipv6(address) else socket.AF_INET
        holder = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self._stack.enter_context(holder)
        with explained(f"get a port of {address}"):
            holder.bind((address, 0))
        return int(holder.getsockname()[1])

    def _tunnel(self, rip: str, protocol: int) -> socket.socket:
        """Return the socket that puts an IP header of that protocol around what is sent, by the kernel's own routes."""
        key = (version(rip), protocol)
        if key not in self._raw:
            kind = socket.SOCK_DGRAM if protocol == socket.IPPROTO_UDP else socket.SOCK_RAW
            family = socket.AF_INET6 if key[0] == 6 else socket.AF_INET
            self._raw[key] = self._stack.enter_context(socket.socket(family, kind, protocol))
        return self._raw[key]


def _listener(version: int, own: Collection[str]) -> socket.socket:
    """Return a socket that hears packets to and from own addresses, on every device."""
    # Python can't bind to all devices later. What gets in before the filter is there is nobody's answer.
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETHERTYPE[version]))
    try:
        code = ctypes.create_string_buffer(_filter(version, own))
        program = struct.pack("HL", (len(code) - 1) // _INSTRUCTION.size, ctypes.addressof(code))
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    except BaseException:
        listener.close()
        raise
    return listener


def _filter(version: int, own: Collection[str]) -> bytes:
    """Return classic BPF that takes packets whose source or destination ends like one of the addresses."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    words = sorted({int.from_bytes(socket.inet_pton(family, address)[-4:], "big") for address in own})
    steps: list[tuple[int, int, int, int]] = []
    ahead = 2 * (len(words) + 1)
    for place in _ADDRESSES_AT[version]:
        steps.append((_LOAD_WORD, 0, 0, place))
        for word in words:
            # Forward, over what is left and the first return. A jump is one byte: enough for 126 addresses.
            steps.append((_JUMP_IF_EQUAL, ahead - len(steps), 0, word))
    steps += [(_RETURN, 0, 0, 0), (_RETURN, 0, 0, _LARGEST)]
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the kernel's errors into ours."""
    try:
        yield
    except OSError as error:
        number = errno.EPERM if error.errno == errno.EACCES else error.errno or 0
        raise refusal(what, number, needs="CAP_NET_RAW") from None
