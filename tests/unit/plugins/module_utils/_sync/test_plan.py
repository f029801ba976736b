# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of ipvs_sync: no kernel, any state, any wish."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import SYNC_STATE
from ansible_collections.lvs.cluster.plugins.module_utils._ipvs.model import Daemon
from ansible_collections.lvs.cluster.plugins.module_utils._sync.model import (
    KERNEL_SYSCTLS,
    Item,
    Memory,
    SyncState,
    default_length,
    identity,
    length_limits,
)
from ansible_collections.lvs.cluster.plugins.module_utils._sync.operations import MemoryOperation, simulate
from ansible_collections.lvs.cluster.plugins.module_utils._sync.options import WantedSync
from ansible_collections.lvs.cluster.plugins.module_utils._sync.plan import plan_sync
from ansible_collections.lvs.cluster.plugins.module_utils._sync.saved import dump, load
from hypothesis import given
from hypothesis import strategies as st
from plans import simulated

MASTER = {"state": "master", "interface": "eth0", "sync_id": 7}
BACKUP = {**MASTER, "state": "backup"}
ON_MASTER = "master on eth0 (sync ID 7, 224.0.0.81:8848, TTL 1, 1472 bytes)"
ON_BACKUP = "backup on eth0 (sync ID 7, 224.0.0.81:8848, TTL 1, 8972 bytes)"
NOTE, REMOVE = f"note what is declared in {SYNC_STATE}", f"remove {SYNC_STATE}"
FRESH = SyncState({}, KERNEL_SYSCTLS, {"lo": 65536, "eth0": 9000, "eth1": 1500})
BOTH = {"daemons": [MASTER, BACKUP], "sysctls": {"sync_threshold": [0, 0], "sync_refresh_period": 10}}


def wanted(**options: Any) -> WantedSync:
    return WantedSync.from_options(options)


def daemon(**options: Any) -> Daemon:
    """Return a daemon that runs, with the length that the kernel chooses on eth1."""
    (one,) = wanted(daemons=[{**MASTER, **options}]).daemons or ()
    return one._replace(max_length=one.max_length or default_length(one.state, one.group, 1500))


def running(*daemons: Daemon, **sysctls: Any) -> SyncState:
    """Return a host with these daemons and sysctls, of which nothing is remembered."""
    return FRESH._replace(daemons={one.state: one for one in daemons}, sysctls={**KERNEL_SYSCTLS, **sysctls})


def after(host: SyncState, /, **options: Any) -> SyncState:
    """Return the state after a run."""
    return simulated(host, wanted(**options), plan_sync, simulate)


def words(host: SyncState, /, **options: Any) -> list[str]:
    return plan_sync(host, wanted(**options)).words


def test_first_run_and_last():
    plan = plan_sync(FRESH, wanted(**BOTH))
    assert plan.words == [
        NOTE,
        "set net.ipv4.vs.sync_threshold = 0 0 (was 3 50)",
        "set net.ipv4.vs.sync_refresh_period = 10 (was 0)",
        f"start sync daemon {ON_BACKUP}",
        f"start sync daemon {ON_MASTER}",
    ]
    assert plan.before["daemons"] == []
    assert plan.results == {
        "daemons": [
            {**MASTER, "max_length": 1472, "group": "224.0.0.81", "port": 8848, "ttl": 1},
            {**BACKUP, "max_length": 8972, "group": "224.0.0.81", "port": 8848, "ttl": 1},
        ],
        "sysctls": {
            **dict.fromkeys(KERNEL_SYSCTLS, 0),
            "sync_threshold": [0, 0],
            "sync_refresh_period": 10,
        },
    }
    state = after(FRESH, **BOTH)
    assert state.memory.former == {"sync_threshold": (3, 50), "sync_refresh_period": (0,)}
    assert words(state, state="absent") == [
        "give back net.ipv4.vs.sync_threshold = 3 50 (was 0 0)",
        "give back net.ipv4.vs.sync_refresh_period = 0 (was 10)",
        f"stop sync daemon {ON_BACKUP}",
        f"stop sync daemon {ON_MASTER}",
        REMOVE,
    ]
    assert after(state, state="absent") == FRESH
    assert after(state, **BOTH, state="absent") == FRESH
    assert after(FRESH, state="absent") == FRESH


