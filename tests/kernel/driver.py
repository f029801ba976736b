# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the kernel tests that runs on the host with IPVS: one JSON request a line, one JSON answer a line.

It runs in a network namespace of its own, so what it does to the table concerns nobody else.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from ansible.module_utils.basic import AnsibleModule, Exit

NETWORK = (
    "ip link set lo up",
    "ip link add lan0 type dummy",
    "ip link set lan0 up",
    "ip address add 192.0.2.254/24 dev lan0",
    "ip address add 2001:db8::fe/64 dev lan0 nodad",
    "ip address add 192.0.2.30/32 dev lo",
)
MODULES = "ansible_collections.lvs.cluster.plugins.modules"
NOBODY = 65534
CONTROL_FAMILY = 0x10
# IPVS commands of include/uapi/linux/ip_vs.h that only read: services, servers, daemons, timeouts, version.
READING = {4, 8, 11, 13, 15}
sent: list[int] = []
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
# Of `opened`: what listens by network namespace, and connections by their name, each as (client's end, server's end).
listeners: dict[str, socket.socket] = {}
pairs: dict[str, list[tuple[socket.socket, socket.socket]]] = {}


class RecordingSocket(socket.socket):
    """A socket that notes which IPVS commands go out through it."""

    def send(self, data, *flags):
        """Note the commands of one send, and send it."""
        offset = 0
        while self.family == socket.AF_NETLINK and offset < len(data):
            length, family = struct.unpack_from("=IH", data, offset)
            if family != CONTROL_FAMILY:
                sent.append(data[offset + 16])
            offset += length + -length % 4
        return super().send(data, *flags)


