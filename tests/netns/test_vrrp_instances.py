# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors with the real keepalived: who has the VIPs, before and after all that can happen to one of them."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._gate.model import CLOSED, MASTER, YIELDING
from netns_hosts import Segment
from netns_keeper import Keeper
from netns_vrrp import ANCHOR, GATE, VIP, VIP2, VIP6, Director, Watcher, directors, until

pytestmark = pytest.mark.skipif(
    not shutil.which("keepalived", path="/usr/sbin:/usr/local/sbin"), reason="keepalived is not installed"
)
CLIENT = 3
# What a director's gate says: eligible, a standby that waits until the master is gone, and not eligible.
ELIGIBLE, STANDBY, INELIGIBLE = MASTER, -100, CLOSED


@pytest.fixture
def segment(make_segment: Callable[[int], Segment]) -> Segment:
    return make_segment(CLIENT)


@pytest.fixture
def pair(segment: Segment, tmp_path: Path) -> Iterator[list[Director]]:
    """Return two directors, of which nothing runs yet."""
    with directors(segment, tmp_path) as both:
        yield both


def logs(pair: list[Director]) -> Callable[[], str]:
    return lambda: "\n".join(f"--- {one.number}\n{one.log.read_text()}" for one in pair)


def begin(pair: list[Director], gate: bool = False, **changes: Any) -> None:
    """Start both, and wait until the first is the master and the other has nothing."""
    for one in pair:
        one.declare(one.options(pair, **changes), **({"gate": {"path": GATE}} if gate else {}))
        if gate:
            one.write_gate(ELIGIBLE)
        one.start()
    settled(pair, 0)


def settled(pair: list[Director], master: int, vips: tuple[str, ...] = (VIP, VIP6)) -> None:
    """Wait until this one alone is the master, with all that belongs to it."""
    standby = pair[1 - master]
    until(
        lambda: pair[master].is_master(vips) and standby.has_nothing(vips),
        f"director {pair[master].number} as the only master",
        logs(pair),
    )


@pytest.mark.parametrize(
    "changes",
    [{}, {"peers": []}, {"vmac": True}, {"vmac": True, "peers": []}],
    ids=["unicast", "multicast", "vmac", "vmac multicast"],
)
def test_one_master_has_the_anchor_and_all_vips(pair, segment, changes):
    if changes.get("vmac"):
        rehearsed = pair[0].module("vrrp_instances", check=True, instances=[pair[0].options(pair, **changes)])
        if "Cannot use VMAC" in rehearsed.get("msg", ""):
            pytest.skip("this keepalived has no virtual MAC with unicast, and says so")
        (warning,) = rehearsed["warnings"]
        assert "arp_ignore" in str(warning)
        for one in pair:
            one.host.sysctl("ipv4/conf/eth0/arp_ignore", 1)
    begin(pair, **changes)
    with Watcher(segment, CLIENT) as watcher:
        for vip in (VIP, VIP6):
            watcher.wait_for_answers(vip)
    mac = "00:00:5e:00:01:33" if changes.get("vmac") else segment.mac(1)
    assert watcher.owners(VIP) == [mac]
    # keepalived 2.2 and 2.3 leave an IPv6 VIP of an instance of IPv4 on the interface itself.
    assert watcher.owners(VIP6) in ([mac], [segment.mac(1)])
    # Nothing is left of either when both are gone.
    for one in pair:
        one.stop()
        assert one.has_nothing()
        assert not [link for link in one.host.json("link show") if link["ifname"].startswith("vrrp.")]


def test_a_killed_master_is_replaced_and_its_vips_are_gone_when_it_is_started_again(pair, segment):
    begin(pair)
    first, second = pair
    first.signal_all(signal.SIGKILL)
    until(second.is_master, "the takeover", logs(pair))
    # A dead process takes nothing away: both have the VIPs until systemd starts it again, a second later.
    assert first.is_master()
    first.start()
    settled(pair, 0)
    with Watcher(segment, CLIENT) as watcher:
        watcher.wait_for_answers(VIP)
    assert watcher.owners(VIP) == [segment.mac(1)]


def test_a_graceful_stop_hands_over_at_once(pair, segment):
    begin(pair)
    with Watcher(segment, CLIENT) as watcher:
        watcher.wait_for_answers(VIP)
        pair[0].stop()
        settled(pair, 1)
        watcher.wait_for_answers(VIP)
        watcher.wait_for_answers(VIP6)
    # It takes its VIPs away before the other has them.
    assert watcher.owners(VIP) == watcher.owners(VIP6) == [segment.mac(1), segment.mac(2)]


def test_a_link_that_goes_down(pair, segment):
    begin(pair)
    first, second = pair
    first.host.ip("link set eth0 down")
    until(second.is_master, "the takeover", logs(pair))
    until(first.has_nothing, "a director without VIPs", logs(pair))
    first.host.ip("link set eth0 up")
    settled(pair, 0)


