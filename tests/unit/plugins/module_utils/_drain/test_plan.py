# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining: the plans, the wait by a clock of its own, and what is remembered."""

from __future__ import annotations

import re

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, LvsError, NotSupported
from ansible_collections.lvs.cluster.plugins.module_utils._drain import state as memory
from ansible_collections.lvs.cluster.plugins.module_utils._drain.file import read_drained, update_drained
from ansible_collections.lvs.cluster.plugins.module_utils._drain.plan import (
    Drain,
    parse_addresses,
    parse_drain,
    plan_drain,
    plan_drain_everywhere,
    plan_restore,
    plan_restore_everywhere,
)
from ansible_collections.lvs.cluster.plugins.module_utils._drain.wait import NotDrained, wait
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Connections, Former
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.operations import Leaving, WaitOperation, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.options import (
    parse_server,
    parse_service,
    parse_service_key,
)
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.plan import plan_services
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
HERE, NOW = (WEB, ONE.key), 1777636800
NAME = "server 192.0.2.4:80 of tcp 192.0.2.30:80"


def drained_state(drain=DRAIN, connections=None, table=TABLE, drained=None):
    """Return the table and the memory after a drain, and its words."""
    before = drained or {}
    plan = plan_drain(table, connections or {}, [HERE], drain, before)
    steps = [step for step in plan.operations if not isinstance(step, WaitOperation)]
    after = {**before, **memory.to_remember(table, before, plan.operations, NOW)}
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


def test_a_drain_by_hand_is_remembered_too(error_words):
    by_hand = simulate(
        TABLE,
        plan_services(
            TABLE, [parse_service({**OPTIONS, "real_servers": [{"address": "192.0.2.4", "weight": 0}]})]
        ).operations,
    )
    _, drained, words = drained_state(table=by_hand)
    assert words == [f"drain {NAME}: weight 0 -> 0"]
    assert drained[HERE].settings.weight == 0
    with pytest.raises(InvalidValue) as caught:
        plan_restore(by_hand, WEB, ONE, drained)
    assert error_words(caught.value) == ("restore_weight", True)


def pooled(**server):
    return [parse_service({**OPTIONS, "real_servers": [{"address": "192.0.2.4", **server}]})]


def test_a_pool_drains_a_server_at_once_and_remembers_its_weight():
    plan = plan_services(TABLE, pooled(state="drained", weight=7))
    assert plan.words == [f"drain {NAME}: weight 5 -> 0"]
    assert memory.to_remember(TABLE, {}, plan.operations, NOW)[HERE] == Former(
        TABLE[WEB].servers[ONE.key], NOW, declared=True
    )
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
    plan = plan_drain(table, {HERE: Connections(2, 0, 0)}, [HERE], DRAIN, drained)
    assert plan.words == [f"wait until {NAME} has no active connections (at most 300 s)"]
    assert plan_drain(table, {HERE: Connections(0, 7, 0)}, [HERE], DRAIN, drained).words == []


def test_removed_and_brought_back_as_it_was():
    table, drained, words = drained_state(Drain((), 0, True))
    assert words == [f"drain {NAME}: weight 5 -> 0", f"remove drained {NAME}"]
    assert ONE.key not in table[WEB].servers
    assert drained_state(Drain((), 0, True), table=table, drained=drained)[2] == []
    back = plan_restore(table, WEB, ONE, drained)
    assert simulate(table, back.operations) == TABLE


def test_what_is_not_there_can_not_be_drained(error_words):
    with pytest.raises(NotSupported) as caught:
        plan_drain(TABLE, {}, [(WEB, ONE.key._replace(address="192.0.2.9"))], DRAIN, {})
    assert error_words(caught.value) == ("server of tcp 192.0.2.30:80", "192.0.2.9:80")


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


@given(tables(), st.integers(0, 1 << 40), st.booleans())
def test_memory_round_trip(table, since, declared):
    drained = {
        (key, server): Former(settings, since, declared)
        for key, state in table.items()
        for server, settings in state.servers.items()
    }
    text = memory.dump(drained)
    assert (memory.load(text, "file") if text else {}) == drained


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2, "drained": []}', '{"format": 1, "drained": [{}]}'])
def test_damaged_memory(text, error_words):
    with pytest.raises(LvsError) as caught:
        memory.load(text, "/x/file")
    assert error_words(caught.value) == ("/x/file", None)


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
    service = parse_service({**POOL, "protocol": protocol})
    table = simulate({}, plan_services({}, [service]).operations)
    place = (service.key, ONE.key)
    wait = plan_drain(table, {}, [place], parse_drain({}), {}).operations[-1]
    assert wait.leaving == (Leaving(*place, counts),)
    assert wait.seconds == 300