def test_what_runs_already_is_noted_and_kept():
    """A length that is not named is as it is; port, group and TTL are those on which directors have to agree."""
    state = running(daemon(max_length=700))
    assert words(state, daemons=[MASTER]) == [NOTE]
    assert after(state, daemons=[MASTER]).daemons == state.daemons
    assert words(after(state, daemons=[MASTER]), state="absent")[0].startswith("stop sync daemon master on eth0")


@pytest.mark.parametrize(
    "change",
    [{"interface": "eth1"}, {"sync_id": 8}, {"max_length": 99}, {"group": "ff02::81"}, {"port": 9000}, {"ttl": 2}],
)
def test_one_with_other_parameters_is_stopped_and_started_at_once(change):
    state = after(FRESH, daemons=[MASTER, BACKUP])
    steps = words(state, daemons=[{**MASTER, **change}, BACKUP])
    assert [step.split(" on ")[0] for step in steps] == [
        NOTE,
        "stop sync daemon master",
        "start sync daemon master",
        NOTE,
    ]
    assert identity(after(state, daemons=[{**MASTER, **change}]).daemons["master"]) == identity(daemon(**change))


def test_what_receives_is_started_before_what_sends_is_stopped():
    state = after(FRESH, daemons=[MASTER], sysctls={"backup_only": 1})
    steps = words(state, daemons=[BACKUP], sysctls={"backup_only": 1})
    assert steps == [NOTE, f"start sync daemon {ON_BACKUP}", f"stop sync daemon {ON_MASTER}", NOTE]


def test_the_director_is_off_for_no_moment():
    """backup_only is lifted before a master joins a backup, and set once the backup is alone."""
    alone = {"daemons": [BACKUP], "sysctls": {"backup_only": 1}}
    beside = {"daemons": [MASTER, BACKUP], "sysctls": {"backup_only": 0}}
    lifted, put = "set net.ipv4.vs.backup_only = 0 (was 1)", "set net.ipv4.vs.backup_only = 1 (was 0)"
    assert words(after(FRESH, **alone), **beside) == [NOTE, lifted, f"start sync daemon {ON_MASTER}", NOTE]
    assert words(after(FRESH, **beside), **alone) == [NOTE, f"stop sync daemon {ON_MASTER}", put, NOTE]


def test_a_daemon_of_others_stays():
    foreign = running(daemon(state="backup", sync_id=9))
    assert words(foreign, daemons=[MASTER]) == [NOTE, f"start sync daemon {ON_MASTER}"]
    assert words(foreign, daemons=[]) == []
    assert words(foreign, state="absent") == []
    plan = plan_sync(foreign, wanted(daemons=[BACKUP], state="absent"))
    assert (plan.words, len(plan.warnings)) == ([], 1)
    stops = "stop sync daemon backup on eth0 (sync ID 9, 224.0.0.81:8848, TTL 1, 1472 bytes)"
    assert words(foreign, daemons=[], purge=True) == [stops]
    assert words(foreign, daemons=[BACKUP], purge=True) == [NOTE, stops, f"start sync daemon {ON_BACKUP}"]


def test_what_the_owner_declares_for_the_boot_is_its_own():
    state, own = running(daemon(port=9000)), [Item((identity(daemon(port=9000)),), {"sloppy_tcp": (1,)})]
    plan = plan_sync(state, wanted(daemons=[MASTER]), own)
    assert plan.words[1].startswith("stop sync daemon master on eth0 (sync ID 7, 224.0.0.81:9000")
    assert plan_sync(state, wanted(daemons=[]), own).words == [plan.words[1]]
    # Its former value is not known then, nor is the value of now taken for it.
    state = running(sloppy_tcp=(1,))
    assert plan_sync(state, wanted(sysctls={"sloppy_tcp": 1}), own).operations[0].memory.former == {}
    assert plan_sync(state, wanted(state="absent"), own).words == [
        "give back net.ipv4.vs.sloppy_tcp = 0 (was 1, the kernel's default, as the former value is not known)"
    ]


