# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain connections to many servers at once, and what listens on this host. Needs no rights."""

from __future__ import annotations

import errno
import selectors
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import NamedTuple, TypeVar

from .._core.address import is_ipv6
from .model import DATAGRAM, OPEN, REFUSED, SILENT, SYN_ACK, UDP, Answer

Key = TypeVar("Key")
_LISTEN, _UNCONNECTED = "0A", "07"  # include/net/tcp_states.h; a UDP socket that has no peer
_LARGEST = 65535


class Target(NamedTuple):
    """Where to; `payload` makes it UDP; `source` is the own address to ask from, empty to let the kernel choose.

    On a director the kernel might choose the VIP, from which a server that has it takes nothing.
    """

    address: str
    port: int
    payload: bytes | None = None
    source: str = ""


class Connection(NamedTuple):
    """How it went, and what came back."""

    state: str
    answer: Answer | None = None


def connect(targets: Mapping[Key, Target], timeout: float) -> dict[Key, Connection]:
    """Try all targets together, and return how each went; connections that come about are closed at once."""
    found: dict[Key, Connection] = {}
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        began = time.monotonic()
        for key, target in targets.items():
            one = stack.enter_context(_socket(target))
            problem = one.connect_ex((target.address, target.port))
            if problem not in (0, errno.EINPROGRESS):
                found[key] = Connection(_state(problem))
                continue
            if target.payload is not None:
                with suppress(OSError):
                    one.send(target.payload)
            event = selectors.EVENT_WRITE if target.payload is None else selectors.EVENT_READ
            selector.register(one, event, key)
        while len(found) < len(targets) and (left := began + timeout - time.monotonic()) > 0:
            for ready, _events in selector.select(left):
                found[ready.data] = _outcome(ready.fileobj, targets[ready.data], began)  # type: ignore[arg-type]
                selector.unregister(ready.fileobj)
    return {key: found.get(key, Connection(SILENT)) for key in targets}


def is_listening(address: str, port: int, protocol: str) -> bool:
    """Return whether something on this host listens on the address, or on all addresses."""
    kind, state = ("udp", _UNCONNECTED) if protocol == UDP else ("tcp", _LISTEN)
    wanted = {_proc_address(address)}
    wanted |= {_proc_address("::")} | ({_proc_address("0.0.0.0")} if not is_ipv6(address) else set())
    for table in (kind, f"{kind}6"):
        with suppress(OSError), open(f"/proc/net/{table}", encoding="ascii") as lines:
            for fields in (line.split() for line in lines):
                local, _colon, number = fields[1].partition(":")
                if number and fields[3] == state and local in wanted and int(number, 16) == port:
                    return True
    return False


def _socket(target: Target) -> socket.socket:
    family = socket.AF_INET6 if is_ipv6(target.address) else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM if target.payload is None else socket.SOCK_DGRAM)
    one.setblocking(False)
    if target.source:
        one.bind((target.source, 0))
    return one


def _outcome(one: socket.socket, target: Target, began: float) -> Connection:
    latency = round((time.monotonic() - began) * 1000, 1)
    if target.payload is None:
        problem = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return Connection(_state(problem), None if problem else Answer(SYN_ACK, "", latency))
    try:
        return Connection(OPEN, Answer(DATAGRAM, "", latency, payload=one.recv(_LARGEST)))
    except OSError as error:
        return Connection(_state(error.errno or 0))


def _state(problem: int) -> str:
    return OPEN if not problem else REFUSED if problem == errno.ECONNREFUSED else SILENT


def _proc_address(address: str) -> str:
    """Return an address as /proc/net/tcp writes it: words of four bytes in the host's order."""
    packed = socket.inet_pton(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, address)
    words = [packed[at : at + 4] for at in range(0, len(packed), 4)]
    return "".join((word[::-1] if sys.byteorder == "little" else word).hex() for word in words).upper()
