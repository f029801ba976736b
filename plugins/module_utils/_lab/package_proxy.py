# SPDX-License-Identifier: GPL-3.0-or-later
"""The package proxy of a lab machine: the only way from the machine to anything outside the lab.

QEMU starts this file as a program of its own for each connection to the proxy's address in the management network, with
the connection as standard input and output. It listens nowhere. Its arguments are the servers that it serves, each as
HOST or HOST:PORT; for every other server it answers 403.
"""

from __future__ import annotations

import shutil
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from select import select
from typing import Any
from urllib.parse import urlsplit

# Seconds without a byte after which a connection ends
_IDLE = 120.0
_PORTS = {"http": 80, "https": 443}
# It follows redirections, and uses the proxy that the environment of the lab's machine names.
_OPENER = urllib.request.build_opener()
# Headers of one connection, which a proxy does not pass on (RFC 9110, section 7.6.1)
_HOP_BY_HOP = {"connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"}


def server_of(url: str) -> str:
    """Return HOST:PORT of a URL; empty for one that names no server of http or https."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname and parts.scheme in _PORTS else ""


def allowed_servers(names: Sequence[str]) -> set[str]:
    """Return HOST:PORT of each server; one without a port is allowed on those of http and https."""
    found = set()
    for name in (name.lower() for name in names):
        host, _colon, port = name.rpartition(":")
        found.update([f"{host}:{port}"] if host else [f"{name}:{one}" for one in _PORTS.values()])
    return found


class PackageProxy(BaseHTTPRequestHandler):
    """Passes the requests of one connection on, if they are for one of `servers`."""

    servers: frozenset[str] = frozenset()
    protocol_version = "HTTP/1.1"
    timeout = _IDLE  # of the machine's connection (StreamRequestHandler.setup)

    def do_GET(self) -> None:
        """Fetch one file, or answer as the server does (304 and 404 too)."""
        if not self._admit(server_of(self.path)):
            return
        wanted = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        request = urllib.request.Request(self.path, headers=wanted, method=self.command)
        try:
            answer = _OPENER.open(request, timeout=_IDLE)
        except urllib.error.HTTPError as error:
            answer = error
        except OSError as error:
            self._refuse(502, f"cannot be reached from the machine that runs the lab: {error}")
            return
        with answer:
            self._pass_back(answer)

    do_HEAD = do_GET  # noqa: N815 (the name is http.server's)

    def do_CONNECT(self) -> None:
        """Join the connection with one to the server, for mirrors that speak TLS."""
        if not self._admit(self.path.lower()):
            return
        host, _colon, port = self.path.rpartition(":")
        self.close_connection = True
        try:
            server = socket.create_connection((host, int(port)), _IDLE)
        except OSError as error:
            self._refuse(502, f"cannot be reached from the machine that runs the lab: {error}")
            return
        with server:
            self.send_response(200)
            self.end_headers()
            _join(self.connection, server)

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: standard error is QEMU's log."""

    def _admit(self, server: str) -> bool:
        if server in self.servers:
            return True
        self._refuse(
            403, "is not a package server of this lab; add it to lab_package_servers of the role lvs.cluster.lab"
        )
        return False

    def _refuse(self, status: int, rule: str) -> None:
        self.close_connection = True
        self.send_error(status, explain=f"{self.path} {rule}.")

    def _pass_back(self, answer: Any) -> None:
        self.send_response(answer.status)
        headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP]
        for name, value in headers:
            self.send_header(name, value)
        bare = self.command == "HEAD" or answer.status in (204, 304)
        if not bare and "content-length" not in {name.lower() for name, _value in headers}:
            self.close_connection = True  # the end of the connection is the end of the body
            self.send_header("Connection", "close")
        self.end_headers()
        if not bare:
            shutil.copyfileobj(answer, self.wfile)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Copy both ways until both sides have ended, or are idle."""
    opposite = {one: other, other: one}
    reading = [one, other]
    while reading:
        ready, _writing, _failed = select(reading, [], [], _IDLE)
        if not ready:
            return
        for side in ready:
            data = side.recv(65536)
            if data:
                opposite[side].sendall(data)
            else:
                reading.remove(side)
                opposite[side].shutdown(socket.SHUT_WR)


def serve(connection: socket.socket, servers: Sequence[str]) -> None:
    """Serve one connection until it ends, and close it."""
    handler = type("Handler", (PackageProxy,), {"servers": frozenset(allowed_servers(servers))})
    with connection:
        handler(connection, ("", 0), None)


if __name__ == "__main__":
    serve(socket.socket(fileno=0), sys.argv[1:])
