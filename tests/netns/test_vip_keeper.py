# SPDX-License-Identifier: GPL-3.0-or-later
"""The resident program on a real kernel: what takes VIPs away, and that they come back, announced."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._restore.unit import KEEP
from netns_hosts import LIMIT, Namespace, Segment
from netns_keeper import Keeper
from netns_vips import Capture

VIPS = ["192.0.2.30", "2001:db8::30"]
MAC = "52:54:00:00:00:03"


@pytest.fixture
def segment(make_segment: Callable[[int], Segment]) -> Segment:
    return make_segment(2)


@pytest.fixture
def keeper(tmp_path: Path, segment: Segment) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, segment.host(1))
    yield keeper
    keeper.close()


def vips(host: Namespace, device: str = "eth0") -> set[str]:
    """Return which of the VIPs are on the device."""
    shown = host.json(f"addr show dev {device}")[0]["addr_info"]
    return {one["local"] for one in shown} & set(VIPS)


FLUSHES = {
    "down and up": ["link set eth0 down", "link set eth0 up"],
    "flushed": ["addr flush dev eth0 scope global"],
    "flushed, down, up and configured, as by ifdown and ifup": [
        "addr flush dev eth0",
        "link set eth0 down",
        "link set eth0 up",
        "addr add 192.0.2.1/24 dev eth0",
    ],
}


@pytest.mark.parametrize("steps", FLUSHES.values(), ids=FLUSHES)
def test_vips_come_back_announced(keeper, segment, steps):
    host = segment.host(1)
    keeper.declare(vips=[{"interface": "eth0", "addresses": VIPS}])
    keeper.start()
    assert vips(host) == set(VIPS)
    with Capture(segment.host(2), "eth0", sender=segment.mac(1)) as capture:
        left = host.ip(*steps, "addr show dev eth0")  # one process: the keeper takes longer to begin its work
        gone = {vip for vip in VIPS if f" {vip}/" not in left}
        assert gone, "nothing was taken away, so nothing is proved"
        keeper.awake_until(lambda: vips(host) == set(VIPS) and b"--watch" in keeper.command_line())
        heard = capture.heard()
    assert [line for line in keeper.log() if "is gone" in line] == [
        f"{vip} is gone from eth0" for vip in VIPS if vip in gone
    ]
    assert {vip for vip in VIPS if any(vip in one for one in heard)} >= gone


@contextmanager
def unchanged(read: Callable[[], object]) -> Iterator[None]:
    before = read()
    yield
    assert read() == before


def test_it_ends_when_nothing_is_declared_any_more(keeper, segment):
    host = segment.host(1)
    keeper.declare(vips=[{"interface": "eth0", "addresses": VIPS}])
    keeper.start()
    keeper.state.unlink()
    host.ip("addr del 192.0.2.30/32 dev eth0")
    assert keeper.process.wait(LIMIT) == 0
    assert vips(host) == {"2001:db8::30"}


def test_what_is_declared_later_is_kept_too(keeper, segment):
    host = segment.host(1)
    keeper.declare(vips=[{"interface": "eth0", "addresses": VIPS[:1]}])
    keeper.start()
    keeper.declare(vips=[{"interface": "lo", "addresses": VIPS}])
    host.ip("addr del 192.0.2.30/32 dev eth0")
    keeper.awake_until(lambda: vips(host, "lo") == set(VIPS))
    assert not vips(host)


def test_a_device_and_a_neighbour_come_back(keeper, segment):
    host = segment.host(1)
    keeper.declare(
        vips=[{"interface": "eth0", "addresses": ["192.0.2.40"]}],
        neighbors=[{"interface": "eth0", "neighbors": [{"address": "192.0.2.30", "mac": MAC}]}],
    )
    keeper.start()
    host.ip("link set eth0 down")
    host.ip("link set eth0 up")

    def known() -> bool:
        return any(one.get("lladdr") == MAC for one in host.json("neigh show nud permanent dev eth0"))

    assert not known()
    keeper.awake_until(known)


def test_the_one_that_waits_has_no_library_in_memory(keeper, segment):
    keeper.declare(vips=[{"interface": "eth0", "addresses": VIPS}])
    keeper.start()
    opened = Path(f"/proc/{keeper.process.pid}/maps").read_text()
    assert "pyroute2" not in opened
    resident = int(Path(f"/proc/{keeper.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 40 << 20


def test_a_change_that_takes_nothing_wakes_nobody(keeper, segment):
    host = segment.host(1)
    keeper.declare(vips=[{"interface": "eth0", "addresses": VIPS}])
    keeper.start()
    with unchanged(keeper.command_line), unchanged(keeper.log):
        host.ip("addr add 192.0.2.99/32 dev eth0")
        host.ip("addr del 192.0.2.99/32 dev eth0")
        host.ip("link set eth0 mtu 1400")
        time.sleep(3)


def test_a_missing_device_is_a_failure_that_systemd_sees(keeper, segment):
    keeper.declare(vips=[{"interface": "eth9", "addresses": VIPS}])
    done = segment.host(1).run(
        "sh", "-c", f"{sys.executable} {keeper.program} {KEEP} {keeper.state} 2>&1; echo status $?"
    )
    assert "eth9" in done
    assert done.endswith("status 1\n")
