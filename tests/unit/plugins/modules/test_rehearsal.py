# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode on a host that lacks what an earlier step of the playbook installs: it says so and goes on."""

from __future__ import annotations

import importlib
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.cluster.plugins.module_utils._core import interpreters
from ansible_collections.lvs.cluster.plugins.module_utils._core.interpreters import SYSTEM_PYTHONS
from ansible_collections.lvs.cluster.plugins.module_utils._firewall import run as firewall_run
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.firewalld import FirewalldClient
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Ruleset
from module_args import patch_module_args

VIP = "192.0.2.30"
OPEN = {"name": "x", "open": [{"address": VIP, "port": 80}]}
FILTER = {"name": "realserver", "addresses": [VIP], "source_address": "192.0.2.4"}
NEIGHBORS = {"interface": "lo", "neighbors": [{"address": VIP, "mac": "52:54:00:00:00:03"}]}
UNTIL = "The changes of this task cannot be predicted before {} is installed."


@pytest.fixture(name="warnings")
def collected_warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the warnings of modules, which Ansible keeps in a way of each version."""
    told: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _self, warning, **_more: told.append(warning))
    return told


@pytest.fixture(autouse=True)
def _without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("dbus", "nftables", "pyroute2"):
        monkeypatch.setitem(sys.modules, library, None)


def run(name: str, capsys: pytest.CaptureFixture[str], /, **options: Any) -> dict[str, Any]:
    """Return what a module answers."""
    module = importlib.import_module(f"ansible_collections.lvs.cluster.plugins.modules.{name}")
    with patch_module_args(options), pytest.raises(SystemExit):
        module.main()
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize(
    ("module", "options", "package"),
    [
        ("vip_firewall", OPEN, "python3-nftables"),
        ("vip_arp_filter", FILTER, "python3-nftables"),
        ("vip_neighbor", NEIGHBORS, "python3-pyroute2"),
    ],
)
def test_a_step_that_cannot_be_predicted(
    module: str, options: dict[str, Any], package: str, capsys: pytest.CaptureFixture[str], warnings: list[str]
) -> None:
    answer = run(module, capsys, **options, _ansible_check_mode=True, _ansible_diff=True)
    sentence = UNTIL.format(package)
    assert not answer.get("failed"), answer
    assert (answer["changed"], answer["operations"], warnings) == (True, [sentence], [sentence])
    assert answer["diff"] == {"before": {}, "after": {"unpredicted": sentence}}
    real = run(module, capsys, **options)
    assert real["failed"]
    assert package in real["msg"]


def test_vips_are_predicted_all_the_same(capsys: pytest.CaptureFixture[str], warnings: list[str]) -> None:
    options = {"interface": "dummy9", "kind": "dummy", "addresses": [VIP]}
    answer = run("vip_iface", capsys, **options, _ansible_check_mode=True)
    assert (answer["changed"], len(answer["operations"])) == (True, 3)
    assert warnings == ["This cannot be done before python3-pyroute2 is installed."]
    assert run("vip_iface", capsys, **options)["failed"]
    gone = run("vip_iface", capsys, **options, state="absent")
    assert (gone.get("failed"), gone["changed"]) == (None, False)


def test_a_mistake_fails_in_check_mode_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("vip_firewall", capsys, name="x", open=[{"address": "x"}], _ansible_check_mode=True)["failed"]


def test_a_firewalld_that_a_step_before_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(firewall_run, "_client", lambda _wanted: SimpleNamespace(read=lambda: Ruleset({}, {})))
    monkeypatch.setattr(FirewalldClient, "find", lambda _seen: None)
    answer = run("vip_firewall", capsys, **OPEN, backend="firewalld", _ansible_check_mode=True)
    assert answer["operations"] == ["The changes of this task cannot be predicted before firewalld runs."]
    assert run("vip_firewall", capsys, **OPEN, backend="firewalld")["failed"]


@pytest.mark.parametrize("system", [True, False])
def test_a_failure_names_the_python_that_packages_are_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], system: bool
) -> None:
    monkeypatch.setattr(interpreters, "is_running", lambda _path: system)
    message = run("vip_neighbor", capsys, **NEIGHBORS)["msg"]
    assert sys.executable in message
    assert "python3-pyroute2" in message
    assert (f"made for {SYSTEM_PYTHONS[0]}" in message) is not system
