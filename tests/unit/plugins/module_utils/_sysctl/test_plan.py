# SPDX-License-Identifier: GPL-3.0-or-later
"""What arp_sysctl decides: rules of combination, plans, and that they heal, repeat and undo themselves."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN, SYSCTL_STATE
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.files import declared
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import (
    MAXIMUM,
    SETTINGS,
    Pair,
    Request,
    effective,
    satisfies,
)
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.plan import make_plan
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.saved import load
from hypothesis import given
from hypothesis import strategies as st
from sysctl_hosts import DEFAULTS, INTERFACES, TARGETS, host, hosts


@pytest.mark.parametrize(
    ("key", "everywhere", "own", "forwarding", "expected"),
    [
        ("arp_ignore", 1, 0, 0, 1),
        ("arp_ignore", 1, 8, 0, 8),
        ("arp_announce", 2, 1, 0, 2),
        ("arp_notify", 0, 1, 0, 1),
        ("arp_accept", 2, 1, 0, 2),
        ("rp_filter", 1, 2, 0, 2),
        ("rp_filter", 0, 0, 0, 0),
        ("send_redirects", 0, 1, 0, 1),
        ("send_redirects", 0, 0, 0, 0),
        ("secure_redirects", 1, 0, 0, 1),
        ("proxy_arp", 1, 0, 0, 1),
        ("forwarding", 1, 0, 0, 0),
        ("forwarding", 0, 1, 1, 1),
        ("accept_redirects", 1, 0, 0, 1),
        ("accept_redirects", 1, 0, 1, 0),
        ("accept_redirects", 1, 1, 1, 1),
        ("accept_redirects", 0, 0, 0, 0),
    ],
)
def test_rules_of_combination(key, everywhere, own, forwarding, expected):
    values = {Pair("eth0", "forwarding"): forwarding, Pair("all", key): everywhere, Pair("eth0", key): own}
    assert effective(values, "eth0", key) == expected


def test_the_classic_real_server():
    plan = make_plan(Request(("all", "default", "lo"), {"arp_ignore": 1, "arp_announce": 2}), host().facts())
    assert plan.words == [
        f"remember 10 former values in {SYSCTL_STATE}",
        "set net/ipv4/conf/all/arp_ignore = 1 (was 0)",
        "set net/ipv4/conf/default/arp_ignore = 1 (was 0)",
        "set net/ipv4/conf/lo/arp_ignore = 1 (was 0)",
        "set net/ipv4/conf/all/arp_announce = 2 (was 0)",
        "set net/ipv4/conf/default/arp_announce = 2 (was 0)",
        "set net/ipv4/conf/lo/arp_announce = 2 (was 0)",
        f"write {DROP_IN}: net/ipv4/conf/all/arp_ignore = 1, net/ipv4/conf/default/arp_ignore = 1, "
        "net/ipv4/conf/lo/arp_ignore = 1, net/ipv4/conf/all/arp_announce = 2, "
        "net/ipv4/conf/default/arp_announce = 2, net/ipv4/conf/lo/arp_announce = 2",
    ]
    assert plan.results["effective"] == {name: {"arp_ignore": 1, "arp_announce": 2} for name in INTERFACES}
    assert plan.results["persisted"] == DROP_IN


@pytest.mark.parametrize(
    ("state", "targets", "wanted", "text"),
    [
        (
            {"eth0__arp_ignore": 3},
            ("all", "lo"),
            {"arp_ignore": 1},
            "arp_ignore: 1 would not be in effect on eth0 (own value 3, in effect 3), as conf/all would be 1 and the kernel "
            "takes the larger of conf/all and the interface's own value; add eth0 to interfaces.",
        ),
        (
            {},
            ("all", "default", "lo"),
            {"send_redirects": 0},
            "send_redirects: 0 would not be in effect on eth0 (own value 1, in effect 1), eth0.100 (own value 1, in effect "
            "1), as conf/all would be 0 and the kernel takes 1 when conf/all or the interface's own value is 1; "
            "add eth0, eth0.100 to interfaces.",
        ),
        (
            {"all__rp_filter": 2},
            ("eth0",),
            {"rp_filter": 1},
            "rp_filter: 1 would not be in effect on eth0 (own value 1, in effect 2), as conf/all would be 2 and the kernel "
            "takes the larger of conf/all and the interface's own value; add all to interfaces.",
        ),
        (
            {"all__forwarding": 0, "eth0__forwarding": 1},
            ("all",),
            {"forwarding": 0},
            "forwarding: 0 would not be in effect on eth0 (own value 1, in effect 1), as conf/all would be 0 and the kernel "
            "takes the interface's own value alone; add eth0 to interfaces.",
        ),
    ],
)
def test_what_would_not_act_is_refused_or_warned_of(state, targets, wanted, text, error_words):
    facts = host(**state).facts()
    with pytest.raises(LvsError) as caught:
        make_plan(Request(targets, wanted), facts)
    subject, value = error_words(caught.value)
    assert text.startswith(f"{subject}: {value} would not be in effect on ")
    assert make_plan(Request(targets, wanted, strict=False), facts).warnings == (text,)


def test_only_the_interfaces_that_matter_are_judged(error_words):
    facts = host(eth0__send_redirects=0, all__send_redirects=1, lo__send_redirects=1).facts()
    wanted = {"send_redirects": 0}
    assert make_plan(Request(("all",), wanted, effective_on=("eth0",)), facts).words
    with pytest.raises(LvsError) as caught:
        make_plan(Request(("all",), wanted, effective_on=("lo",)), facts)
    assert error_words(caught.value) == ("send_redirects", 0)
    with pytest.raises(LvsError) as caught:
        make_plan(Request(("all",), wanted, effective_on=("nosuch0",)), facts)
    assert error_words(caught.value) == ("effective_on", "nosuch0")


def test_interfaces_that_are_not_named_are_not_judged_without_all():
    plan = make_plan(Request(("lo",), {"rp_filter": 0}), host(eth0__rp_filter=1).facts())
    assert plan.warnings == ()


def test_forwarding_of_all_does_not_take_accept_redirects_along():
    machine = host()
    plan = machine.run(Request(("all",), {"forwarding": 1}))
    assert plan.words[1:3] == [
        "set net/ipv4/conf/all/forwarding = 1 (was 0)",
        "keep net/ipv4/conf/all/accept_redirects = 1, which writing net/ipv4/conf/all/forwarding may reset (was 0)",
    ]
    assert machine.kernel.values[Pair("eth0", "forwarding")] == 1
    assert machine.run(Request(("all",), {}, present=False)).words[0] == (
        "give back net/ipv4/conf/all/forwarding = 0, the value before the first run (was 1)"
    )
    assert machine.kernel.values == DEFAULTS


def test_accept_redirects_that_is_asked_for_is_written_once():
    plan = make_plan(Request(("all", *INTERFACES), {"forwarding": 1, "accept_redirects": 0}), host().facts())
    assert not [word for word in plan.words if "all/accept_redirects = 1" in word]
    # The kernel has already written it: nothing is left to do for `all`.
    assert not [word for word in plan.words if "set net/ipv4/conf/all/accept_redirects" in word]


def test_other_runs_keep_their_lines_and_their_forwarding():
    machine = host()
    machine.run(Request(("eth0",), {"forwarding": 1}))
    plan = machine.run(Request(("all", "default", "lo"), {"forwarding": 0}, strict=False))
    assert not [word for word in plan.words if word.startswith("keep")]
    machine.run(Request(("all", "default", "lo"), {"forwarding": 1}))
    plan = machine.run(Request(("all", "default", "lo"), {"forwarding": 0}, strict=False))
    assert (
        "keep net/ipv4/conf/eth0/forwarding = 1, which writing net/ipv4/conf/all/forwarding may reset (was 0)"
        in plan.words
    )
    assert declared(machine.files[DROP_IN])[Pair("eth0", "forwarding")] == "1"


def test_what_another_run_declares_is_kept_where_it_may_follow_default():
    machine = host(followers=(Pair("eth0", "arp_ignore"),))
    machine.run(Request(("all", "default", "lo"), {"arp_ignore": 1}))
    assert not [word for word in machine.run(Request(("eth0",), {"arp_ignore": 1})).words if word.startswith("set")]
    plan = machine.run(Request(("all", "default", "lo"), {}, present=False))
    assert (
        "keep net/ipv4/conf/eth0/arp_ignore = 1, which writing net/ipv4/conf/default/arp_ignore may reset (was 1)"
        in plan.words
    )
    assert machine.kernel.values[Pair("eth0", "arp_ignore")] == 1
    assert machine.run(Request(("eth0",), {}, present=False)).changed
    assert machine.kernel.values == DEFAULTS


def test_a_new_interface_that_is_named_later_gives_back_what_default_was():
    machine = host()
    machine.run(Request(("all", "default", "lo"), {"arp_ignore": 1}))
    machine.kernel.interfaces += ("eth1",)
    machine.kernel.values.update({pair._replace(target="eth1"): 0 for pair in DEFAULTS if pair.target == "lo"})
    machine.kernel.values[Pair("eth1", "arp_ignore")] = 1
    machine.run(Request(("eth1",), {"arp_ignore": 1}))
    machine.run(Request(("eth1",), {}, present=False))
    assert machine.kernel.values[Pair("eth1", "arp_ignore")] == 0


def test_an_undoing_that_dies_after_default_knows_its_heirs_still():
    machine = host()
    machine.run(Request(("all", "default", "lo"), {"arp_ignore": 1}))
    machine.kernel.values[Pair("eth0", "arp_ignore")] = 1  # from default, at a reboot
    absent = Request(("all", "default", "lo"), {}, present=False)
    for operation in make_plan(absent, machine.facts()).operations:
        machine.do(operation)
        if operation.pair == Pair("default", "arp_ignore"):
            break
    machine.run(absent)
    assert machine.kernel.values == DEFAULTS


def test_without_memory_the_kernels_default_is_given_back_and_said_so():
    machine = host()
    machine.run(Request(("all",), {"arp_ignore": 1}))
    del machine.files[SYSCTL_STATE]
    assert machine.run(Request(("all",), {"arp_ignore": 1})).words == [f"note what is declared in {SYSCTL_STATE}"]
    assert machine.run(Request(("all",), {"arp_ignore": 1})).operations == ()
    plan = machine.run(Request(("all",), {}, present=False))
    assert plan.words[0] == (
        "give back net/ipv4/conf/all/arp_ignore = 0, the kernel's default, as the former value is not known (was 1)"
    )
    assert machine.files == {}


def test_an_interface_that_appeared_later_gives_back_what_default_gave_it():
    machine = host()
    machine.run(Request(("all", "default", "lo"), {"arp_ignore": 1}))
    # A reboot: eth0 starts from default, gets its address (so it no longer follows), and we are undone then.
    machine.kernel.values[Pair("eth0", "arp_ignore")] = 1
    late = Pair("eth1", "arp_ignore")
    machine.kernel.interfaces += ("eth1",)
    machine.kernel.values.update({pair._replace(target="eth1"): 0 for pair in DEFAULTS if pair.target == "lo"})
    machine.kernel.values[late] = 1
    machine.run(Request(("all", "default", "lo"), {}, present=False))
    assert [machine.kernel.values[Pair(name, "arp_ignore")] for name in ("all", "default", "eth0", "eth1")] == [
        0,
        0,
        0,
        0,
    ]


def test_a_value_that_somebody_gave_an_interface_since_stays():
    machine = host()
    machine.run(Request(("all", "default", "lo"), {"arp_ignore": 1}))
    machine.kernel.write(Pair("eth0", "arp_ignore"), 2)
    machine.run(Request(("all", "default", "lo"), {}, present=False))
    assert machine.kernel.values[Pair("eth0", "arp_ignore")] == 2


def test_absent_with_settings_gives_back_only_these_and_needs_no_interface():
    machine = host()
    machine.run(Request(("all", "eth0"), {"arp_ignore": 1, "arp_announce": 2}))
    facts = machine.facts()
    gone = facts._replace(
        interfaces=("eth0.100", "lo"),
        values={pair: value for pair, value in facts.values.items() if pair.target != "eth0"},
    )
    plan = make_plan(Request(("all", "eth0"), {"arp_ignore": 0}, present=False), gone)
    assert plan.words[0].startswith("give back net/ipv4/conf/all/arp_ignore = 0")
    assert len([word for word in plan.words if word.startswith("give back")]) == 1
    assert declared(plan.operations[1].text) == {Pair("all", "arp_announce"): "2", Pair("eth0", "arp_announce"): "2"}


def test_not_persisted_leaves_the_file_alone():
    machine = host()
    plan = machine.run(Request(("all",), {"arp_ignore": 1}, persist=False))
    assert DROP_IN not in machine.files
    assert plan.results["persisted"] == ""


@pytest.mark.parametrize(
    ("request_", "kernel", "about"),
    [
        (
            Request(("eth9",), {"arp_ignore": 1}),
            (6, 1),
            ("interfaces", "eth9"),
        ),
        (
            Request(("all",), {"arp_ignore": 4}),
            (6, 1),
            ("arp_ignore", 4),
        ),
        (
            Request(("all",), {"arp_accept": 2}),
            (5, 10),
            ("arp_accept", 2),
        ),
    ],
)
def test_what_the_host_does_not_have_is_refused(request_, kernel, about, error_words):
    with pytest.raises(InvalidValue) as caught:
        make_plan(request_, host().facts()._replace(kernel=kernel))
    assert error_words(caught.value) == about


# --- values of others ---------------------------------------------------------------------------------------------

ARP = Request(("all", "default", "lo"), {"arp_ignore": 1, "arp_announce": 2})
UNDO = Request(("all", "default", "lo"), {}, present=False)
ADMINS = "/etc/sysctl.d/50-admin.conf"


@pytest.mark.parametrize(
    ("value", "asked", "as_strict"),
    [
        *((value, 1, value in (1, 2, 8)) for value in (0, 1, 2, 3, 8)),
        *((value, 2, value in (2, 8)) for value in (0, 1, 2, 3, 8)),
        *((value, 3, value in (3, 8)) for value in (0, 1, 2, 3, 8)),
        # Who asks for 0 wants answers.
        *((value, 0, value == 0) for value in (0, 1, 2, 3, 8)),
    ],
)
def test_what_is_as_strict_for_arp_ignore(value, asked, as_strict):
    """As arp_ignore() in net/ipv4/arp.c has it; tests/netns proves it with requests."""
    assert satisfies("arp_ignore", value, asked) == as_strict


@pytest.mark.parametrize("key", [key for key in SETTINGS if not key.startswith("arp_")])
def test_where_both_values_have_a_use_only_the_same_is_good(key):
    values = SETTINGS[key].values
    assert all(satisfies(key, value, asked) == (value == asked) for value in values for asked in values)


@pytest.mark.parametrize("value", [2, 8])
@pytest.mark.parametrize("target", ["all", "default", "lo", "eth0"])
def test_a_stricter_value_stays(target, value):
    machine = host(**{f"{target}__arp_ignore": value})
    plan = machine.run(ARP)
    pair = Pair(target, "arp_ignore")
    assert machine.kernel.values[pair] == value
    # The drop-in is read last at boot.
    assert declared(machine.files[DROP_IN]).get(pair) == (str(value) if target != "eth0" else None)
    told = [{"name": pair.path, "value": value, "asked": 1}] if target != "eth0" else []
    assert plan.results["stricter"] == told
    assert machine.run(ARP).operations == ()
    machine.run(UNDO)
    assert machine.kernel.values[pair] == value


def test_a_stricter_value_is_replaced_where_that_is_asked_for():
    machine = host(all__arp_ignore=2)
    plan = machine.run(ARP._replace(keep_stricter=False))
    assert machine.kernel.values[Pair("all", "arp_ignore")] == 1
    assert plan.results["stricter"] == []


def test_what_1_0_0_lowered_is_raised_again():
    """It remembered the former value, and wrote 1 into the kernel and its file."""
    machine = host(all__arp_ignore=2)
    machine.run(ARP._replace(keep_stricter=False))
    assert machine.kernel.values[Pair("all", "arp_ignore")] == 1
    machine.run(ARP)
    assert machine.kernel.values[Pair("all", "arp_ignore")] == 2
    assert declared(machine.files[DROP_IN])[Pair("all", "arp_ignore")] == "2"
    assert machine.run(ARP).operations == ()


def test_a_file_that_is_stricter_at_boot_is_not_overruled():
    machine = host()
    machine.others[ADMINS] = "net.ipv4.conf.all.arp_ignore = 2\nnet.ipv4.conf.all.arp_announce = 1\n"
    machine.run(ARP)
    assert declared(machine.files[DROP_IN])[Pair("all", "arp_ignore")] == "2"
    assert declared(machine.files[DROP_IN])[Pair("all", "arp_announce")] == "2"
    assert machine.run(ARP).operations == ()


def test_what_others_raise_between_runs_stays_in_every_later_one_and_when_we_leave():
    machine = host()
    machine.run(ARP)
    machine.kernel.write(Pair("all", "arp_ignore"), 2)
    for _ in range(3):
        machine.run(ARP)
        assert machine.kernel.values[Pair("all", "arp_ignore")] == 2
    machine.run(UNDO)
    assert machine.kernel.values[Pair("all", "arp_ignore")] == 2


@pytest.mark.parametrize("value", [0, 1])
def test_what_others_lower_again_is_no_longer_kept(value):
    machine = host(all__arp_ignore=2)
    machine.run(ARP)
    machine.kernel.write(Pair("all", "arp_ignore"), value)
    for _ in range(3):
        machine.run(ARP)
        assert machine.kernel.values[Pair("all", "arp_ignore")] == 1
    machine.run(UNDO)
    assert machine.kernel.values[Pair("all", "arp_ignore")] == value


@pytest.mark.parametrize("value", [0, 2, 3, 8])
def test_what_others_set_since_the_last_run_is_not_taken_back(value):
    machine = host(all__arp_ignore=0)
    machine.run(ARP)
    machine.kernel.write(Pair("all", "arp_ignore"), value)
    machine.run(UNDO)
    assert machine.kernel.values[Pair("all", "arp_ignore")] == value
    assert machine.files == {}


def test_our_own_stricter_value_can_be_lowered():
    machine = host()
    for persist in (True, False):
        machine.run(Request(("all",), {"arp_ignore": 2}, persist=persist))
        machine.run(Request(("all",), {"arp_ignore": 1}, persist=persist))
        assert machine.kernel.values[Pair("all", "arp_ignore")] == 1


DIRECTOR = ("all", "default", "eth0")
FORMER_ROLE = Request(DIRECTOR, {"forwarding": 0, "send_redirects": 0}, effective_on=("eth0",))
ROLE = Request(DIRECTOR, {"send_redirects": 0}, effective_on=("eth0",), restored=("forwarding",))
ROUTES = {f"{target}__forwarding": 1 for target in ("all", "default", *INTERFACES)}


def forwarding(machine):
    return {pair.target: value for pair, value in machine.kernel.values.items() if pair.key == "forwarding"}


def test_forwarding_that_no_run_declared_is_left_alone():
    machine = host(**ROUTES)
    before = forwarding(machine)
    plan = machine.run(ROLE)
    assert forwarding(machine) == before
    assert [pair for pair in declared(machine.files[DROP_IN]) if pair.key == "forwarding"] == []
    assert plan.results["effective"]["eth0"] == {"forwarding": 1, "send_redirects": 0}
    assert machine.run(ROLE).operations == ()


def test_forwarding_that_1_0_0_switched_off_comes_back():
    machine = host(**{**ROUTES, "eth0.100__forwarding": 0})
    before = dict(machine.kernel.values)
    machine.run(FORMER_ROLE)
    assert set(forwarding(machine).values()) == {0}
    assert machine.run(ROLE).changed
    after = {pair: value for pair, value in machine.kernel.values.items() if pair.key != "send_redirects"}
    assert after == {pair: before[pair] for pair in after}
    assert {pair.key for pair in declared(machine.files[DROP_IN])} == {"send_redirects"}
    assert {pair.key for pair in load(machine.files[SYSCTL_STATE])} == {"send_redirects"}
    assert machine.run(ROLE).operations == ()


def test_forwarding_of_which_nothing_is_known_stays_and_is_not_declared_any_more():
    machine = host(**ROUTES)
    machine.run(FORMER_ROLE)
    del machine.files[SYSCTL_STATE]
    machine.run(ROLE)
    assert set(forwarding(machine).values()) == {0}
    assert {pair.key for pair in declared(machine.files[DROP_IN])} == {"send_redirects"}
    assert machine.run(ROLE).operations == ()


@pytest.mark.parametrize("known", [True, False])
def test_a_file_of_the_administrator_counts_where_nothing_else_is_known(known):
    machine = host()
    machine.run(FORMER_ROLE)
    machine.others[ADMINS] = "net.ipv4.ip_forward = 1\n"
    if not known:
        del machine.files[SYSCTL_STATE]
    machine.run(ROLE)
    assert forwarding(machine)["all"] == 1
    assert machine.run(ROLE).operations == ()


def test_forwarding_that_another_program_switched_on_since_stays():
    """As Docker does when it starts."""
    machine = host()
    machine.run(FORMER_ROLE)
    machine.kernel.write(Pair("all", "forwarding"), 1)
    machine.run(ROLE)
    assert set(forwarding(machine).values()) == {1}
    assert {pair.key for pair in declared(machine.files[DROP_IN])} == {"send_redirects"}


def test_masquerade_sets_forwarding_and_its_end_restores_it():
    machine = host()
    before = dict(machine.kernel.values)
    machine.run(Request(DIRECTOR, {"forwarding": 1, "send_redirects": 0}, effective_on=("eth0",)))
    assert set(forwarding(machine).values()) == {1}
    machine.run(ROLE)
    machine.run(Request(DIRECTOR, {}, present=False))
    assert machine.kernel.values == before
    assert machine.files == {}


# --- any host, any wish -------------------------------------------------------------------------------------------

WISHES = st.builds(
    lambda targets, wanted, persist, keep: Request(targets, wanted, persist=persist, strict=False, keep_stricter=keep),
    st.lists(st.sampled_from(TARGETS), min_size=1, unique=True).map(tuple),
    st.lists(st.sampled_from(list(SETTINGS)), min_size=1, max_size=4, unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: st.sampled_from(SETTINGS[key].values) for key in keys})
    ),
    st.booleans(),
    st.booleans(),
)


@given(hosts(), WISHES)
def test_a_run_does_what_its_plan_says_and_a_second_has_nothing_to_do(machine, wish):
    before = dict(machine.kernel.values)
    plan = machine.run(wish)
    values = machine.kernel.values
    assert plan.after["values"] == {path: values[Pair(*path.split("/")[-2:])] for path in plan.after["values"]}
    assert all(
        wish.meets(key, values[Pair(target, key)])
        and (values[Pair(target, key)] == value or values[Pair(target, key)] == before[Pair(target, key)])
        for target in wish.targets
        for key, value in wish.wanted.items()
    )
    again = make_plan(wish, machine.facts())
    assert again.operations == ()
    assert again.before == again.after


@given(hosts(), st.lists(WISHES, min_size=1, max_size=3))
def test_absent_brings_back_the_host_as_it_was(machine, wishes):
    before = dict(machine.kernel.values)
    for wish in wishes:
        machine.run(wish)
    plan = machine.run(Request(TARGETS, {}, present=False))
    assert machine.kernel.values == before
    assert machine.files == {}
    assert plan.changed
    assert make_plan(Request(TARGETS, {}, present=False), machine.facts()).operations == ()


@given(hosts(), WISHES, st.integers(0, 30), st.integers(0, 30))
def test_a_run_that_dies_anywhere_is_healed_by_the_next_and_still_undone(machine, wish, survived, undone):
    before = dict(machine.kernel.values)
    for operation in make_plan(wish, machine.facts()).operations[:survived]:
        machine.do(operation)
    machine.run(wish)
    assert make_plan(wish, machine.facts()).operations == ()
    absent = Request(TARGETS, {}, present=False)
    for operation in make_plan(absent, machine.facts()).operations[:undone]:
        machine.do(operation)
    machine.run(absent)
    differs = {pair for pair in before if machine.kernel.values[pair] != before[pair]}
    # A death between the two writes that forwarding takes loses accept_redirects of `all`: nobody can know it then.
    assert differs <= {Pair("all", "accept_redirects")}
    assert machine.files == {}


@given(hosts(), st.lists(WISHES, max_size=2), st.lists(st.sampled_from(list(SETTINGS)), min_size=1, unique=True))
def test_restoring_settings_is_as_absent_for_them(machine, wishes, keys):
    before = dict(machine.kernel.values)
    for wish in wishes:
        machine.run(wish)
    restore = Request(TARGETS, {}, restored=tuple(keys), strict=False)
    machine.run(restore)
    # The kernel couples them, and what is still declared of one keeps the other.
    coupled = {"forwarding", "accept_redirects"}
    for pair, value in machine.kernel.values.items():
        if pair.key in keys and pair.key not in coupled:
            assert value == before[pair]
    assert make_plan(restore, machine.facts()).operations == ()
    machine.run(Request(TARGETS, {}, present=False))
    assert machine.kernel.values == before
    assert machine.files == {}


@given(hosts(), WISHES)
def test_no_interface_is_ever_less_protected_than_before_or_after(machine, wish):
    keys = [key for key in wish.wanted if SETTINGS[key].rule == MAXIMUM]
    for request in (wish, Request(TARGETS, {}, present=False)):
        acts = [{(name, key): effective(machine.kernel.values, name, key) for name in INTERFACES for key in keys}]
        for operation in make_plan(request, machine.facts()).operations:
            machine.do(operation)
            acts.append(
                {(name, key): effective(machine.kernel.values, name, key) for name in INTERFACES for key in keys}
            )
        for place in acts[0]:
            assert min(act[place] for act in acts) >= min(acts[0][place], acts[-1][place])
