# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP and ND on one Ethernet device of this host: announcing, and asking who answers.

Raises NotPermitted without CAP_NET_RAW, NotSupported for a device that is no Ethernet, KernelRefusal for the rest.
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from .._core.address import is_ipv6
from .._core.errors import NotSupported, refusal
from .model import OwnerAnswer
from .packets import (
    ALL_NODES,
    ETH_P_ARP,
    ETH_P_IPV6,
    ND_ADVERTISEMENT,
    ND_HOPS,
    REPLY,
    UNSPECIFIED,
    UNSPECIFIED6,
    arp_announcement,
    arp_request,
    mac_text,
    nd_announcement,
    nd_probe,
    nd_solicitation,
    solicited_node,
    unpack_advertisement,
    unpack_arp,
)

_ARPHRD_ETHER = 1  # include/uapi/linux/if_arp.h
_ICMP6_FILTER = 1  # include/uapi/linux/icmpv6.h; each bit that is set blocks one type
_PACKET_OUTGOING = 4  # include/uapi/linux/if_packet.h
_LARGEST_FRAME = 2048
# RFC 5227 probes three times as well, but 1 to 2 s apart, and waits before and after: made for segments of any kind,
# and for hosts that are switched on together. A host on a wired segment answers within milliseconds.
PROBES, PROBE_INTERVAL = 3, 0.2


class Segment:
    """The sockets for one device; IPv6 ones are opened only when there is something to say in IPv6."""

    def __init__(self, interface: str) -> None:
        self.interface = interface
        with _explained(f"open {interface} for ARP"):
            # Protocol 0 hears nothing until bind names the device: frames of other devices never get in.
            self.arp = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            try:
                self.arp.bind((interface, ETH_P_ARP))
            except OSError:
                self.arp.close()
                raise
        *_address, hardware, mac = self.arp.getsockname()
        if hardware != _ARPHRD_ETHER:
            self.arp.close()
            raise NotSupported("interface", interface, "is not an Ethernet device and has no ARP", "name one that is")
        self.mac = mac_text(mac)
        self._nd: socket.socket | None = None

    def __enter__(self) -> Segment:
        """Use as a context manager."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the sockets."""
        self.arp.close()
        if self._nd:
            self._nd.close()

    @property
    def nd(self) -> socket.socket:
        """The ICMPv6 socket, which hears advertisements only."""
        if self._nd is None:
            with _explained(f"open {self.interface} for ND"):
                self._nd = _nd_socket(self.interface)
        return self._nd

    def announce(self, addresses: Iterable[str], router: bool) -> None:
        """Say once of each address that it is here now."""
        with _explained(f"announce on {self.interface}"):
            for address in addresses:
                if is_ipv6(address):
                    self.nd.sendto(nd_announcement(self.mac, address, router), (ALL_NODES, 0))
                else:
                    self.arp.send(arp_announcement(self.mac, address))

    def ask(self, address: str, sender: str) -> None:
        """Ask once who has the address; `sender` is an IPv4 address of this host, or 0.0.0.0 or :: for a probe."""
        with _explained(f"ask on {self.interface}"):
            if sender == UNSPECIFIED6:
                _hearing = self.nd  # what hears the answers has to be there first
                self.arp.sendto(nd_probe(self.mac, address), (self.interface, ETH_P_IPV6))
            elif is_ipv6(address):
                self.nd.sendto(nd_solicitation(self.mac, address), (solicited_node(address), 0))
            else:
                self.arp.send(arp_request(self.mac, sender, address))

    def receive(self, families: Iterable[bool], wait: float) -> Iterator[tuple[str, str]]:
        """Yield address and MAC of the answers that are to us and arrive within `wait` seconds.

        `families` says which to listen to: False for IPv4, True for IPv6.
        """
        deadline = time.monotonic() + wait
        with selectors.DefaultSelector() as selector:
            for ipv6 in set(families):
                selector.register(self.nd if ipv6 else self.arp, selectors.EVENT_READ, ipv6)
            while (left := deadline - time.monotonic()) > 0:
                for key, _events in selector.select(left):
                    answer = self._advertised() if key.data else self._replied()
                    if answer:
                        yield answer

    def _replied(self) -> tuple[str, str] | None:
        with _explained(f"listen on {self.interface}"):
            frame, (_device, _protocol, direction, *_sender) = self.arp.recvfrom(_LARGEST_FRAME)
        packet = unpack_arp(frame)
        if direction == _PACKET_OUTGOING or not packet or packet.operation != REPLY or packet.target_mac != self.mac:
            return None
        return packet.sender, packet.sender_mac

    def _advertised(self) -> tuple[str, str] | None:
        with _explained(f"listen on {self.interface}"):
            message, extra, *_rest = self.nd.recvmsg(_LARGEST_FRAME, socket.CMSG_SPACE(4))
        hops = [struct.unpack("=i", data)[0] for *_kind, data in extra]
        return unpack_advertisement(message) if hops == [ND_HOPS] else None


