# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining: the plans, the wait by a clock of its own, and what is remembered."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils import _ipvs_memory as memory
from ansible_collections.lvs.cluster.plugins.module_utils._errors import InvalidValue, LvsError, NotSupported
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_drain import (
    Drain,
    NotDrained,
    WaitOperation,
    parse_drain,
    plan_drain,
    plan_restore,
    wait,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_memory_file import read_drained, update_drained
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_options import (
    parse_server,
    parse_service,
    parse_service_key,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_plan import plan_services, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs_status import Connections
from hypothesis import given
from hypothesis import strategies as st
from ipvs_strategies import tables

OPTIONS = {"address": "192.0.2.30", "port": 80}
WEB = parse_service_key(OPTIONS)
ONE = parse_server({"address": "192.0.2.4"}, WEB)
TWO = parse_server({"address": "192.0.2.5"}, WEB)
POOL = {
    **OPTIONS,
    "real_servers": [{"address": "192.0.2.4", "weight": 5, "upper_threshold": 9}, {"address": "192.0.2.5"}],
}
TABLE = simulate({}, plan_services({}, [parse_service(POOL)]).operations)
DRAIN = Drain(("active",), 300, False)
NAME = "server 192.0.2.4:80 of tcp 192.0.2.30:80"


def drained_state(drain=DRAIN, connections=None, table=TABLE, drained=None):
    """Return the table and the memory after a drain, and its words."""
    before = drained or {}
    plan = plan_drain(table, connections or {}, WEB, ONE.key, drain, before)
    steps = [step for step in plan.operations if not isinstance(step, WaitOperation)]
    after = {**before, **memory.to_remember(table, before, plan.operations)}
    gone = memory.to_forget(after, plan.operations)
    assert not gone
    return simulate(table, steps), after, plan.words


def test_drain_and_give_back():
    table, drained, words = drained_state()
    assert words == [f"drain {NAME}: weight 5 -> 0", f"wait until {NAME} has no active connections (at most 300 s)"]
    assert table[WEB].servers[ONE.key].weight == 0
    assert drained_state(table=table, drained=drained)[2] == []
    back = plan_restore(table, WEB, ONE, drained)
    assert back.words == [f"give {NAME} its weight 5 back"]
    assert simulate(table, back.operations) == TABLE
    assert memory.to_forget(drained, back.operations) == {(WEB, ONE.key)}
    assert plan_restore(TABLE, WEB, ONE, {}).words == []


def test_a_drain_by_hand_is_remembered_too():
    by_hand = simulate(
        TABLE,
        plan_services(
            TABLE, [parse_service({**OPTIONS, "real_servers": [{"address": "192.0.2.4", "weight": 0}]})]
        ).operations,
    )
    _, drained, words = drained_state(table=by_hand)
    assert words == [f"drain {NAME}: weight 0 -> 0"]
    assert drained[WEB, ONE.key].weight == 0
    with pytest.raises(InvalidValue, match="restore_weight: True needs a weight from before a drain"):
        plan_restore(by_hand, WEB, ONE, drained)


def pooled(**server):
    return [parse_service({**OPTIONS, "real_servers": [{"address": "192.0.2.4", **server}]})]


def test_a_pool_drains_a_server_at_once_and_remembers_its_weight():
    plan = plan_services(TABLE, pooled(state="drained", weight=7))
    assert plan.words == [f"drain {NAME}: weight 5 -> 0"]
    assert memory.to_remember(TABLE, {}, plan.operations)[WEB, ONE.key].weight == 5
    table = simulate(TABLE, plan.operations)
    assert plan_services(table, pooled(state="drained")).words == []
    assert plan_services({}, pooled(state="drained", initial_weight=7)).words[1:] == [
        "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight 0)"
    ]


def test_an_initial_weight_is_for_a_server_that_is_neither_there_nor_drained():
    wanted = pooled(initial_weight=7)
    assert plan_services(TABLE, wanted).words == []
    table, drained, _words = drained_state()
    assert plan_services(table, wanted, drained=drained).words == []
    empty = simulate(TABLE, plan_services(TABLE, pooled(state="absent")).operations)
    added = "add server 192.0.2.4:80 to tcp 192.0.2.30:80 (direct, weight {})"
    assert plan_services(empty, wanted).words == [added.format(7)]
    assert plan_services(empty, wanted, drained=drained).words == [added.format("0, it was drained")]


def test_connections_that_are_left_are_waited_for():
    table, drained, _ = drained_state()
    plan = plan_drain(table, {ONE.key: Connections(2, 0, 0)}, WEB, ONE.key, DRAIN, drained)
    assert plan.words == [f"wait until {NAME} has no active connections (at most 300 s)"]
    assert plan_drain(table, {ONE.key: Connections(0, 7, 0)}, WEB, ONE.key, DRAIN, drained).words == []


def test_removed_and_brought_back_as_it_was():
    table, drained, words = drained_state(Drain((), 0, True))
    assert words == [f"drain {NAME}: weight 5 -> 0", f"remove drained {NAME}"]
    assert ONE.key not in table[WEB].servers
    assert drained_state(Drain((), 0, True), table=table, drained=drained)[2] == []
    back = plan_restore(table, WEB, ONE, drained)
    assert simulate(table, back.operations) == TABLE


def test_what_is_not_there_can_not_be_drained():
    with pytest.raises(NotSupported, match=r"server 192\.0\.2\.9:80 of tcp .* does not exist"):
        plan_drain(TABLE, {}, WEB, ONE.key._replace(address="192.0.2.9"), DRAIN, {})


def test_added_anew_it_stays_drained():
    _, drained, _ = drained_state()
    plain = parse_service({**OPTIONS, "real_servers": [{"address": "192.0.2.4"}, {"address": "192.0.2.5"}]})
    plan = plan_services({}, [plain], drained=drained)
    servers = simulate({}, plan.operations)[WEB].servers
    assert [servers[one.key].weight for one in (ONE, TWO)] == [0, 1]
    assert memory.to_forget(drained, plan.operations) == set()
    named = plan_services({}, [parse_service(POOL)], drained=drained)
    assert memory.to_forget(drained, named.operations) == {(WEB, ONE.key)}
    assert memory.still_drained([parse_service(POOL)], drained)[0].servers[0].given["weight"] == 0


@pytest.mark.parametrize("state", [{"state": "absent"}, {"purge": True, "real_servers": []}])
def test_what_is_removed_is_forgotten(state):
    table, drained, _ = drained_state()
    plan = plan_services(table, [parse_service({**OPTIONS, **state})], drained=drained)
    assert memory.to_forget(drained, plan.operations) == {(WEB, ONE.key)}


@given(tables())
def test_memory_round_trip(table):
    drained = {(key, server): settings for key, state in table.items() for server, settings in state.servers.items()}
    assert memory.load(memory.dump(drained)) == drained


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "drained": []}', '{"format": 1, "drained": [{}]}'])
def test_damaged_memory(text):
    with pytest.raises(LvsError, match="is damaged or of another version"):
        memory.load(text)


def test_the_file(tmp_path):
    path = str(tmp_path / "lib" / "drained.json")
    _, drained, _ = drained_state()
    assert read_drained(path) == {}
    update_drained(lambda before: {**before, **drained}, path)
    assert read_drained(path) == drained
    update_drained(lambda _before: {}, path)
    assert not (tmp_path / "lib" / "drained.json").exists()


@pytest.mark.parametrize(
    ("protocol", "counts"), [("tcp", ("active",)), ("sctp", ("active",)), ("udp", ("active", "inactive"))]
)
def test_what_counts_when_nothing_is_said(protocol, counts):
    key = WEB._replace(protocol=protocol)
    assert parse_drain({"drain_remove": False}, key) == Drain(counts, 300, False)
    assert parse_drain({"drain_remove": True, "drain_connections": [], "drain_timeout": 0}, key) == Drain((), 0, True)


class Time:
    """A clock that only a pause moves."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 2
        self.now += seconds


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 20))
def test_wait(counts, seconds):
    """It ends at the first look that shows none, or at the deadline, and tells each change once."""
    time, left = Time(), iter(counts)
    looks = []

    def look():
        looks.append(Connections(next(left, counts[-1]), 5, 0))
        return looks[-1]

    operation = WaitOperation("wait", WEB, ONE.key, ("active",), seconds)
    late = None
    try:
        report = wait(operation, look, time.clock, time.pause)["drain"]
    except NotDrained as error:
        late, report = str(error), error.results["drain"]
    if late is None:
        assert looks[-1].active == 0
    else:
        assert f"still has {looks[-1].active} active connections; it keeps weight 0" in late
        assert looks[-1].active
        assert time.now == pytest.approx(seconds)
    assert all(look.active for look in looks[:-1])
    assert report["connections"]["active"] == looks[-1].active
    actives = [entry["active"] for entry in report["progress"]]
    assert all(one != other for one, other in zip(actives, actives[1:]))
    assert time.now <= seconds + 1e-6


def test_a_server_that_is_gone_has_no_connections():
    operation = WaitOperation("wait", WEB, ONE.key, ("active",), 10)
    assert wait(operation, lambda: None)["drain"]["connections"]["active"] == 0
