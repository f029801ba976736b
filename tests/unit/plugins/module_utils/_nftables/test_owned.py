# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that are found and deleted without libnftables: what a kernel says that has none, and whose a rule is."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import KernelRefusal
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.options import WantedFirewall
from ansible_collections.lvs.cluster.plugins.module_utils._firewall.plan import plan_nftables
from ansible_collections.lvs.cluster.plugins.module_utils._nftables import owned
from ansible_collections.lvs.cluster.plugins.module_utils._nftables.ruleset import Ruleset


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def generation() -> int:
        raise KernelRefusal("The kernel", None, "refused", "see why", number)

    monkeypatch.setattr(owned, "generation", generation)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT])
def test_a_kernel_without_nf_tables_has_no_rules(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    refuse(monkeypatch, number)
    nothing = owned.OwnedRules().read()
    assert nothing == Ruleset({}, {})
    assert plan_nftables(nothing, WantedFirewall("director", present=False)).words == []


def test_other_refusals_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, errno.ENOMEM)
    with pytest.raises(KernelRefusal):
        owned.OwnedRules().read()


def test_rules_that_never_rest_are_told(monkeypatch: pytest.MonkeyPatch, error_words: Any) -> None:
    numbers = iter(range(100))
    monkeypatch.setattr(owned, "generation", lambda: next(numbers))
    monkeypatch.setattr(owned.OwnedRules, "_read", lambda self: Ruleset({}, {}))
    with pytest.raises(KernelRefusal) as caught:
        owned.OwnedRules().read()
    assert error_words(caught.value) == ("The rules of nftables", None)


@pytest.mark.parametrize(
    ("userdata", "comment"),
    [
        (b"", ""),
        (b"\x00\x05lvs.\x00", "lvs."),
        (b"\x01\x02xy\x00\x03ab\x00", "ab"),
        (b"\x01\x02xy", ""),
        (b"\x01\xff", ""),
        (b"\x00", ""),
        (b"\x00\x02\xff\x00", "\ufffd"),
    ],
)
def test_comments(userdata: bytes, comment: str) -> None:
    assert owned._comment(userdata) == comment
