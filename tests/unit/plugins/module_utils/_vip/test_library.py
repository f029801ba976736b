# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules that need pyroute2 say on a host without it."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LibraryMissing
from ansible_collections.lvs.cluster.plugins.module_utils._neighbor.client import NeighborClient
from ansible_collections.lvs.cluster.plugins.module_utils._vip.client import VipClient
from ansible_collections.lvs.cluster.plugins.modules import vip_iface, vip_neighbor
from module_args import patch_module_args

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


@pytest.mark.parametrize("client", [VipClient, NeighborClient])
def test_missing_library_without_ansible(client: type[VipClient | NeighborClient], error_words: Any) -> None:
    with pytest.raises(LibraryMissing) as caught:
        client()
    assert error_words(caught.value) == ("Python library", "pyroute2")
