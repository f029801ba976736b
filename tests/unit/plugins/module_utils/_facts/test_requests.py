# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to real sockets on the loopback: who answers is told, and who does not."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._facts import requests


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.served += 1
        self.send_response(503 if self.server.served == 3 else 200)
        self.send_header("X-Served-By", f"rs{self.server.served % 2 + 1}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def web():
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.served = 0
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(10)


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_http(web):
    made = requests.make_requests(4, lambda: requests.request_http("127.0.0.1", web, 5, "X-Served-By"))
    assert [(one.server, one.error) for one in made] == [
        ("rs2", ""),
        ("rs1", ""),
        ("", "HTTP status 503"),
        ("rs1", ""),
    ]
    outcome = requests.report("127.0.0.1:80", made)
    assert outcome["servers"] == {"rs1": 2, "rs2": 1}
    assert outcome["failed"] == 1
    assert outcome["summary"][2] == "request 3  failed: HTTP status 503"
    assert outcome["summary"][-1] == "4 requests to 127.0.0.1:80: rs1 2, rs2 1, 1 failed"


def test_the_address_that_sends(closed_port):
    assert requests.source_address("127.0.0.1", closed_port) == "127.0.0.1"
    # No route leads to what is not a unicast address, on any host.
    assert requests.source_address("::ffff:255.255.255.255", 80) == ""
    assert requests.report("x", [], "192.0.2.6")["source"] == "192.0.2.6"


def test_tcp(web):
    made = requests.make_requests(2, lambda: requests.request_tcp("127.0.0.1", web, 5))
    assert requests.count_by_server(made) == {"(unnamed)": 2}


@pytest.mark.parametrize("probe", [requests.request_tcp, lambda *where: requests.request_http(*where, "X-Served-By")])
def test_nobody_listens(closed_port, probe):
    made = requests.make_requests(2, lambda: probe("127.0.0.1", closed_port, 5))
    assert [one.error for one in made] == ["Connection refused"] * 2
    assert requests.report("x", made)["summary"][-1] == "2 requests to x: no answer, 2 failed"


def test_a_dead_service_is_given_up():
    """Three in a row are enough; one that failed between two good ones is not."""
    outcomes = iter([OSError(111, "refused"), "", *[OSError(113, "no route")] * 9])

    def one() -> str:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    assert [made.error for made in requests.make_requests(12, one, give_up=3)] == ["refused", "", *["no route"] * 3]
