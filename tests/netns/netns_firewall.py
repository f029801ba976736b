# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that serve VIPs behind a packet filter, and who reaches them."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.address import is_ipv6
from ansible_collections.lvs.cluster.plugins.module_utils._core.checksum import internet_checksum
from netns_hosts import LIMIT, Namespace

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
Module = Callable[..., dict[str, Any]]
DEFAULT_DROP = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        ct state established,related accept
    }
}
"""
# A filter as hosts have it: what is invalid goes first, ICMP by type, and nobody else's packets.
TYPICAL = """
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
        iif lo accept
        icmp type echo-request accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state vmap { established : accept, related : accept, invalid : drop }
    }
}
"""
CLIENT = "198.51.100.1"  # of those that are routed
THROUGH = [
    {"address": "192.0.2.3", "port": 80, "direction": "through"},
    {"address": "2001:db8::3", "port": 80, "direction": "through"},
]
OPEN = [{"address": VIP, "port": 80}, {"address": VIP6, "port": 80}]
# Of an ICMP message "fragmentation needed" about an answer that connection tracking knows nothing of.
_INNER = "4500003c000000004006000" + "0" + "c000021e" + "c6336401" + "00509c4000000000"


@contextmanager
def serving(host: Namespace) -> Iterator[None]:
    """Take connections at ports 80 and 81 of a host, and close each."""
    with host.entered():
        servers = [socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) for port in (80, 81)]
    threads = [threading.Thread(target=_close_each, args=(server,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread, server in zip(threads, servers):
            server.shutdown(socket.SHUT_RDWR)  # which ends the thread's waiting
            thread.join(LIMIT)
            server.close()


def _close_each(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            server.accept()[0].close()


def reaches(client: Namespace, address: str, port: int, source: str = "") -> bool:
    """Return whether a port answers; the first packet may be lost, and is sent once more after a second."""
    with client.entered(), suppress(OSError):
        socket.create_connection((address, port), timeout=1.5, source_address=(source, 0)).close()
        return True
    return False


def load(host: Namespace, rules: str) -> None:
    host.run("sh", "-c", f"nft -f - <<'END'\n{rules}\nEND")


def listed(host: Namespace) -> Any:
    """Return the host's rules as nft(8) lists them, without the counters' values."""
    return json.loads(re.sub(r'"(packets|bytes)": \d+', r'"\1": 0', host.run("nft", "-j", "list", "ruleset")))


def send(host: Namespace, protocol: int, source: str, target: str, port: int = 0, payload: str = "00" * 28) -> None:
    """Send one packet of a protocol by number; where there is no such tunnel the receiver's kernel has no use for it."""
    family = socket.AF_INET6 if is_ipv6(target) else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == socket.IPPROTO_UDP else socket.SOCK_RAW
    with host.entered(), socket.socket(family, kind, protocol) as sender:
        sender.bind((source, 0))
        sender.sendto(bytes.fromhex(payload), (target, port))


def send_error(host: Namespace, source: str, target: str, head: str) -> None:
    """Send an ICMP message, its head in hexadecimal digits, about an answer of the VIP."""
    send(host, 1, source, target, payload=_checked(head + _INNER))


def _checked(message: str) -> str:
    """Return an ICMP message with its checksum."""
    data = bytes.fromhex(message)
    return (data[:2] + internet_checksum(data).to_bytes(2, "big") + data[4:]).hex()


def count(host: Namespace, match: str, hook: str = "input") -> None:
    """Count what gets through all filters of a host's hook, but for the last."""
    load(host, f"table inet seen {{ chain {hook} {{ type filter hook {hook} priority 200; {match} counter\n }}\n}}")


def counted(host: Namespace) -> list[int]:
    """Return what was counted, in the order of the rules."""
    return [int(one) for one in re.findall(r"counter packets (\d+)", host.run("nft", "list", "table", "inet", "seen"))]


def stray_fin(client: Namespace, address: str, port: int) -> None:
    """Send the FIN of a connection that nobody knows, as each is to connection tracking on a director."""
    with client.entered(), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.connect((address, 0))
        header = [40000, port, 1, 1, 5 << 4, 0x11, 1024, 0, 0]  # FIN and ACK
        ends = socket.inet_aton(raw.getsockname()[0]) + socket.inet_aton(address)
        pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, 20)
        header[7] = internet_checksum(pseudo + struct.pack("!HHIIBBHHH", *header))
        raw.send(struct.pack("!HHIIBBHHH", *header))


def count_fins(host: Namespace) -> None:
    """Count each FIN that gets through all filters of a host."""
    count(host, "tcp flags & fin == fin")


def fins(host: Namespace) -> int:
    """Return how many there were."""
    return counted(host)[0]
