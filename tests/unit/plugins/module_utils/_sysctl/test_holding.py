# SPDX-License-Identifier: GPL-3.0-or-later
"""Sysctls of several clusters on one host: a value stays until the last of them has given it up."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import ErrorGroup
from ansible_collections.lvs.cluster.plugins.module_utils._core.owner import Owner
from ansible_collections.lvs.cluster.plugins.module_utils._core.paths import DROP_IN, SYSCTL_STATE
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.files import declared
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.model import Pair, Request
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.plan import make_plan
from ansible_collections.lvs.cluster.plugins.module_utils._sysctl.saved import load_all
from hypothesis import given
from hypothesis import strategies as st
from sysctl_hosts import DEFAULTS, TARGETS, Host, host, hosts

DEFAULT, WEB = Owner(), Owner("web")
ARP = {"arp_ignore": 1, "arp_announce": 2}
ALL = Pair("all", "arp_ignore")
# What release 1.0.0 wrote for arp_ignore of all and lo, which knew of no owners
STATE_OF_1_0_0 = """\
{
 "format": 1,
 "former": {
  "net/ipv4/conf/all/arp_ignore": {
   "value": 0
  },
  "net/ipv4/conf/lo/arp_ignore": {
   "value": 0
  }
 }
}
"""
DROP_IN_OF_1_0_0 = """\
# Kept by the Ansible module lvs.cluster.arp_sysctl, line by line: other runs add their own lines,
# and its state=absent takes them out again. Lines of other settings are left as they are.
net/ipv4/conf/all/arp_ignore = 1
net/ipv4/conf/lo/arp_ignore = 1
"""


def of_1_0_0() -> Host:
    machine = host(all__arp_ignore=1, lo__arp_ignore=1)
    machine.files.update({SYSCTL_STATE: STATE_OF_1_0_0, DROP_IN: DROP_IN_OF_1_0_0})
    return machine


def present(owner: Owner, *targets: str, **wanted: int) -> Request:
    return Request(targets or ("all", "lo"), wanted or {"arp_ignore": 1}, owner=owner)


def absent(owner: Owner, **wanted: int) -> Request:
    return Request(TARGETS, wanted, present=False, owner=owner)


def test_the_files_of_1_0_0_get_an_owner_in_the_next_run_and_no_more():
    machine = of_1_0_0()
    assert machine.run(present(DEFAULT)).words == [f"note what is declared in {SYSCTL_STATE}"]
    assert json.loads(machine.files[SYSCTL_STATE])["owners"] == {
        "default": {"net/ipv4/conf/all/arp_ignore": 1, "net/ipv4/conf/lo/arp_ignore": 1}
    }
    assert machine.run(present(DEFAULT)).operations == ()
    machine.run(absent(DEFAULT))
    assert (machine.kernel.values, machine.files) == (DEFAULTS, {})


@pytest.mark.parametrize("migrated", [True, False])
def test_another_cluster_on_a_host_of_1_0_0(migrated):
    machine = of_1_0_0()
    if migrated:
        machine.run(present(DEFAULT))
    machine.run(present(WEB))
    assert machine.run(present(DEFAULT)).operations == ()
    plan = machine.run(absent(WEB))
    assert plan.warnings[0] == (
        "net/ipv4/conf/all/arp_ignore = 1 stays, since cluster default declares it on this host."
    )
    assert machine.kernel.values[ALL] == 1
    assert machine.files[DROP_IN] == DROP_IN_OF_1_0_0
    machine.run(absent(DEFAULT))
    assert (machine.kernel.values, machine.files) == (DEFAULTS, {})


def test_an_owner_that_never_declared_anything_gives_nothing_back():
    machine = of_1_0_0()
    assert make_plan(absent(WEB), machine.facts()).operations == ()


def test_two_values_for_one_setting_are_an_error_with_both_names(error_words):
    machine = host()
    machine.run(present(WEB, "all", "eth0", forwarding=1))
    with pytest.raises(ErrorGroup) as refusal:
        make_plan(present(DEFAULT, "all", forwarding=0), machine.facts())
    error_words(refusal.value)


def test_a_cluster_that_is_renamed_keeps_its_values():
    machine = of_1_0_0()
    machine.run(present(Owner("web", "default"), "all", "lo", arp_ignore=1))
    assert set(load_all(machine.files[SYSCTL_STATE])[1]) == {"web"}
    assert machine.run(present(WEB)).operations == ()
    assert make_plan(absent(DEFAULT), machine.facts()).operations == ()
    machine.run(absent(WEB))
    assert (machine.kernel.values, machine.files) == (DEFAULTS, {})


def test_a_value_that_is_held_without_a_file_stays_too():
    machine = host()
    machine.run(present(WEB)._replace(persist=False))
    machine.run(present(DEFAULT, "all", "default", "lo"))
    machine.run(absent(DEFAULT))
    assert machine.kernel.values == {**DEFAULTS, ALL: 1, Pair("lo", "arp_ignore"): 1}


WISHES = st.builds(
    lambda owner, targets, wanted, is_present: Request(
        tuple(targets), wanted if is_present else {}, is_present, strict=False, owner=owner
    ),
    st.sampled_from([DEFAULT, WEB]),
    st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3, unique=True),
    st.dictionaries(
        st.sampled_from(["arp_ignore", "forwarding", "send_redirects", "rp_filter"]), st.integers(0, 1), min_size=1
    ),
    st.booleans(),
)


def held(machine: Host, owner: Owner) -> dict[Pair, int]:
    return dict(load_all(machine.files.get(SYSCTL_STATE))[1].get(owner.name, {}))


@given(hosts(), st.lists(WISHES, max_size=6))
def test_no_run_changes_what_the_other_declares(machine, wishes):
    for wish in wishes:
        other = WEB if wish.owner == DEFAULT else DEFAULT
        mine = held(machine, other)
        values = {pair: machine.kernel.values[pair] for pair in mine}
        lines = {pair: declared(machine.files.get(DROP_IN) or "").get(pair) for pair in mine}
        with suppress(ErrorGroup):
            machine.run(wish)
        assert held(machine, other) == mine
        assert {pair: machine.kernel.values[pair] for pair in mine} == values
        assert {pair: declared(machine.files.get(DROP_IN) or "").get(pair) for pair in mine} == lines
        assert all(machine.kernel.values[pair] == value for pair, value in held(machine, other).items())
    for owner in (DEFAULT, WEB):
        machine.run(absent(owner))
    assert machine.files == {}