def test_a_frozen_master_yields_or_takes_back_when_it_thaws(pair, segment):
    begin(pair)
    first, second = pair
    first.signal_all(signal.SIGSTOP)
    until(second.is_master, "the takeover", logs(pair))
    first.signal_all(signal.SIGCONT)
    settled(pair, 0)
    with Watcher(segment, CLIENT) as watcher:
        watcher.wait_for_answers(VIP)
    assert watcher.owners(VIP) == [segment.mac(1)]


def test_a_reload_of_an_unchanged_file_loses_nothing(pair, segment):
    begin(pair)
    before = [one.processes() for one in pair]
    with Watcher(segment, CLIENT) as watcher:
        for one in (*reversed(pair), *pair):
            one.reload()
            watcher.wait_for_answers(VIP)
            watcher.wait_for_answers(VIP6)
    assert watcher.owners(VIP) == watcher.owners(VIP6) == [segment.mac(1)]
    assert [one.processes() for one in pair] == before
    settled(pair, 0)
    assert pair[1].said("Entering MASTER STATE") == 0


def test_a_vip_is_added_and_removed_on_the_standby_first(pair, segment):
    begin(pair)
    for vips in ((VIP, VIP6, VIP2), (VIP6, VIP2), (VIP, VIP6)):
        with Watcher(segment, CLIENT, (VIP, VIP6, VIP2)) as watcher:
            for one in reversed(pair):
                answer = one.declare(one.options(pair, vips))
                assert (answer["reload"], answer["restart"]) == (True, False)
                one.reload()
                watcher.wait_for_answers(VIP6)
            settled(pair, 0, vips)
            for vip in vips:
                watcher.wait_for_answers(vip)
        # Whoever answered, it was the master.
        assert {mac for _when, _vip, mac in watcher.answers} == {segment.mac(1)}
        assert pair[0].addresses() & {VIP, VIP6, VIP2} == set(vips)
    assert pair[1].said("Entering MASTER STATE") == 0


def test_a_director_is_not_eligible_until_its_gate_says_so(pair):
    first = pair[0]
    first.declare(first.options(pair), gate={"path": GATE})
    first.start()
    # Nobody has written the file, as after a boot: keepalived has.
    until(lambda: first.said("Entering FAULT STATE") > 0, "a director that is not eligible", logs(pair))
    assert first.has_nothing()
    assert (first.run / Path(GATE).relative_to("/run")).read_text().strip() == str(INELIGIBLE)
    first.write_gate(ELIGIBLE)
    until(first.is_master, "an eligible director", logs(pair))
    first.write_gate(INELIGIBLE)
    until(first.has_nothing, "a director that is not eligible any more", logs(pair))


def test_the_directory_of_a_gate_is_made_before_keepalived_would_do_without(pair):
    first = pair[0]
    path = first.run / "agent" / "gate"
    first.declare(first.options(pair), gate={"path": "/run/agent/gate"})
    first.start()
    until(lambda: first.said("entering FAULT state") > 0, "a director that is not eligible", logs(pair))
    assert path.read_text().strip() == str(INELIGIBLE)
    path.write_text("0\n")
    until(first.is_master, "an eligible director", logs(pair))


@pytest.mark.parametrize("number", [YIELDING, INELIGIBLE])
def test_a_planned_handover_only_changes_the_number(pair, segment, number):
    begin(pair, gate=True)
    with Watcher(segment, CLIENT) as watcher:
        watcher.wait_for_answers(VIP)
        pair[0].write_gate(number)
        settled(pair, 1)
        watcher.wait_for_answers(VIP)
        pair[0].write_gate(ELIGIBLE)
        settled(pair, 0)
        watcher.wait_for_answers(VIP)
    assert watcher.owners(VIP)[0] == watcher.owners(VIP)[-1] == segment.mac(1)
    assert segment.mac(2) in watcher.owners(VIP)


def test_the_target_of_a_handover_is_the_one_of_three_whose_number_is_not_lowered(segment, tmp_path):
    """The second would be next by its priority."""
    with directors(segment, tmp_path, 3) as three:
        first, second, third = three
        for one in three:
            one.declare(one.options(three), gate={"path": GATE})
            one.write_gate(ELIGIBLE if one is first else -len(three))
            one.start()
        until(first.is_master, "the first master", logs(three))
        for one in (first, second):
            one.write_gate(YIELDING)
        until(lambda: third.is_master() and first.has_nothing(), "the handover to the third", logs(three))
        assert second.said("Entering MASTER STATE") == 0
        third.signal_all(signal.SIGKILL)
        # What yields is eligible: somebody has the VIPs.
        until(lambda: first.is_master() or second.is_master(), "a takeover", logs(three))


def test_a_former_master_does_not_take_over_again_unless_it_has_to(pair, segment):
    """What `director_preempt: false` means, by the gate: who comes back is a standby, and the master is eligible."""
    begin(pair, gate=True)
    first, second = pair
    first.signal_all(signal.SIGKILL)
    until(second.is_master, "the takeover", logs(pair))
    first.write_gate(STANDBY)
    first.start()
    settled(pair, 1)
    with Watcher(segment, CLIENT) as watcher:
        first.reload()
        second.reload()
        watcher.wait_for_answers(VIP, 300)
    assert watcher.owners(VIP) == [segment.mac(2)]
    # It is a standby all the same.
    second.signal_all(signal.SIGKILL)
    until(first.is_master, "the takeover back", logs(pair))
    first.write_gate(ELIGIBLE)
    second.write_gate(STANDBY)
    second.start()
    settled(pair, 0)


