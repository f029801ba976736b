# SPDX-License-Identifier: GPL-3.0-or-later
"""A steady load on a web service that tells each failure: python3 load.py VIP SECONDS long|short

It ends after SECONDS, or when its input ends, and prints one JSON object. `fresh` opens a connection for each request,
`kept` one for every ten; with `long` there is also a connection that never ends. Nothing is tried twice.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time

EACH, PAUSE, TIMEOUT = 10, 0.4, 30
LIMIT = 20_000  # requests of each kind


class Load(threading.Thread):
    """One kind of client: so many requests on one connection, one after the other."""

    def __init__(self, vip: str, requests_each: int, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.vip, self.requests_each, self.over = vip, requests_each, over
        self.requests, self.connections = 0, 0
        self.servers: dict[str, int] = {}
        self.failures: list[dict] = []

    def run(self) -> None:
        """Ask until it is over."""
        while not self.over.is_set() and self.requests < LIMIT:
            self.connections += 1
            connection = http.client.HTTPConnection(self.vip, timeout=TIMEOUT)
            try:
                self.ask(connection)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append({"seconds": round(time.monotonic() - BEGAN, 1), "error": repr(error)})
                self.over.wait(PAUSE)
            finally:
                connection.close()

    def ask(self, connection: http.client.HTTPConnection) -> None:
        """Use one connection up; raise what goes wrong."""
        for number in range(1, self.requests_each + 1):
            if self.over.is_set():
                return
            self.requests += 1
            # Connected by hand: http.client would open another one by itself when the server has closed this one.
            if number == 1:
                connection.connect()
                connection.auto_open = 0
            last = number == self.requests_each
            connection.request("GET", "/", headers={"Connection": "close" if last else "keep-alive"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200 or (answer.will_close and not last):
                raise http.client.HTTPException(f"status {answer.status}, closes: {answer.will_close}")
            server = answer.getheader("X-Served-By") or ""
            self.servers[server] = self.servers.get(server, 0) + 1
            self.over.wait(PAUSE)


BEGAN = time.monotonic()


def main(vip: str, seconds: str, mode: str) -> None:
    """Run all kinds until it is over, and print what came of it."""
    over = threading.Event()
    loads = {"fresh": Load(vip, 1, over), "kept": Load(vip, EACH, over)}
    if mode == "long":
        # nginx closes a connection after 1000 requests (keepalive_requests), which it is far from here.
        loads["long"] = Load(vip, LIMIT, over)
    for load in loads.values():
        load.start()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    over.wait(float(seconds))
    over.set()
    for load in loads.values():
        load.join(2 * TIMEOUT)
    told = ("requests", "connections", "servers", "failures")
    print(json.dumps({kind: {name: getattr(load, name) for name in told} for kind, load in loads.items()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
