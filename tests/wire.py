# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes an interface of a lab's machine: IP packets with their MACs, and what tunnels hold, read by that machine's Python."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from lab_access import ssh_command

# Runs on the machine until its input ends, and prints one packet a line at the end. With SOCK_RAW a frame begins with its MACs.
_WATCH = """
import json, select, socket, sys
def packet(data):
    if data[0] >> 4 == 4:
        size, protocol, family, addresses = (data[0] & 15) * 4, data[9], socket.AF_INET, data[12:20]
        if int.from_bytes(data[6:8], "big") & 0x1FFF:
            protocol = 0  # a later piece of a packet begins with no header
    else:
        size, protocol, family, addresses = 40, data[6], socket.AF_INET6, data[8:40]
    half = len(addresses) // 2
    ends = [socket.inet_ntop(family, part) for part in (addresses[:half], addresses[half:])]
    return [protocol, *ends], data[size:]
def inside(protocol, rest):
    if protocol in (4, 41):
        return packet(rest)[0]
    if protocol == 47:
        return packet(rest[4:])[0]
    if protocol == 17 and rest[2:4] == (6080).to_bytes(2, "big"):
        return packet(rest[8 + 4 * (1 + (rest[8] & 31)):])[0]
    return None
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind((sys.argv[1], 3))
print("on", flush=True)
seen = []
while True:
    ready, _, _ = select.select([wire, sys.stdin], [], [])
    if wire in ready:
        frame = wire.recv(65536)
        if frame[12:14] in (bytes([8, 0]), bytes([0x86, 0xDD])):
            outer, rest = packet(frame[14:])
            seen.append([frame[6:12].hex(":"), frame[:6].hex(":"), len(frame) - 14, *outer, inside(outer[0], rest)])
    elif sys.stdin in ready:
        break
print(json.dumps(seen))
"""
TCP, UDP, IPIP, IPV6_IN, GRE, ICMP, ICMPV6 = 6, 17, 4, 41, 47, 1, 58


class Packet(NamedTuple):
    """An IP packet: MACs, its length in bytes, the number of its protocol, source and destination; `inside` a tunnel's.

    The protocol of a later fragment of IPv4 is 0.
    """

    sender: str
    receiver: str
    length: int
    protocol: int
    source: str
    destination: str
    inside: tuple[int, str, str] | None = None


@dataclass
class Wire:
    """What was seen, once the watch is over."""

    packets: list[Packet] = field(default_factory=list)

    def tcp_from(self, address: str) -> list[Packet]:
        """Return the packets of TCP that an address sent, outside of tunnels."""
        return [one for one in self.packets if one.protocol == TCP and one.source == address]

    def tunneled_to(self, address: str) -> list[Packet]:
        """Return the packets that hold others for this address."""
        return [one for one in self.packets if one.inside and one.inside[2] == address]


@contextmanager
def watched(inventory: str, host: str, interface: str = "lan0") -> Iterator[Wire]:
    """Watch an interface of a host meanwhile; what was seen is there afterwards."""
    command = f"python3 -u -c {shlex.quote(_WATCH)} {interface}"
    watch = subprocess.Popen(
        [*ssh_command(host, inventory), command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    wire = Wire()
    try:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "on\n", "the watch did not begin"
        yield wire
        seen, _ = watch.communicate(timeout=60)
        for *fields, inside in json.loads(seen):
            wire.packets.append(Packet(*fields, tuple(inside) if inside else None))
    finally:
        watch.kill()
        watch.wait()
