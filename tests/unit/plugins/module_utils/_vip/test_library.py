# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that need pyroute2 say on a host without it."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LibraryMissing
from ansible_collections.lvs.cluster.plugins.module_utils._core.run import ClientRun
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.client import NeighborClient
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.options import WantedNeighbors
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Link
from ansible_collections.lvs.cluster.plugins.module_utils._vip.client import VipClient
from ansible_collections.lvs.cluster.plugins.module_utils._vip.model import CurrentVips, Held
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import plan_vips
from ansible_collections.lvs.cluster.plugins.modules import vip_iface, vip_neighbor
from module_args import patch_module_args

LO = Link("lo", "", up=True, arp=False, loopback=True)
NEIGHBOR = {"address": "192.0.2.30", "mac": "52:54:00:00:00:03"}
MODULES = [(vip_iface, {"addresses": ["192.0.2.30"]}), (vip_neighbor, {"neighbors": [NEIGHBOR]})]


@pytest.fixture(autouse=True)
def _without_pyroute2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)


def fail(module: ModuleType, capsys: pytest.CaptureFixture[str], **options: object) -> str:
    """Run the module, which has to fail, and return its message."""
    with patch_module_args(options), pytest.raises(SystemExit):
        module.main()
    answer = json.loads(capsys.readouterr().out)
    assert answer["failed"]
    return str(answer["msg"])


@pytest.mark.parametrize(("module", "options"), MODULES)
def test_missing_library_is_ansibles_message_with_the_package(
    module: ModuleType, options: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    message = fail(module, capsys, interface="lo", **options)
    assert message.startswith("Failed to import the required Python library (pyroute2) on ")
    assert "This is required for rtnetlink; install the package python3-pyroute2." in message


@pytest.mark.parametrize(("module", "options"), MODULES)
def test_a_mistake_is_told_before_the_missing_library(
    module: ModuleType, options: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    message = fail(module, capsys, interface="lo:0", **options)
    assert message.startswith("interface: 'lo:0' is a label, not a device; write interface: lo")


def test_missing_library_without_ansible(error_words: Any) -> None:
    lacking = VipClient().lacking
    assert lacking
    assert error_words(lacking) == ("Python library", "pyroute2")
    with pytest.raises(LibraryMissing) as caught:
        NeighborClient().read(WantedNeighbors.from_options({"interface": "lo", "neighbors": [NEIGHBOR]}))
    assert error_words(caught.value) == ("Python library", "pyroute2")


def test_vips_that_are_there_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is to be done is known without it, so that check mode can say it."""
    held = Held("lo", "192.0.2.30", 32, label="lo")
    monkeypatch.setattr(VipClient, "read", lambda _self, _wanted: CurrentVips({"lo": LO}, (held,)))
    there, missing = (
        ClientRun(VipSpec.from_options({"interface": "lo", "addresses": [address]}), VipClient(), plan_vips)
        for address in ("192.0.2.30", "192.0.2.31")
    )
    assert (there.plan.changed, there.lacking, there.plan.warnings) == (False, None, ())
    assert missing.plan.words == ["add 192.0.2.31/32 to lo (scope host)"]
    assert missing.plan.warnings == ("This cannot be done before python3-pyroute2 is installed.",)
    with pytest.raises(LibraryMissing):
        missing.apply()
