# SPDX-License-Identifier: GPL-3.0-or-later
"""vip_iface with the versions of pyroute2 that distributions ship, each from the package index.

They are kept in .cache/pyroute2 (5 MB each), so that only the first run needs the index.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from netns_hosts import Namespace, Segment
from netns_vips import VIP, VIP6, Capture, addresses
from tools import CACHE, NotInstalled, libraries

# Debian 11, 12 and 13 ship the first three; then the oldest and the newest of the rewritten 0.9.
VERSIONS = ["0.5.14", "0.7.2", "0.7.7", "0.9.1", "0.9.7"]
LIMIT = 120  # seconds for one installation


@functools.cache
def install(version: str) -> Path | str:
    """Return the directory that has this version, or, in words, why this machine can't have it."""
    try:
        directory = libraries(
            CACHE / "pyroute2" / version, "--retries=0", "--timeout=10", f"pyroute2=={version}", limit=LIMIT
        )
    except NotInstalled as reason:
        return str(reason)
    environment = {**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", "import pyroute2; pyroute2.IPRoute().close(); print(pyroute2.__file__)"]
    tried = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    if tried.returncode:
        return f"this Python can't import pyroute2 {version} ({tried.stderr.strip().splitlines()[-1]})"
    assert tried.stdout.startswith(str(directory))
    return directory


@pytest.fixture(params=VERSIONS)
def library(request: pytest.FixtureRequest) -> Path:
    """Return the directory of each version; the test is skipped, with the reason, where it can't be had."""
    found = install(request.param)
    if isinstance(found, str):
        pytest.skip(found)
    return found


def run(host: Namespace, library: Path, **options: Any) -> dict[str, Any]:
    """Run vip_iface with that library; return its answer, which has to be a good one."""
    answer = host.module("vip_iface", path=library, **options)
    assert "msg" not in answer, answer["msg"]
    return answer


def test_add_announce_change_and_remove(make_segment: Callable[[int], Segment], library: Path) -> None:
    segment = make_segment(2)
    host = segment.host(1)
    before = addresses(host, "eth0")
    options = {"addresses": [VIP, VIP6], "interface": "eth0", "announce": 2, "announce_interval": 0.01}
    with Capture(segment.host(2), sender=segment.mac(1)) as capture:
        done = run(host, library, **options)
        assert len([one for one in capture.heard() if VIP in one or VIP6 in one]) == 2 * (3 + 2)
    assert done["operations"] == [
        f"add {VIP}/32 to eth0 (scope global)",
        f"add {VIP6}/128 to eth0 (not used as a source)",
        f"announce {VIP}, {VIP6} on eth0 2 times",
    ]
    shown = addresses(host, "eth0")[f"{VIP6}/128"]
    assert (shown["deprecated"], shown["noprefixroute"], shown["valid_life_time"]) == (True, True, 0xFFFFFFFF)
    assert not run(host, library, **options)["changed"]
    # A label, a prefix length, and an IPv6 address that was added by hand are put right.
    assert run(host, library, **{**options, "addresses": [f"{VIP}/24"], "label": "eth0:1"})["operations"] == [
        f"add {VIP}/24 to eth0 (scope global, label eth0:1)",
        f"remove {VIP}/32 from eth0",
    ]
    host.ip(f"addr change {VIP6}/128 dev eth0 nodad preferred_lft forever valid_lft forever")
    assert run(host, library, **options)["operations"] == [
        f"add {VIP}/32 to eth0 (scope global, label eth0:1)",
        f"remove {VIP}/24 from eth0",
        f"change {VIP6}/128 on eth0: not used as a source",
    ]
    assert not run(host, library, **options)["changed"]
    assert run(host, library, **options, state="absent")["changed"]
    assert addresses(host, "eth0") == before
    refused = segment.host(2).module("vip_iface", path=library, addresses=["192.0.2.1"], interface="eth0")
    assert f"are in use by another host on the segment of eth0: 192.0.2.1 ({segment.mac(1)})" in refused["msg"]


@pytest.mark.parametrize("kind", ["dummy", "ipip", "ip6tnl"])
def test_device_is_made_or_its_lack_is_told(namespace: Namespace, library: Path, kind: str) -> None:
    options = {"addresses": [VIP], "interface": "vip0", "kind": kind}
    answer = namespace.module("vip_iface", path=library, **options)
    if "msg" in answer:
        assert answer["msg"].startswith(
            f"The kernel refused to create {kind} device vip0: it has no {kind} devices; install the kernel's {kind} module"
        )
        return
    assert namespace.json("link show dev vip0")[0]["linkinfo"]["info_kind"] == kind
    assert not run(namespace, library, **options)["changed"]
    run(namespace, library, **options, state="absent")
    assert "vip0" not in [one["ifname"] for one in namespace.json("link show")]
