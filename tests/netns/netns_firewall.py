# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that serve VIPs behind a packet filter, and who reaches them."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any

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
OPEN = [{"address": VIP, "port": 80}, {"address": VIP6, "port": 80}]
_SERVER = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def serve(port):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    ready.append(port)
    len(ready) == 2 and print("ready", flush=True)
    while True:
        server.accept()[0].close()
ready = []
with ThreadPoolExecutor() as pool:
    list(pool.map(serve, (80, 81)))
"""
_FIN = """
import socket, struct, sys
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
target, port = sys.argv[1], int(sys.argv[2])
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
    raw.connect((target, 0))
    header = [40000, port, 1, 1, 5 << 4, 0x11, 1024, 0, 0]  # FIN and ACK
    pseudo = socket.inet_aton(raw.getsockname()[0]) + socket.inet_aton(target) + struct.pack("!BBH", 0, 6, 20)
    header[7] = checksum(pseudo + struct.pack("!HHIIBBHHH", *header))
    raw.send(struct.pack("!HHIIBBHHH", *header))
"""
_CLIENT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.7)"


@contextmanager
def serving(host: Namespace) -> Iterator[None]:
    with Popen(["ip", "netns", "exec", host.name, sys.executable, "-c", _SERVER], stdout=PIPE, text=True) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.kill()
            server.wait(LIMIT)


def reaches(client: Namespace, address: str, port: int) -> bool:
    with Popen(
        ["ip", "netns", "exec", client.name, sys.executable, "-c", _CLIENT, address, str(port)], stderr=PIPE
    ) as tried:
        tried.communicate(timeout=LIMIT)
        return tried.returncode == 0


def load(host: Namespace, rules: str) -> None:
    host.run("sh", "-c", f"nft -f - <<'END'\n{rules}\nEND")


def listed(host: Namespace) -> Any:
    """Return the host's rules as nft(8) lists them, without the counters' values."""
    return json.loads(re.sub(r'"(packets|bytes)": \d+', r'"\1": 0', host.run("nft", "-j", "list", "ruleset")))


def stray_fin(client: Namespace, address: str, port: int) -> None:
    """Send the FIN of a connection that nobody knows, as each is to connection tracking on a director."""
    client.run(sys.executable, "-c", _FIN, address, str(port))


def count_fins(host: Namespace) -> None:
    """Count each FIN that gets through all filters of a host."""
    counted = "type filter hook input priority 100; tcp flags & fin == fin counter"
    load(host, f"table inet seen {{ chain input {{ {counted}\n }}\n}}")


def fins(host: Namespace) -> int:
    """Return how many there were."""
    return int(re.findall(r"counter packets (\d+)", host.run("nft", "list", "table", "inet", "seen"))[0])
