# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run as Ansible would, each in a fresh process: forked from one that has imported what they need already.

Importing Ansible and pyroute2 costs seconds where the processor is emulated, and is no part of what is tested.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import importlib
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

MODULES = "ansible_collections.lvs.cluster.plugins.modules"
_CLONE_NEWNS, _CLONE_NEWNET = 0x00020000, 0x40000000
# include/uapi/linux/capability.h
_CAPABILITIES = {"net_admin": 12, "net_raw": 13}
_CAPABILITY_VERSION_3 = 0x20080522
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE, _MNT_DETACH = 1, 0x20, 0x1000, 0x4000, 0x80000, 2
_LIBC = ctypes.CDLL(None, use_errno=True)
Mounts = Sequence[tuple[str, str]]


def run_module(
    namespace: str,
    name: str,
    options: Mapping[str, Any],
    mounts: Mounts,
    python_path: str,
    limit: float,
    lacking: Sequence[str] = (),
    read_only: Sequence[str] = (),
    user: int = 0,
) -> dict[str, Any]:
    """Run a module in a network namespace that `ip netns` knows, and return its answer, failed or not.

    Like `ip netns exec` it has mounts of its own: /sys shows the namespace, and each of `mounts` is a directory and
    where it is to be seen. `python_path` has the collection; `limit` is in seconds. Its environment is that of now.
    `lacking` are capabilities that it has not, such as ``net_admin``; `read_only` are directories that it can't write
    below, whoever it is; `user` is the number of who it is, in no group but the one of that number.
    """
    server = _server(python_path)
    request = {
        "namespace": namespace,
        "module": name,
        "options": dict(options),
        "mounts": list(mounts),
        "lacking": list(lacking),
        "read_only": list(read_only),
        "user": user,
        "environment": dict(os.environ),
    }
    assert server.stdin
    assert server.stdout
    server.stdin.write(json.dumps(request) + "\n")
    server.stdin.flush()
    ready, _, _ = select.select([server.stdout], [], [], limit)
    line = server.stdout.readline() if ready else ""
    if not line:
        server.kill()
        _server.cache_clear()
        raise AssertionError(f"{name} has not ended within {limit} s, or took its server along")
    told = json.loads(line)
    assert told["stdout"], told["stderr"]
    return json.loads(told["stdout"])


@functools.cache
def _server(python_path: str) -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": python_path},
    )
    assert server.stdin
    atexit.register(server.stdin.close)  # which ends it
    return server


def serve() -> None:
    """Answer one request a line, until there are no more."""
    importlib.import_module("ansible.module_utils.testing")
    importlib.import_module("encodings.ascii")  # by who can read Python's own libraries, which another user may not
    with contextlib.suppress(ImportError):  # a module that needs it tells so
        importlib.import_module("pyroute2")
    for line in sys.stdin:
        request = json.loads(line)
        importlib.import_module(f"{MODULES}.{request['module']}")
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            child = os.fork()
            if not child:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(stdout.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                _run(request)
            os.waitpid(child, 0)
            stdout.seek(0)
            stderr.seek(0)
            answer = {"stdout": stdout.read().decode(), "stderr": stderr.read().decode()}
        print(json.dumps(answer), flush=True)


def _run(request: Mapping[str, Any]) -> None:
    """Run one module, and end."""
    try:
        os.environ.clear()
        os.environ.update(request["environment"])
        _enter(request["namespace"], request["mounts"], request["read_only"])
        give_up(request["lacking"])
        if request["user"]:
            _become(request["user"])
        testing = importlib.import_module("ansible.module_utils.testing")
        with testing.patch_module_args(request["options"]):
            importlib.import_module(f"{MODULES}.{request['module']}").main()
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def call(function: str, *arguments: Any) -> None:
    """Call a function of the C library that Python has not; raise OSError with its errno where it fails."""
    if getattr(_LIBC, function)(*arguments):
        raise OSError(ctypes.get_errno(), function)


def _enter(namespace: str, mounts: Mounts, read_only: Sequence[str]) -> None:
    with open(f"/run/netns/{namespace}") as inside:
        call("setns", inside.fileno(), _CLONE_NEWNET)
    call("unshare", _CLONE_NEWNS)
    call("mount", b"none", b"/", None, ctypes.c_ulong(_MS_SLAVE | _MS_REC), None)
    with contextlib.suppress(OSError):  # in a user namespace it can't be taken away, only covered
        call("umount2", b"/sys", _MNT_DETACH)
    call("mount", b"sysfs", b"/sys", b"sysfs", ctypes.c_ulong(0), None)
    for source, target in (*mounts, *((path, path) for path in read_only)):
        call("mount", source.encode(), target.encode(), None, ctypes.c_ulong(_MS_BIND), None)
    for path in read_only:
        call("mount", None, path.encode(), None, ctypes.c_ulong(_MS_REMOUNT | _MS_BIND | _MS_RDONLY), None)


def give_up(capabilities: Sequence[str]) -> None:
    """Go on without these capabilities, for good."""
    header, held = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), ctypes.create_string_buffer(24)
    call("capget", header, held)
    kept = ~sum(1 << _CAPABILITIES[name] for name in capabilities)
    effective, permitted, inheritable, *above = struct.unpack("=6I", held.raw)
    call("capset", header, struct.pack("=6I", effective & kept, permitted & kept, inheritable & kept, *above))


def _become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


if __name__ == "__main__":
    serve()
