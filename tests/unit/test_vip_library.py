# SPDX-License-Identifier: GPL-3.0-or-later
"""What vip_iface says on a host without pyroute2."""

from __future__ import annotations

import json
import sys

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.lvs.cluster.plugins.module_utils._rtnl import LibraryMissing
from ansible_collections.lvs.cluster.plugins.module_utils._rtnl_client import VipClient
from ansible_collections.lvs.cluster.plugins.modules import vip_iface


@pytest.fixture(autouse=True)
def _without_pyroute2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)


def fail(capsys: pytest.CaptureFixture[str], **options: object) -> str:
    """Run the module, which has to fail, and return its message."""
    with patch_module_args(options), pytest.raises(SystemExit):
        vip_iface.main()
    answer = json.loads(capsys.readouterr().out)
    assert answer["failed"]
    return str(answer["msg"])


def test_missing_library_is_ansibles_message_with_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    message = fail(capsys, addresses=["192.0.2.30"], interface="lo")
    assert message.startswith("Failed to import the required Python library (pyroute2) on ")
    assert "This is required for rtnetlink; it is in the distribution's package python3-pyroute2." in message


def test_a_mistake_is_told_before_the_missing_library(capsys: pytest.CaptureFixture[str]) -> None:
    message = fail(capsys, addresses=["192.0.2.30"], interface="lo:0")
    assert message == "interface: 'lo:0' is a label, not a device; write interface: lo and label: lo:0."


def test_missing_library_without_ansible() -> None:
    with pytest.raises(LibraryMissing, match="install the package python3-pyroute2"):
        VipClient()