def test_the_module_writes_only_what_differs(pair):
    first = pair[0]
    rehearsed = first.module("vrrp_instances", check=True, instances=[first.options(pair)])
    assert not list(first.etc.rglob("lvs-cluster*"))
    answer = first.declare(first.options(pair))
    assert {**rehearsed, "invocation": 0} == {**answer, "invocation": 0}
    assert [(one["name"], one["role"]) for one in answer["instances"]] == [("web", "backup")]
    assert not first.declare(first.options(pair))["changed"]
    first.start()
    until(first.is_master, "the master", logs(pair))
    again = first.declare(first.options(pair))
    assert (again["changed"], again["active"], again["restart"], again["reload"]) == (False, True, False, False)
    assert again["instances"] == [{"name": "web", "vrid": 51, "anchor": ANCHOR, "role": "master"}]
    changed = first.declare(first.options(pair, vrid=52))
    assert (changed["changed"], changed["restart"]) == (True, True)
    gone = first.declare(state="absent")
    assert (len(gone["operations"]), gone["active"], gone["unit"]) == (3, True, "lvs-cluster-vrrp.service")
    assert not [path for path in first.etc.rglob("lvs-cluster*") if path.is_file()]


def test_roles_are_waited_for(pair):
    first, second = pair
    begin(pair)
    waited = [one.module("vrrp_info", timeout=20, role=role) for one, role in ((first, "master"), (second, "backup"))]
    assert [(one["running"], one["instances"][0]["settled"]) for one in waited] == [(True, True)] * 2
    assert second.module("vrrp_info", timeout=0.3, role="master")["msg"].startswith(
        "role of instance web: 'backup' is not master after 0.3 s; "
    )
    # The standby hears the master answer.
    for one in pair:
        elected = one.module("vrrp_info", timeout=20, role="elected")
        assert not elected.get("failed"), elected
    second.signal_all(signal.SIGKILL)
    assert "does not run" in second.module("vrrp_info", timeout=0.3)["msg"]
    assert not second.module("vrrp_info")["running"]
    # What a killed process left is named.
    second.host.ip(f"addr add {VIP}/32 dev eth0")
    assert second.module("vrrp_info")["instances"][0]["leftover"] == [VIP]


def test_what_keepalived_refuses_is_not_written(pair):
    first = pair[0]
    first.declare(first.options(pair))
    config = first.etc / Path(first.unit.config).relative_to("/etc")
    before = config.read_bytes()
    # Only keepalived knows that it does not run on lo.
    answer = first.module("vrrp_instances", instances=[first.options(pair, interface="lo", vmac=True)])
    assert answer["failed"], answer
    assert "cannot use a loopback interface" in answer["msg"]
    assert config.read_bytes() == before


@pytest.fixture
def keepers(pair: list[Director], tmp_path: Path) -> Iterator[list[Keeper]]:
    """Return what restores the declaration of each director, of which nothing runs yet."""
    with ExitStack() as ending:
        found = []
        for one in pair:
            directory = tmp_path / f"keeper{one.number}"
            directory.mkdir()
            keeper = Keeper(directory, one.host, one.inside)
            ending.callback(keeper.close)
            keeper.declare(gate={"path": GATE, "anchors": [ANCHOR], "standby": -len(pair)})
            found.append(keeper)
        yield found


def test_who_became_master_stays_it_when_the_other_one_is_back(pair, keepers, segment):
    """Nobody writes a gate here but the programs that restore what the directors declare."""
    first, second = pair
    for one in pair:
        one.declare(one.options(pair), gate={"path": GATE})
        one.start()
    # Neither has restored its table yet.
    until(lambda: all(one.said("FAULT") for one in pair), "directors that are not eligible", logs(pair))
    for keeper in keepers:
        keeper.start()
    settled(pair, 0)
    until(lambda: numbers(pair) == [0, -2], "the gates of a master and a standby", logs(pair))
    first.signal_all(signal.SIGKILL)
    until(second.is_master, "the takeover", logs(pair))
    first.start()
    settled(pair, 1)
    until(lambda: numbers(pair) == [-2, 0], "the gates of a standby and a master", logs(pair))
    with Watcher(segment, CLIENT) as watcher:
        first.reload()
        watcher.wait_for_answers(VIP, 300)
    assert watcher.owners(VIP) == [segment.mac(2)]
    # A planned handover is one number, which the master's own program takes back once it is the standby.
    second.write_gate(INELIGIBLE)
    settled(pair, 0)
    until(lambda: numbers(pair) == [0, -2], "the gates of a master and a standby", logs(pair))
    assert keepers[1].log()[-1] == f"write -2 to {GATE}: this director is on standby"


def numbers(pair: list[Director]) -> list[int]:
    """Return what the gates of both say."""
    return [int((one.run / Path(GATE).relative_to("/run")).read_text()) for one in pair]
