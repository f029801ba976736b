# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve 100 kB to whoever asks, and tell how much was sent up: python3 sizes.py PORT."""

import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Sizes(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"x" * 100_000)

    def do_PUT(self):
        self.answer(str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode())

    def answer(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6  # and IPv4, since IPV6_V6ONLY is off


Server(("", int(sys.argv[1])), Sizes).serve_forever()
