# SPDX-License-Identifier: GPL-3.0-or-later
"""Before vip_iface adds a VIP: who is asked, what is seen of it on the wire, and what the answers lead to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._arp import client as packets_client
from ansible_collections.lvs.cluster.plugins.module_utils._arp.client import PROBE_INTERVAL, PROBES, probe
from ansible_collections.lvs.cluster.plugins.module_utils._arp.packets import Arp
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import AddressConflict
from ansible_collections.lvs.cluster.plugins.module_utils._restore import main as restore_main
from netns_hosts import Namespace, Segment
from netns_vips import VIP, VIP6, Capture, Nd, addresses, carry_out

NOBODY = "00:00:00:00:00:00"
BOTH: dict[str, Any] = {
    "addresses": [VIP, VIP6],
    "interface": "eth0",
    "announce": 1,
}


def give(host: Namespace, interface: str = "eth0") -> None:
    """Put the VIPs there by hand."""
    host.ip(f"addr add {VIP}/32 dev {interface}")
    host.ip(f"addr add {VIP6}/128 dev {interface} nodad")


def neighbours(host: Namespace) -> set[str]:
    """Return the addresses that a host has a cache entry for."""
    return {one["dst"] for one in host.json("neigh show")}


def sorted_out(capture: Capture) -> tuple[list[Arp], list[Nd]]:
    """Return what was heard, by protocol."""
    heard = capture.heard()
    return [one for one in heard if isinstance(one, Arp)], [one for one in heard if isinstance(one, Nd)]


def test_everyone_who_answers_is_named_and_nothing_is_changed(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(3)
    give(segment.host(2))
    give(segment.host(3))
    before = segment.host(1).json("addr show")
    for apply in (False, True):
        with pytest.raises(AddressConflict) as caught:
            carry_out(segment.host(1), apply, **BOTH)
        for number in (2, 3):
            assert str(caught.value).count(segment.mac(number)) == 2
    assert segment.host(1).json("addr show") == before


@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_the_first_answer_is_not_missed(
    make_segment: Callable[[int], Segment], monkeypatch: pytest.MonkeyPatch, vip: str
) -> None:
    # On a segment inside one kernel the answer is there before the call that asked returns.
    monkeypatch.setattr(packets_client, "PROBES", 1)
    segment = make_segment(2)
    give(segment.host(2))
    with segment.host(1).entered():
        assert probe("eth0", [vip]) == {vip: [segment.mac(2)]}


def test_the_probes_on_the_wire_tell_nothing_of_the_asker(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(3)
    give(segment.host(2))
    with Capture(segment.host(3), sender=segment.mac(1)) as capture:
        with pytest.raises(AddressConflict):
            carry_out(segment.host(1), apply=False, **BOTH)
        heard = sorted_out(capture)
    assert heard == ([Arp(1, segment.mac(1), "0.0.0.0", NOBODY, VIP)] * PROBES, [Nd(True, "::", VIP6)] * PROBES)
    for host in segment.hosts:
        assert neighbours(host) == set()


def test_a_vip_that_nobody_has_is_probed_for_then_added_then_announced(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    with Capture(segment.host(2), sender=segment.mac(1)) as capture:
        start = time.monotonic()
        carry_out(segment.host(1), **BOTH)
        taken = time.monotonic() - start
        arps, nds = sorted_out(capture)
    assert [one.sender for one in arps] == ["0.0.0.0"] * PROBES + [VIP]
    assert [one.solicitation for one in nds] == [True] * PROBES + [False]
    assert PROBES * PROBE_INTERVAL <= taken < PROBES * PROBE_INTERVAL + 3


def test_an_unchanged_run_sends_nothing_at_all(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    host = segment.host(1)
    # Without IPv6 the kernel says nothing by itself, so that not one frame of any kind may be seen.
    host.sysctl("ipv6/conf/eth0/disable_ipv6", 1)
    options = {**BOTH, "addresses": [VIP]}
    carry_out(host, **options)
    give(segment.host(2), "lo")  # and were it asked for, there would be an answer
    with Capture(segment.host(2), sender=segment.mac(1)) as capture:
        for check in (True, False):
            answer = host.module("vip_iface", check=check, **options)
            assert (answer["changed"], answer["operations"]) == (False, [])
        assert capture.frames() == []


def test_warn_takes_over_and_ignore_does_not_ask(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(4)
    client = segment.host(4)
    give(segment.host(1))
    for vip in (VIP, VIP6):
        client.ip(f"neigh replace {vip} lladdr {segment.mac(1)} dev eth0 nud stale")
    (warning,) = carry_out(segment.host(2), on_conflict="warn", **BOTH).warnings
    assert warning.startswith(
        f"addresses are in use by another host on the segment of eth0: {VIP} ({segment.mac(1)}), "
    )
    assert {f"{VIP}/32", f"{VIP6}/128"} <= set(addresses(segment.host(2), "eth0"))
    assert {one["lladdr"] for one in client.json("neigh show") if one["dst"] in (VIP, VIP6)} == {segment.mac(2)}
    with Capture(client, sender=segment.mac(3)) as capture:
        assert carry_out(segment.host(3), on_conflict="ignore", **BOTH).warnings == ()
        arps, nds = sorted_out(capture)
    assert [one.sender for one in arps] == [VIP]
    assert [one.solicitation for one in nds] == [False]


def test_a_real_server_may_have_the_directors_vip_on_lo(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    give(segment.host(1))
    with Capture(segment.host(1), sender=segment.mac(2)) as capture:
        assert carry_out(segment.host(2), **{**BOTH, "interface": "lo", "announce": None}).changed
        assert capture.heard() == []


def test_a_real_server_that_answers_for_the_vip_is_found_by_the_director(
    make_segment: Callable[[int], Segment],
) -> None:
    segment = make_segment(2)
    give(segment.host(2), "lo")
    with pytest.raises(AddressConflict, match=rf"in use by .*: {VIP} \({segment.mac(2)}\); .*arp_ignore: 1"):
        carry_out(segment.host(1), **BOTH)
    segment.host(2).sysctl("ipv4/conf/all/arp_ignore", 1)
    assert carry_out(segment.host(1), **BOTH).changed


def test_this_hosts_other_device_on_the_segment_is_no_conflict(make_segment: Callable[[int], Segment]) -> None:
    segment = make_segment(2)
    host, other = segment.hosts
    # The other host is a bridge meanwhile, between the segment and the second device.
    other.ip("link add br1 type bridge mcast_snooping 0")
    host.ip(f"link add eth1 type veth peer name port netns {other.name}")
    for device in ("port", "eth0"):
        other.ip(f"link set {device} master br1 up")
    other.ip("link set br1 up")
    host.ip("link set eth1 up")
    give(host, "eth1")
    (link,) = host.json("link show dev eth1")
    with host.entered():
        assert probe("eth0", [VIP, VIP6]) == {VIP: [link["address"]], VIP6: [link["address"]]}
    plan = carry_out(host, **BOTH)
    assert [warning.split(";")[0] for warning in plan.warnings] == [f"{VIP} is on eth1 too", f"{VIP6} is on eth1 too"]
    assert plan.changed


def test_without_the_right_to_ask_nothing_is_changed(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    for check in (True, False):
        answer = host.module("vip_iface", check=check, lacking=("net_raw",), **BOTH)
        assert answer["msg"] == (
            "The task is not allowed to open eth0 for ARP: this needs CAP_NET_RAW; run the task as root (become: true)."
        )
    assert f"{VIP}/32" not in addresses(host, "eth0")


def test_ipv6_that_is_switched_off_is_told_by_the_step_itself(make_segment: Callable[[int], Segment]) -> None:
    host = make_segment(1).host(1)
    host.sysctl("ipv6/conf/eth0/disable_ipv6", 1)
    answer = host.module("vip_iface", addresses=[VIP6], interface="eth0")
    assert "IPv6 is disabled on that interface (disable_ipv6)" in answer["msg"]


def test_a_boot_neither_asks_nor_refuses(make_segment: Callable[[int], Segment], tmp_path: Path) -> None:
    segment = make_segment(2)
    give(segment.host(2))
    state = tmp_path / "director.json"
    state.write_text(json.dumps({"services": [], "vips": [{**BOTH, "on_conflict": "fail"}]}))
    with Capture(segment.host(2), sender=segment.mac(1)) as capture:
        with segment.host(1).entered():
            assert restore_main.main([str(state)]) == 0
        arps, _ = sorted_out(capture)
    assert [one.sender for one in arps] == [VIP]
    assert f"{VIP}/32" in addresses(segment.host(1), "eth0")
