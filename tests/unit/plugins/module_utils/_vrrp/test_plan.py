# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a director's VRRP files, what the running keepalived needs then, and what a host refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.module_utils._restore.plan import Content
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Own
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.config import render_config
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import Instance, VipPlace, VrrpUnit, WantedVrrp
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import parse_vrrp
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.plan import (
    Loaded,
    VrrpState,
    plan_vrrp,
    trial_config,
    wanted_files,
    writes_config,
)
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.unit import unit_text
from hypothesis import HealthCheck, given, settings
from plans import simulated
from vrrp_instances import GATE, PEER, SOURCE, VIP, VIP6, instance, instance_lists

PROGRAM = "/usr/sbin/keepalived"
OWN = [Own("lo", "127.0.0.1", 8, 254), Own("eth0", SOURCE, 24, 0)]
MAIL = Instance("mail", 52, "eth0", 254, SOURCE, (PEER,), (VipPlace("192.0.2.31", "eth0"),))
PATHS = [
    "/etc/lvs-cluster/vrrp.conf",
    "/etc/systemd/system/lvs-cluster-vrrp.service",
    "/etc/systemd/system/multi-user.target.wants/lvs-cluster-vrrp.service",
]


def parse(*instances: dict[str, Any], **options: Any) -> WantedVrrp:
    return parse_vrrp({"instances": list(instances), **options})


WEB = parse(instance(), gate=GATE)


def files(wanted: WantedVrrp) -> dict[str, Content]:
    return {content.path: content for content in wanted_files(wanted, PROGRAM)}


def state(there: Mapping[str, Content] | None = None, **more: Any) -> VrrpState:
    return VrrpState(there or {}, own=more.pop("own", OWN), interfaces=("lo", "eth0"), **more)


def loaded(wanted: WantedVrrp) -> Loaded:
    return Loaded(unit_text(wanted.unit, PROGRAM, wanted.gate), render_config(wanted))


def test_files_on_a_fresh_host():
    plan = plan_vrrp(state(), WEB)
    assert plan.words == [f"write {PATHS[0]}", f"write {PATHS[1]}", f"link {PATHS[2]}"]
    assert writes_config(plan.operations, WEB.unit)
    assert plan.results == {
        "unit": "lvs-cluster-vrrp.service",
        "active": False,
        "former_unit": "",
        "restart": False,
        "reload": False,
        "instances": [{"name": "web", "vrid": 51, "anchor": "169.254.51.51", "role": "backup"}],
    }


def test_a_second_run_changes_nothing():
    plan = plan_vrrp(state(files(WEB), loaded=loaded(WEB)), WEB)
    assert (plan.words, plan.before, plan.results["reload"]) == ([], plan.after, False)
    assert not writes_config(plan.operations, WEB.unit)
    assert not writes_config(plan_vrrp(state(files(WEB)), parse(state="absent")).operations, WEB.unit)


@pytest.mark.parametrize(
    ("there", "tested"), [(["/run/lvs-cluster-vrrp"], GATE["path"]), (["/run"], "/run/gate"), ([], "/run/gate")]
)
def test_the_gate_is_tested_in_a_directory_that_is_there(there, tested):
    text = trial_config(WEB, lambda path: path in there)
    assert text == render_config(WEB).replace(GATE["path"], tested)
    assert trial_config(parse(instance()), lambda _path: False) == render_config(parse(instance()))


@given(instances=instance_lists(), former=instance_lists())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_instances_after_any_others(count_case, instances, former):
    count_case()
    names = {place for one in [*instances, *former] for place in [one["interface"], *_places(one)]}
    current = state(files(parse(*former, gate=GATE)))._replace(interfaces=tuple(names))

    def write(before: VrrpState, operation: Any) -> VrrpState:
        return before._replace(files={**before.files, operation.path: operation.content})

    after = simulated(current, parse(*instances), lambda *both: plan_vrrp(*both), write)
    assert set(after.files) == set(PATHS)


def _places(one: dict[str, Any]) -> list[str]:
    return [vip["interface"] for vip in one["vips"] if vip["interface"]]


