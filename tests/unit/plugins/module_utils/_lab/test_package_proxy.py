# SPDX-License-Identifier: GPL-3.0-or-later
"""The package proxy of a lab: a real connection, a real server on 127.0.0.1, and what it must not reach."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._lab import package_proxy

FILE = b"a package" * 30000


class Mirror(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.headers["If-Modified-Since"]:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/unsized":
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(FILE)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(FILE)

    do_HEAD = do_GET  # noqa: N815 (the name is http.server's)

    def log_message(self, *_args):
        pass


@pytest.fixture
def mirror(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(mirror):
    """A client whose connection is served as QEMU serves a machine's."""
    ours, its = socket.socketpair()
    thread = threading.Thread(target=package_proxy.serve, args=(its, [mirror]))
    thread.start()
    client = http.client.HTTPConnection("proxy")
    ours.settimeout(10)
    client.sock = ours
    yield client
    client.close()
    thread.join(10)
    assert not thread.is_alive()


def ask(client, method, url, **headers):
    client.request(method, url, headers=headers)
    answer = client.getresponse()
    return answer.status, answer.read()


def test_files_of_a_package_server_come_through_one_connection(proxy, mirror):
    assert ask(proxy, "GET", f"http://{mirror}/one") == (200, FILE)
    assert ask(proxy, "HEAD", f"http://{mirror}/one") == (200, b"")
    assert ask(proxy, "GET", f"http://{mirror}/one", **{"If-Modified-Since": "Mon, 30 Nov 2026 11:00:00 GMT"}) == (
        304,
        b"",
    )
    status, _page = ask(proxy, "GET", f"http://{mirror}/missing")
    assert status == 404
    assert ask(proxy, "GET", f"http://{mirror}/two") == (200, FILE)


def test_a_file_without_a_length_ends_with_the_connection(proxy, mirror):
    assert ask(proxy, "GET", f"http://{mirror}/unsized") == (200, FILE)


def test_a_tunnel_to_a_package_server_carries_both_ways(proxy, mirror):
    proxy.sock.sendall(f"CONNECT {mirror} HTTP/1.1\r\nHost: {mirror}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += proxy.sock.recv(1)
    assert b" 200 " in head.splitlines()[0]
    proxy.sock.sendall(b"GET /one HTTP/1.1\r\nHost: mirror\r\nConnection: close\r\n\r\n")
    body = b""
    while data := proxy.sock.recv(65536):
        body += data
    assert body.endswith(FILE)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "http://192.0.2.1/"),
        ("GET", "http://127.0.0.1:1/"),  # the mirror's host, but another port
        ("GET", "ftp://192.0.2.1/file"),
        ("GET", "/etc/passwd"),
        ("GET", "file:///etc/passwd"),
        ("GET", "http://192.0.2.1:none/"),
        ("HEAD", "http://192.0.2.1/"),
        ("CONNECT", "192.0.2.1:443"),
        ("CONNECT", "127.0.0.1:1"),
        ("CONNECT", "nonsense"),
    ],
)
def test_nothing_else_is_reached(proxy, monkeypatch, method, target):
    def reached(*_args, **_keywords):
        raise AssertionError(target)

    monkeypatch.setattr(package_proxy._OPENER, "open", reached)
    monkeypatch.setattr(package_proxy.socket, "create_connection", reached)
    status, page = ask(proxy, method, target)
    assert status == 403
    assert method == "HEAD" or b"lab_package_servers" in page


def test_other_methods_are_refused(proxy, mirror):
    assert ask(proxy, "POST", f"http://{mirror}/")[0] == 501


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (["deb.debian.org"], {"deb.debian.org:80", "deb.debian.org:443"}),
        (["Mirror.example:8080"], {"mirror.example:8080"}),
        ([], set()),
    ],
)
def test_servers_by_name(names, allowed):
    assert package_proxy.allowed_servers(names) == allowed


def test_it_serves_its_standard_input_as_a_program():
    ours, its = socket.socketpair()
    with ours, its, subprocess.Popen([sys.executable, "-I", package_proxy.__file__, "mirror.example"], stdin=its):
        its.close()
        ours.settimeout(20)
        ours.sendall(b"GET http://192.0.2.1/ HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n")
        assert b" 403 " in ours.recv(65536).splitlines()[0]
