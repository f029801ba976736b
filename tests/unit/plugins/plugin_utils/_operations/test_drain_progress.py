# SPDX-License-Identifier: GPL-3.0-or-later
"""A drain of several runs: what is told on the way, and that its end is what one run would have told."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.drain_progress import joined, watch
from hypothesis import given
from hypothesis import strategies as st

DRAINED = ["drain server 192.0.2.4:80 of tcp 192.0.2.30:80: weight 5 -> 0", "wait until ..."]


class Host:
    """Runs the module: each run takes a second to begin, waits its interval of five, and sees the next of the counts."""

    def __init__(self, *counts: int, interval: int = 5) -> None:
        self.counts, self.interval, self.now, self.asked, self.lines = list(counts), interval, 0.0, [], []

    def clock(self) -> float:
        return self.now

    def run(self, seconds: int) -> dict:
        first = not self.asked
        self.asked.append(seconds)
        count = self.counts.pop(0)
        waited = min(self.interval, seconds) if count else 0
        self.now += 1 + waited
        left = [f"server has {count} active"] if count else []
        progress = [{"seconds": 0.0, "active": count}] if waited else []
        drain = {"seconds": waited, "connections": {"active": count}, "progress": progress, "left": left}
        if left and waited >= seconds:
            return {"failed": True, "msg": f"after {seconds} s", "operations": [], "drain": drain}
        return {"changed": first, "operations": DRAINED if first else [], "diff": first, "drain": drain}

    def watch(self, seconds: int) -> dict:
        return watch(seconds, self.run, self.lines.append, self.clock)


def test_one_run_is_enough():
    host = Host(0)
    assert host.watch(300)["drain"]["left"] == []
    assert (host.asked, host.lines) == ([300], [])


def test_what_is_left_is_told():
    host = Host(3, 3, 1, 0)
    result = host.watch(300)
    assert host.lines == [
        "after 6 s of at most 300 s: server has 3 active",
        "after 12 s of at most 300 s: server has 3 active",
        "after 18 s of at most 300 s: server has 1 active",
    ]
    assert host.asked == [300, 294, 288, 282]
    assert (result["changed"], result["diff"], result["operations"]) == (True, True, DRAINED)
    assert result["drain"] == {
        "seconds": 19.0,
        "connections": {"active": 0},
        "progress": [{"seconds": 1.0, "active": 3}, {"seconds": 13.0, "active": 1}],
        "left": [],
    }


def test_the_deadline_is_that_of_all_runs():
    host = Host(*[2] * 9)
    result = host.watch(12)
    assert result["failed"]
    assert result["msg"].startswith("drain_timeout: 12 s passed, but server has 2 active; the server keeps weight 0")
    assert result["operations"] == DRAINED
    assert host.asked == [12, 6, 0]
    assert host.now == 13


@pytest.mark.parametrize(
    "failing", [{"failed": True, "msg": "gone", "operations": []}, {"failed": True, "unreachable": True}]
)
def test_a_failure_on_the_way(failing):
    """It is told with what was done before."""
    host = Host(2, 2)
    answers = [host.run(5 * 60), failing]
    result = watch(300, lambda _seconds: answers.pop(0), host.lines.append, host.clock)
    assert result == {**failing, "operations": DRAINED}
    assert watch(300, lambda _seconds: failing, host.lines.append, host.clock) == failing


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(0, 60))
def test_any_drain_ends(counts, seconds):
    host = Host(*counts, 0, *[0] * 60)
    result = host.watch(seconds)
    assert len(host.lines) == len(host.asked) - 1
    assert host.now <= seconds + len(host.asked) + 1
    assert bool(result.get("failed")) == bool(result["drain"]["left"])
    assert all(asked >= 0 for asked in host.asked)


@given(st.lists(st.lists(st.integers(0, 3), max_size=5), max_size=5))
def test_each_change_is_told_once(runs):
    progress: list = []
    for number, counts in enumerate(runs):
        progress = joined(progress, [{"seconds": 0.5, "active": count} for count in counts], number)
    told = [entry["active"] for entry in progress]
    assert all(one != other for one, other in zip(told, told[1:]))
    flat = [count for counts in runs for count in counts]
    assert told == [count for place, count in enumerate(flat) if not place or flat[place - 1] != count]