def announce(interface: str, addresses: Sequence[str], count: int, interval: float) -> None:
    """Tell the segment `count` times, `interval` seconds apart, that the addresses are here now."""
    with Segment(interface) as segment:
        router = any(is_ipv6(address) for address in addresses) and _forwards(interface)
        for turn in range(count):
            if turn:
                time.sleep(interval)
            segment.announce(addresses, router)


def find_owners(
    interface: str, senders: Mapping[str, str], timeout: float, attempts: int
) -> dict[str, list[OwnerAnswer]]:
    """Return, for each address that `senders` names, everyone who answered for it within `timeout` seconds.

    `senders` maps an address to the own IPv4 address to ask from (0.0.0.0 for a probe); for IPv6 the kernel chooses it,
    unless it is :: for a probe. All are asked together, `attempts` times; owners come in the order of their answers.
    """
    owners: dict[str, list[OwnerAnswer]] = {address: [] for address in senders}
    families = [is_ipv6(address) for address in senders]
    with Segment(interface) as segment:
        for _attempt in range(attempts):
            asked = {}
            for address, sender in senders.items():
                asked[address] = time.monotonic()
                segment.ask(address, sender)
            for address, mac in segment.receive(families, timeout / attempts):
                if address in owners and mac not in [answer.mac for answer in owners[address]]:
                    latency = round((time.monotonic() - asked[address]) * 1000, 1)
                    owners[address].append(OwnerAnswer(mac, latency))
    return owners


def probe(interface: str, addresses: Sequence[str]) -> dict[str, list[str]]:
    """Return, for each address, the MACs that answer for it, without this host telling an address of its own.

    No cache is changed by that. All are asked together, for PROBES times PROBE_INTERVAL seconds.
    """
    senders = {address: UNSPECIFIED6 if is_ipv6(address) else UNSPECIFIED for address in addresses}
    owners = find_owners(interface, senders, PROBES * PROBE_INTERVAL, PROBES)
    return {address: [answer.mac for answer in answers] for address, answers in owners.items()}


def _nd_socket(interface: str) -> socket.socket:
    nd = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    try:
        blocked = bytearray(b"\xff" * 32)
        word, bit = divmod(ND_ADVERTISEMENT, 32)
        struct.pack_into("=I", blocked, word * 4, 0xFFFFFFFF & ~(1 << bit))
        nd.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))
        nd.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        nd.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(interface))
        nd.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ND_HOPS)
        # What this host says is no news to itself; and its own answer is not the segment's.
        nd.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
        nd.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    except OSError:
        nd.close()
        raise
    return nd


def _forwards(interface: str) -> bool:
    with suppress(OSError), open(f"/proc/sys/net/ipv6/conf/{interface}/forwarding", encoding="ascii") as value:
        return value.read().strip() != "0"
    return False


# Reason and remedy of the errnos that have a meaning of their own here.
_KNOWN = {
    errno.ENODEV: ("there is no such interface (errno 19)", "name one that this host has"),
    errno.ENETDOWN: ("it is down (errno 100)", "bring it up first"),
    errno.EADDRNOTAVAIL: ("it has no IPv6 address of its own (errno 99)", "give it a link-local one"),
}


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        number = errno.EPERM if error.errno == errno.EACCES else error.errno or 0
        raise refusal(what, number, _KNOWN.get(number), "CAP_NET_RAW") from None