def test_options(error_words):
    assert parse_drain({"drain_remove": True, "drain_connections": [], "drain_timeout": 0}) == Drain((), 0, True)
    assert parse_drain({"drain_connections": ["persistent", "active"], "drain_interval": 5}) == Drain(
        ("active", "persistent"), 300, False, 5
    )
    assert parse_addresses(["2001:DB8::4", "192.0.2.4", "2001:db8:0::4"]) == ["2001:db8::4", "192.0.2.4"]
    for wrong, value in (([], None), (["rs1"], "rs1")):
        with pytest.raises(InvalidValue) as caught:
            parse_addresses(wrong)
        assert error_words(caught.value) == ("servers", value)


# Three pools: web and tls have both servers, of which tls has drained the second by hand; mail has the first alone.
TLS = {
    **OPTIONS,
    "port": 443,
    "real_servers": [{"address": "192.0.2.4", "weight": 2}, {"address": "192.0.2.5", "weight": 0}],
}
MAIL = {**OPTIONS, "port": 25, "real_servers": [{"address": "192.0.2.4"}]}
MANY = simulate({}, plan_services({}, [parse_service(one) for one in (POOL, TLS, MAIL)]).operations)


def everywhere(table, addresses, drained, may_be_empty=False, connections=None):
    """Return the table and the memory after a drain in all services, with the plan."""
    plan = plan_drain_everywhere(table, connections or {}, addresses, DRAIN, drained, may_be_empty)
    steps = [step for step in plan.operations if not isinstance(step, WaitOperation)]
    after = {**drained, **memory.to_remember(table, drained, plan.operations, NOW)}
    return simulate(table, steps), after, plan


def weights(table, address):
    return {
        key.port: settings.weight
        for key, state in table.items()
        for one, settings in state.servers.items()
        if one.address == address
    }


def test_a_server_is_drained_in_all_services_and_comes_back_as_it_was():
    table, drained, plan = everywhere(MANY, ["192.0.2.4"], {}, may_be_empty=True)
    assert weights(table, "192.0.2.4") == {80: 0, 443: 0, 25: 0}
    assert weights(table, "192.0.2.5") == weights(MANY, "192.0.2.5")
    assert plan.words[:3] == [
        f"drain server 192.0.2.4:{port} of tcp 192.0.2.30:{port}: weight {weight} -> 0"
        for port, weight in ((80, 5), (443, 2), (25, 1))
    ]
    assert [type(step) for step in plan.operations[3:]] == [WaitOperation]
    assert plan.results["already_drained"] == []
    again = everywhere(table, ["192.0.2.4"], drained)[2]
    assert (again.words, again.results["already_drained"]) == ([], ["192.0.2.4"])
    back = plan_restore_everywhere(table, ["192.0.2.4"], drained)
    assert simulate(table, back.operations) == MANY
    assert memory.to_forget(drained, back.operations) == drained.keys()
    assert plan_restore_everywhere(MANY, ["192.0.2.4"], {}).words == []


@pytest.mark.parametrize(
    ("addresses", "emptied"),
    [
        (["192.0.2.4"], r"tcp 192\.0\.2\.30:443 \(192\.0\.2\.4:443\), tcp 192\.0\.2\.30:25 \(192\.0\.2\.4:25\)"),
        (["192.0.2.5", "192.0.2.4"], r"tcp 192\.0\.2\.30:80 \(192\.0\.2\.4:80, 192\.0\.2\.5:80\)"),
    ],
)
def test_the_last_that_serves_is_not_drained_unless_told(addresses, emptied, error_words):
    with pytest.raises(InvalidValue) as caught:
        everywhere(MANY, addresses, {})
    assert error_words(caught.value) == ("servers", sorted(addresses))
    assert re.search(emptied, caught.value.rule)
    assert everywhere(MANY, addresses, {}, may_be_empty=True)[2].operations
    assert everywhere(MANY, ["192.0.2.5"], {})[2].operations


def test_a_server_that_no_service_has(error_words):
    with pytest.raises(NotSupported) as caught:
        everywhere(MANY, ["192.0.2.4", "192.0.2.9"], {})
    assert error_words(caught.value) == ("servers", ["192.0.2.9"])
    with pytest.raises(NotSupported) as caught:
        plan_restore_everywhere({}, ["192.0.2.9"], {})
    assert error_words(caught.value) == ("servers", ["192.0.2.9"])