@pytest.mark.parametrize(
    ("read", "restart", "reload"),
    [
        (None, False, False),
        (loaded(WEB), False, False),
        (loaded(WEB)._replace(config=render_config(parse(instance(priority=1)))), False, True),
        (loaded(WEB)._replace(config=render_config(parse(instance(vrid=9)))), True, False),
        (loaded(WEB)._replace(unit="another"), True, False),
        (loaded(WEB)._replace(config="nonsense {"), True, False),
        (Loaded(), True, False),
    ],
)
@pytest.mark.parametrize("there", [{}, files(WEB)])
def test_what_the_running_keepalived_needs(read, restart, reload, there):
    """Also where the files are as they are to be: an earlier run may have died before it came to the reload."""
    results = plan_vrrp(state(there, loaded=read), WEB).results
    assert (results["active"], results["restart"], results["reload"]) == (read is not None, restart, reload)


def test_removal():
    gone = parse(state="absent")
    plan = plan_vrrp(state(files(WEB), loaded=loaded(WEB)), gone)
    # The link first: what is half removed is not started by a boot.
    assert plan.words == [f"remove {path}" for path in reversed(PATHS)]
    assert (plan.after, plan.results["active"], plan.results["restart"]) == ({}, True, False)
    assert plan_vrrp(state(), gone).words == []
    assert plan_vrrp(state(own=[]), gone).words == []


@pytest.mark.parametrize("runs", [True, False])
def test_a_renamed_owner(runs):
    former = files(WEB)
    wanted = parse(instance(), gate=GATE, owner="web", former_owner="default")
    plan = plan_vrrp(state(former, formerly_runs=runs), wanted)
    assert plan.words[3:] == [f"remove {path}" for path in reversed(PATHS)]
    assert plan.results["former_unit"] == "lvs-cluster-vrrp.service"
    assert set(plan.after) == set(VrrpUnit("web").paths)
    again = plan_vrrp(state(files(wanted), formerly_runs=runs), wanted)
    assert (again.words, again.results["former_unit"]) == ([], "lvs-cluster-vrrp.service" if runs else "")


@pytest.mark.parametrize(("anchor", "role"), [([], "backup"), ([Own("eth0", "169.254.51.51", 32, 0)], "master")])
def test_the_role_is_where_the_anchor_is(anchor, role):
    (shown,) = plan_vrrp(state(own=[*OWN, *anchor]), WEB).results["instances"]
    assert shown["role"] == role


@pytest.mark.parametrize(("vmac", "unfiltered", "count"), [(True, "eth0", 1), (True, "lo", 0), (False, "eth0", 0)])
def test_an_interface_that_answers_beside_the_virtual_mac(vmac, unfiltered, count):
    warnings = plan_vrrp(state(unfiltered=[unfiltered]), parse(instance(vmac=vmac))).warnings
    assert len([one for one in warnings if one.startswith("eth0 answers ARP")]) == count


def test_vips_that_something_else_assigns_are_told():
    (warning,) = plan_vrrp(state(declared=(VIP6, "192.0.2.99")), WEB).warnings
    assert VIP6 in warning
    assert plan_vrrp(state(declared=(VIP6,)), parse(state="absent")).warnings == ()


@pytest.mark.parametrize(
    ("wanted", "host", "subject"),
    [
        (parse(instance(interface="eth9")), {}, "interface of instance web"),
        (parse(instance(vips=[{"address": VIP, "interface": "eth9"}])), {}, "interface of instance web"),
        (parse(instance(source_address="192.0.2.9")), {}, "source_address of instance web"),
        (WEB, {"own": []}, "source_address of instance web"),
        (WEB, {"others": {"mail": [MAIL._replace(vrid=51)]}}, "vrid"),
        (WEB, {"others": {"mail": [MAIL._replace(vips=(VipPlace(VIP, "eth1"),))]}}, "vips"),
    ],
)
def test_what_a_host_refuses(wanted: WantedVrrp, host: dict[str, Any], subject: str, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        plan_vrrp(state(**host), wanted)
    assert error_words(refusal.value)[0] == subject


def test_another_owner_beside():
    assert plan_vrrp(state(others={"mail": [MAIL]}), WEB).changed