def test_a_sysctl_that_is_listed_no_longer_gets_its_former_value():
    state = after(running(sync_retries=(2,)), sysctls={"sync_retries": 3, "sloppy_tcp": 1})
    later = after(state, sysctls={"sloppy_tcp": 1})
    assert later.sysctls == {**KERNEL_SYSCTLS, "sync_retries": (2,), "sloppy_tcp": (1,)}
    assert later.memory == Memory({"sloppy_tcp": (0,)}, {"default": (Item((), {"sloppy_tcp": (1,)}),)})
    assert after(state, daemons=[]).sysctls == state.sysctls


def test_a_sysctl_that_others_changed_since_is_left():
    state = after(FRESH, sysctls={"sync_retries": 3})._replace(sysctls={**KERNEL_SYSCTLS, "sync_retries": (1,)})
    plan = plan_sync(state, wanted(state="absent"))
    assert plan.words == [REMOVE]
    assert plan.warnings == ("net.ipv4.vs.sync_retries stays 1, since another program changed it.",)


def test_what_another_cluster_declares_stays():
    words_of = {identity(daemon()): "Sync daemon stays.", "sloppy_tcp": "It stays."}
    state = after(FRESH, daemons=[MASTER], sysctls={"sloppy_tcp": 1})
    gone = wanted(state="absent")._replace(
        kept_daemons={identity(daemon()): "Sync daemon stays."}, kept_sysctls={"sloppy_tcp": "It stays."}
    )
    plan = plan_sync(state, gone)
    assert (plan.words, list(plan.warnings)) == ([NOTE], list(words_of.values()))
    assert plan.operations[0].memory == Memory({"sloppy_tcp": (0,)})
    assert plan_sync(state, gone._replace(present=True, daemons=(), purge=True)).warnings == ("Sync daemon stays.",)


def test_a_renamed_cluster_keeps_what_it_has():
    state = after(FRESH, **BOTH)
    renamed = after(state, **BOTH, owner="web", former_owner="default")
    assert (renamed.daemons, renamed.sysctls) == (state.daemons, state.sysctls)
    assert renamed.memory == Memory(state.memory.former, {"web": state.memory.owners["default"]})
    assert after(renamed, state="absent", owner="web") == FRESH


def test_a_boot_replaces_and_removes_nothing_else():
    plan = plan_sync(FRESH, wanted(**BOTH)._replace(boot=True))
    assert not [one for one in plan.operations if isinstance(one, MemoryOperation)]
    assert len(plan.words) == 4
    less = {"daemons": [{**MASTER, "sync_id": 8}], "sysctls": {"sync_retries": 3}}
    plan = plan_sync(after(FRESH, **BOTH), wanted(**less)._replace(boot=True))
    assert [words.split(" (")[0] for words in plan.words] == [
        "set net.ipv4.vs.sync_retries = 3",
        "stop sync daemon master on eth0",
        "start sync daemon master on eth0",
    ]


def test_it_warns_of_a_master_that_sends_nothing():
    silent = {"daemons": [MASTER], "sysctls": {"sync_threshold": [0, 0]}}
    assert len(plan_sync(FRESH, wanted(**silent)).warnings) == 1
    assert plan_sync(FRESH, wanted(**BOTH)).warnings == ()


REFUSED = {
    "an interface that is not there": (FRESH, {"daemons": [{**MASTER, "interface": "eth9"}]}),
    "no interface at all": (FRESH._replace(mtus={}), {"daemons": [MASTER]}),
    "a daemon of others": (running(daemon(sync_id=9)), {"daemons": [MASTER]}),
    "a sysctl that the kernel lacks": (FRESH._replace(sysctls={}), {"sysctls": {"sync_threshold": [0, 0]}}),
    "backup_only of others, and both": (running(backup_only=(1,)), {"daemons": [MASTER, BACKUP]}),
    "backup_only, and both of others": (
        running(daemon(), daemon(state="backup")),
        {"sysctls": {"backup_only": 1}},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_this_host(case, error_words):
    state, options = REFUSED[case]
    with pytest.raises(LvsError) as refusal:
        plan_sync(state, wanted(**options))
    error_words(refusal.value, case)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"format": 2}', b'{"format": 1, "former": {"sloppy_tcp": "x"}, "owners": {}}']
)
def test_a_damaged_memory(text, error_words):
    with pytest.raises(LvsError) as refusal:
        load(text)
    assert error_words(refusal.value) == (SYNC_STATE, None)