@given(tables(), st.data())
def test_draining_and_restoring_anything(table, data):
    """All weights of the drained are 0, nobody else is touched, a second run is none, and the way back is exact."""
    known = sorted({server.address for state in table.values() for server in state.servers})
    addresses = data.draw(st.lists(st.sampled_from(known), min_size=1, unique=True)) if known else []
    if not addresses:
        return
    chosen = {(key, server) for key, state in table.items() for server in state.servers if server.address in addresses}
    after, drained, plan = everywhere(table, addresses, {}, may_be_empty=True)
    assert drained.keys() == chosen
    for key, state in table.items():
        for server, settings in state.servers.items():
            assert after[key].servers[server] == (settings._replace(weight=0) if (key, server) in chosen else settings)
    emptied = any(
        any(one.weight for one in state.servers.values()) and not any(one.weight for one in after[key].servers.values())
        for key, state in table.items()
    )
    if emptied:
        with pytest.raises(InvalidValue, match="would leave nobody"):
            everywhere(table, addresses, {})
    else:
        assert everywhere(table, addresses, {})[2].words == plan.words
    assert not everywhere(after, addresses, drained)[2].words
    if all(former.settings.weight for former in drained.values()):
        back = plan_restore_everywhere(after, addresses, drained)
        assert simulate(after, back.operations) == table
        assert memory.to_forget(drained, back.operations) == chosen


def test_who_drained_it():
    """A declared drain ends with the declaration; one by hand, before or after it, only when it is restored."""
    declared = pooled(state="drained")
    plan = plan_services(TABLE, declared)
    said = memory.to_remember(TABLE, {}, plan.operations, NOW)
    table = simulate(TABLE, plan.operations)
    assert memory.held(said) == {}
    hold = plan_drain(table, {}, [HERE], DRAIN, said)
    assert hold.words == [f"drain {NAME}: weight 0 -> 0"]
    both = memory.to_remember(table, said, hold.operations, NOW + 60)
    assert both == {HERE: Former(TABLE[WEB].servers[ONE.key], NOW, declared=False)}
    assert plan_drain(table, {}, [HERE], DRAIN, both).words == []
    assert plan_services(table, declared, drained=both).words == []
    assert memory.held(both) == both


def test_what_somebody_drained_stays_so_and_is_told():
    table, drained, _ = drained_state()
    wanted = pooled(weight=7)
    assert plan_services(table, memory.still_drained(wanted, memory.held(drained)), drained=drained).words == []
    assert memory.held_warnings(wanted, drained) == (
        "Server 192.0.2.4:80 of tcp 192.0.2.30:80 was drained at 2026-05-01T12:00:00Z and stays so, whatever weight is declared; "
        "lvs.cluster.restore gives it its weight back.",
    )
    for silent in (pooled(state="drained", weight=7), pooled(state="absent", weight=7), pooled()):
        assert memory.held_warnings(silent, drained) == ()
    assert memory.held_warnings(wanted, {HERE: drained[HERE]._replace(declared=True)}) == ()
    assert memory.moment(0) is None


class Time:
    """A clock that only a pause moves."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 2
        self.now += seconds


TWO_LEAVE = (Leaving(*HERE, ("active",)), Leaving(WEB, TWO.key, ("active", "inactive")))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=30),
    st.integers(0, 20),
    st.integers(0, 25),
)
def test_wait(counts, seconds, interval):
    """It ends at the first look that shows none, at the interval or at the deadline, and tells each change once."""
    time, left = Time(), iter(counts)
    looks = []

    def look():
        one, two, other = next(left, counts[-1])
        looks.append((one, two + other))
        return {HERE: Connections(one, 5, 0), (WEB, TWO.key): Connections(two, other, 0)}

    operation = WaitOperation("wait", TWO_LEAVE, seconds, interval, {"told": 1})
    late = None
    try:
        report = wait(operation, look, time.clock, time.pause)
    except NotDrained as error:
        late, report = str(error), error.results
    assert report["told"] == 1
    report = report["drain"]
    one, two = looks[-1]
    assert len(report["left"]) == (one > 0) + (two > 0)
    if late is not None:
        assert report["left"]
        assert f"{seconds} s passed, but {'; '.join(report['left'])}; " in late
        assert time.now == pytest.approx(seconds)
    elif report["left"]:
        assert time.now == pytest.approx(interval)
        assert 0 < interval < seconds
    assert all(sum(look) for look in looks[:-1])
    if one:
        assert report["left"][0] == f"{NAME} still has {one} active connections"
    assert all(one != other for one, other in zip(report["progress"], report["progress"][1:]))
    assert report["progress"][-1] == {"seconds": report["progress"][-1]["seconds"], **report["connections"]}
    assert time.now <= seconds + 1e-6


def test_a_deadline_that_passes_names_what_is_left(error_words):
    time = Time()
    with pytest.raises(NotDrained) as caught:
        wait(WaitOperation("wait", TWO_LEAVE, 5), lambda: {HERE: Connections(2, 5, 0)}, time.clock, time.pause)
    assert error_words(caught.value) == ("drain_timeout", 5)
    assert time.now == pytest.approx(5)


def test_servers_that_are_gone_have_no_connections():
    drain = wait(WaitOperation("wait", TWO_LEAVE, 10), dict)["drain"]
    assert (drain["connections"]["active"], drain["left"]) == (0, [])