def command(*arguments: str, stdin: str | None = None) -> str:
    """Run one command to its end, which must be a good one, and return what it printed."""
    return subprocess.run(arguments, input=stdin, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def run(request: dict) -> dict:
    """Run one module's main(), and return its result with the number of commands that write."""
    AnsibleModule.request = request
    del sent[:]
    module = importlib.import_module(f"{MODULES}.{request['module']}")
    try:
        module.main()
    except Exit as ended:
        return {**ended.result, "writes": sum(number not in READING for number in sent), "requests": len(sent)}
    raise AssertionError("a module that does not end")


def interfered(request: dict) -> dict:
    """Run a module while another program works: its commands run before the n-th calls of one method of our netlink."""
    genl = importlib.import_module(f"{MODULES.rsplit('.', 1)[0]}.module_utils._netlink.generic").GenericNetlink
    method, when, commands = (request["interfere"][name] for name in ("before", "calls", "commands"))
    together = not request["interfere"].get("one_each")
    original, calls = getattr(genl, method), []

    def wrapped(self, *arguments):
        calls.append(None)
        if len(calls) in when:
            for line in commands if together else [commands[when.index(len(calls))]]:
                command(*line.split())
        return original(self, *arguments)

    setattr(genl, method, wrapped)
    try:
        return run(request)
    finally:
        setattr(genl, method, original)


def unprivileged(request: dict) -> dict:
    """Run a module as nobody, in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setuid(NOBODY)
        with os.fdopen(writing, "w") as answer_file:
            answer_file.write(json.dumps(run(request)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer_file:
        text = answer_file.read()
    os.waitpid(child, 0)
    return json.loads(text)


def killed(request: dict) -> dict:
    """Kill runs of one module at random moments; after each, let the next one heal what it left.

    While they run, services that are in both tables are looked for in /proc/net/ip_vs again and again.
    """
    dice = random.Random(request["seed"])
    runs = [{**request, "params": params} for params in request["tables"]]
    kept, missing, looks, unfinished = request["kept"], [], 0, 0
    run(runs[0])
    began = time.monotonic()
    run(runs[1])
    whole = time.monotonic() - began
    for number in range(request["times"]):
        target = runs[number % 2]
        child = os.fork()
        if not child:
            run(target)
            os._exit(0)
        deadline, ended = time.monotonic() + dice.uniform(0, whole), 0
        while not ended and time.monotonic() < deadline:
            missing += not_there(kept)
            looks += 1
            ended = os.waitpid(child, os.WNOHANG)[0]
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            unfinished += 1
        run(target)
        again = run({**target, "check": True})
        if again.get("failed") or again["operations"]:
            return {"unhealed": again}
    return {"missing": missing, "looks": looks, "unfinished": unfinished, "seconds": whole}


def not_there(kept: dict) -> list:
    """Return the services of `kept` that are gone, or without the servers that they keep.

    From one read to the next /proc goes by how many services come before (ip_vs_info_array in ip_vs_ctl.c), so that one is passed over
    when another one before it goes meanwhile. What is really gone is missed twice: it lost hundreds of servers, which take longer
    than a look to come back.
    """
    for _ in range(2):
        table = table_of_proc()
        gone = [name for name, servers in kept.items() if not set(servers) <= table.get(name, set())]
        if not gone:
            break
    return gone


def table_of_proc() -> dict:
    """Return service -> servers as the kernel prints them in /proc, which shares nothing with netlink's way."""
    table, service = {}, ""
    with open("/proc/net/ip_vs", encoding="ascii") as lines:
        for line in list(lines)[3:]:
            words = line.split()
            if words[0] == "->":
                table[service].add(words[1])
            else:
                service = " ".join(words[:2])
                table[service] = set()
    return table


def visited(request: dict) -> int:
    """Serve on one address, and visit another: so many connections, one after the other, closed in good order."""
    with socket.create_server((request["listen"], 80)) as server:
        for _ in range(request["visits"]):
            visitor = socket.create_connection((request["address"], 80), timeout=10)
            served = server.accept()[0]
            visitor.close()
            served.close()
    return request["visits"]


@contextlib.contextmanager
def inside(name: str):
    """Be in a named network namespace (ip-netns(8)); Python has setns() only since 3.12."""
    with open("/proc/thread-self/ns/net", "rb") as here, open(f"/run/netns/{name}", "rb") as there:
        assert libc.setns(there.fileno(), CLONE_NEWNET) == 0, name
        try:
            yield
        finally:
            assert libc.setns(here.fileno(), CLONE_NEWNET) == 0


def within(request: dict) -> dict:
    """Run a module in a named network namespace."""
    with inside(request["netns"]):
        return run(request)


def opened(request: dict) -> dict:
    """Open connections from one namespace to what listens in others, and keep them; return how many each server has.

    One that is not answered in time, or is answered by nobody of these, is not counted.
    """
    address, port = request["address"]
    for name in request["servers"]:
        if name not in listeners:
            with inside(name):
                listeners[name] = socket.create_server((address, port))
    found = dict.fromkeys(request["servers"], 0)
    kept = pairs.setdefault(request["name"], [])
    for _ in range(request["number"]):
        with inside(request["netns"]), contextlib.suppress(OSError):
            client = socket.create_connection((address, port), timeout=request["seconds"])
            ready, _, _ = select.select([listeners[name] for name in found], [], [], request["seconds"])
            for name in found:
                if listeners[name] in ready:
                    kept.append((client, listeners[name].accept()[0]))
                    found[name] += 1
    return found


def exchanged(request: dict) -> int:
    """Send a byte each way, the server first where asked, on all connections of a name at once.

    Returns on how many both came; each way has so many seconds for all of them together.
    """
    ways = [pair[::-1] if request["server_first"] else pair for pair in pairs[request["name"]]]
    for turn in (0, 1):
        for ends in ways:
            with contextlib.suppress(OSError):
                ends[turn].sendall(b"x")
        deadline = time.monotonic() + request["seconds"]
        ways = [ends for ends in ways if came(ends[1 - turn], deadline)]
    return len(ways)


def came(end: socket.socket, deadline: float) -> bool:
    """Whether a byte came before the deadline."""
    end.settimeout(max(deadline - time.monotonic(), 0.1))
    with contextlib.suppress(OSError):
        return end.recv(1) == b"x"
    return False


def closed(request: dict) -> None:
    """Close all connections, and what listens."""
    for one in (*listeners.values(), *(end for name in pairs for pair in pairs[name] for end in pair)):
        # At once, without a FIN that would be sent again and again where nobody takes it.
        with contextlib.suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.close()
    listeners.clear()
    pairs.clear()


def drained(request: dict) -> dict:
    """Run a module while there are connections, which end after `open_for` seconds."""
    with socket.create_server((request["listen"], 80)) as server:
        visitors = [socket.create_connection((request["address"], 80), timeout=10) for _ in range(request["visits"])]
        held = [server.accept()[0] for _ in visitors]

        def end() -> None:
            for one in (*visitors, *held):
                one.close()

        timer = threading.Timer(request["open_for"], end)
        timer.start()
        result = run(request)
        timer.join()
    return result


def without_ipvs(request: dict) -> dict:
    """Run a module where the kernel has no IPVS and can't load it."""
    block = "/etc/modprobe.d/lvs-cluster-test.conf"
    with open(block, "w", encoding="ascii") as target:
        target.write("install ip_vs /bin/false\n")
    try:
        return unloaded(request)
    finally:
        os.unlink(block)
        command("modprobe", "ip_vs")


def unloaded(request: dict) -> dict:
    """Run a module where the kernel has not loaded IPVS yet."""
    loaded = [line.split()[0] for line in command("lsmod").splitlines() if line.startswith("ip_vs")]
    for name in sorted(loaded, key=len, reverse=True):
        command("rmmod", name)
    return run(request)


def booted(request: dict) -> int:
    """Restore what a host declared, as its unit does at boot; return the exit status."""
    boot = importlib.import_module(f"{MODULES.rsplit('.', 1)[0]}.module_utils._restore.main")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as state:
        json.dump(request["state"], state)
        state.flush()
        with contextlib.redirect_stdout(sys.stderr):
            return boot.main([state.name])


def receive(request: dict) -> int:
    """Keep a file."""
    with open(request["path"], "wb") as target:
        return target.write(bytes.fromhex(request["hex"]))


KINDS = {
    function.__name__: function
    for function in (
        run,
        interfered,
        unprivileged,
        killed,
        visited,
        within,
        opened,
        exchanged,
        closed,
        drained,
        unloaded,
        without_ipvs,
        booted,
        receive,
    )
}


def answer(request: dict) -> object:
    """Do what one request asks for."""
    if "batch" in request:
        return [answer(one) for one in request["batch"]]
    if "command" in request:
        return command(*request["command"], stdin=request.get("stdin"))
    return KINDS[request["kind"]](request)


def main() -> None:
    """Answer until there are no more requests."""
    socket.socket = RecordingSocket
    for line in NETWORK:
        command(*line.split())
    for line in sys.stdin:
        try:
            told = {"answer": answer(json.loads(line))}
        except Exception:
            told = {"traceback": traceback.format_exc()}
        print(json.dumps(told), flush=True)


main()