DAEMONS = st.builds(
    lambda one, interface, number, length, group, port: Daemon(one, interface, number, length, group, port, 1),
    st.sampled_from(["master", "backup"]),
    st.sampled_from(["eth0", "eth1"]),
    st.integers(1, 2),
    st.sampled_from([0, 1024, 1400]),
    st.sampled_from(["224.0.0.81", "ff02::81"]),
    st.integers(8848, 8849),
)
SYSCTLS = st.fixed_dictionaries(
    {},
    optional={
        "sync_threshold": st.sampled_from([(0, 0), (3, 50)]),
        "sync_refresh_period": st.sampled_from([(0,), (10,)]),
        "sync_retries": st.sampled_from([(0,), (3,)]),
        "sloppy_tcp": st.sampled_from([(0,), (1,)]),
    },
)


def tables(daemons: Any) -> Any:
    """Return lists of daemons with one of each state at most."""
    return st.lists(daemons, max_size=2, unique_by=lambda one: one.state).map(
        lambda found: tuple(sorted(found, key=lambda one: one.state, reverse=True))
    )


ITEMS = st.builds(Item, tables(DAEMONS), SYSCTLS)
MEMORIES = st.builds(
    Memory, SYSCTLS, st.dictionaries(st.sampled_from(["default", "web"]), st.lists(ITEMS, min_size=1, max_size=2).map(tuple))
)  # fmt: skip
STATES = st.builds(
    lambda found, sysctls, memory: running(
        *(one._replace(max_length=one.max_length or 1452) for one in found), **sysctls
    )._replace(memory=memory),
    tables(DAEMONS),
    SYSCTLS,
    MEMORIES,
)
WISHES = st.builds(
    lambda item, daemons, sysctls, present, owner: WantedSync(
        item.daemons if daemons else None, item.sysctls if sysctls else None, present, daemons, Owner(owner)
    ),
    ITEMS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["default", "web"]),
)


@given(STATES, WISHES)
def test_the_plan_leads_to_what_is_wanted_and_ends_there(state, wish):
    later = simulated(state, wish, plan_sync, simulate)
    if wish.present:
        for one in wish.daemons or ():
            assert identity(later.daemons[one.state]) == identity(one)
            assert one.max_length in (0, later.daemons[one.state].max_length)
        assert {**later.sysctls, **(wish.sysctls or {})} == later.sysctls
    for one in later.daemons.values():
        least, most = length_limits(one.state, one.group)
        assert least <= one.max_length <= most
    assert load(dump(later.memory)) == later.memory
    other = "web" if wish.owner.name == "default" else "default"
    assert later.memory.owners.get(other) == state.memory.owners.get(other)


@given(STATES, WISHES, st.integers(0, 9))
def test_a_run_that_ends_early_is_healed_by_the_next(state, wish, steps):
    whole = simulated(state, wish, plan_sync, simulate)
    half = state
    for operation in plan_sync(state, wish).operations[:steps]:
        half = simulate(half, operation)
    healed = simulated(half, wish, plan_sync, simulate)
    assert healed.daemons == whole.daemons
    assert healed.sysctls == whole.sysctls
    assert healed.memory.owners == whole.memory.owners


@given(ITEMS)
def test_all_of_it_can_be_taken_back(item):
    there = simulated(FRESH, WantedSync(item.daemons, item.sysctls), plan_sync, simulate)
    assert simulated(there, WantedSync(present=False), plan_sync, simulate) == FRESH
