# SPDX-License-Identifier: GPL-3.0-or-later
"""A client's requests to a service: one new connection each, and which server answered."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._core.address import is_ipv6

UNNAMED = "(unnamed)"  # who served and did not say so


class Request(NamedTuple):
    """One request: the server that named itself ('': none did), and the reason why it failed ('': it did not)."""

    server: str
    error: str
    milliseconds: float


def request_tcp(address: str, port: int, timeout: float) -> str:
    """Open one connection and close it again; raise OSError when that fails."""
    socket.create_connection((address, port), timeout).close()
    return ""


def request_http(address: str, port: int, timeout: float, header: str) -> str:
    """GET / once and return the header that names the server; raise OSError when that fails."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"no HTTP answer ({type(error).__name__})") from error
    finally:
        connection.close()
    if answer.status >= 400:
        raise OSError(f"HTTP status {answer.status}")
    return answer.getheader(header) or ""


def source_address(address: str, port: int) -> str:
    """Return the address from which this host sends to a service; empty if it has no route. Sends nothing."""
    try:
        with socket.socket(socket.AF_INET6 if is_ipv6(address) else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((address, port))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def make_requests(count: int, request: Callable[[], str], give_up: int = 0) -> list[Request]:
    """Make `count` requests, one after the other, and none any more after `give_up` failures in a row (0: all)."""
    made: list[Request] = []
    for _request in range(count):
        if give_up and len(made) >= give_up and all(one.error for one in made[-give_up:]):
            break
        start = time.monotonic()
        server = error = ""
        try:
            server = request()
        except OSError as failure:
            error = failure.strerror or str(failure)
        made.append(Request(server, error, round((time.monotonic() - start) * 1000, 1)))
    return made


def count_by_server(made: Sequence[Request]) -> dict[str, int]:
    """Return server -> requests for those that went well, by name."""
    counts: dict[str, int] = {}
    for one in made:
        if not one.error:
            counts[one.server or UNNAMED] = counts.get(one.server or UNNAMED, 0) + 1
    return dict(sorted(counts.items()))


def report(name: str, made: Sequence[Request], source: str = "") -> dict[str, Any]:
    """Return the requests to one service as data, with lines for people; `source` is the address that made them."""
    counts, width = count_by_server(made), len(str(len(made)))
    lines = [
        f"request {number:>{width}}  "
        + (f"failed: {one.error}" if one.error else f"{one.server or 'answered'}  {one.milliseconds:.0f} ms")
        for number, one in enumerate(made, 1)
    ]
    failed = sum(bool(one.error) for one in made)
    shares = ", ".join(f"{server} {count}" for server, count in counts.items())
    lines.append(f"{len(made)} requests to {name}: {shares or 'no answer'}" + (f", {failed} failed" if failed else ""))
    return {
        "service": name,
        "source": source,
        "servers": counts,
        "failed": failed,
        "visits": [one._asdict() for one in made],
        "summary": lines,
    }
