# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of vrrp_instances: what is tested before it is written, and what a host without keepalived is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import (
    InvalidValue,
    PrerequisiteMissing,
    ServiceRefusal,
)
from ansible_collections.lvs.cluster.plugins.module_utils._owner.declarations import Declaration
from ansible_collections.lvs.cluster.plugins.module_utils._restore.plan import Content
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Own
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp import run
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import parse_vrrp
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.plan import VrrpState, trial_config, wanted_files
from vrrp_instances import SOURCE, VIP, VIP6, instance

WEB = parse_vrrp({"instances": [instance()]})
PROGRAM = "/usr/sbin/keepalived"
FRESH = VrrpState({}, own=[Own("eth0", SOURCE, 24, 0)], interfaces=["eth0"])
MAIL = Declaration("mail", "director", {"vips": [{"interface": "eth0", "addresses": [VIP]}]})


class Host:
    """Stands in for the host: what it has, what was tested there, and what was applied."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state, self.program, self.others = FRESH, PROGRAM, list[Declaration]()
        self.tested: list[tuple[str, str, str]] = []
        self.applied: list[str] = []
        monkeypatch.setattr(run, "read_state", lambda _wanted: self.state)
        monkeypatch.setattr(run, "find_program", lambda: self.program)
        monkeypatch.setattr(run, "read_others", lambda _owner: self.others)
        monkeypatch.setattr(run, "check_config", lambda *arguments: self.tested.append(arguments))
        monkeypatch.setattr(run, "apply", lambda steps: self.applied.extend(step.words for step in steps))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


def test_a_new_configuration_is_tested_before_it_is_written(host):
    made = run.VrrpRun(WEB)
    assert host.tested == [(PROGRAM, WEB.unit.config, trial_config(WEB, lambda _path: True))]
    assert not host.applied
    made.apply()
    assert host.applied == made.plan.words


def test_what_is_not_written_is_not_tested(host):
    files = {content.path: content for content in wanted_files(WEB, PROGRAM)}
    host.state = FRESH._replace(files=files)
    assert not run.VrrpRun(WEB).plan.changed
    host.state = FRESH._replace(files={**files, WEB.unit.unit_file: Content(WEB.unit.unit_file, b"edited")})
    assert len(run.VrrpRun(WEB).plan.operations) == 1
    assert run.VrrpRun(parse_vrrp({"state": "absent"})).plan.changed
    assert not host.tested


def test_a_refusal_comes_before_anything_is_applied(host, monkeypatch):
    def refuse(*_arguments: Any) -> None:
        raise ServiceRefusal("file", None, "is refused", "correct it")

    monkeypatch.setattr(run, "check_config", refuse)
    with pytest.raises(ServiceRefusal):
        run.VrrpRun(WEB)


def test_a_host_without_keepalived_is_predicted(host):
    host.program = ""
    made = run.VrrpRun(WEB)
    assert len(made.plan.operations) == 3
    assert made.plan.warnings == ("This cannot be done before keepalived is installed.",)
    with pytest.raises(PrerequisiteMissing):
        made.apply()
    assert (host.tested, host.applied) == ([], [])
    # What is to be gone needs no program.
    gone = run.VrrpRun(parse_vrrp({"state": "absent"}))
    gone.apply()
    assert gone.plan.warnings == ()


def test_a_vip_of_another_cluster(host, error_words):
    host.others = [MAIL]
    with pytest.raises(InvalidValue) as refusal:
        run.VrrpRun(WEB)
    assert error_words(refusal.value) == ("vips", VIP)
    assert run.VrrpRun(parse_vrrp({"instances": [instance(vips=[{"address": VIP6}])]})).plan.changed
