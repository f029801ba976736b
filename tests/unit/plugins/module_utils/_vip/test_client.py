# SPDX-License-Identifier: GPL-3.0-or-later
"""What vip_iface says when the kernel refuses a step, and which tunnels it asks for."""

from __future__ import annotations

import errno
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import KernelRefusal
from ansible_collections.lvs.cluster.plugins.module_utils._vip.client import VipClient
from ansible_collections.lvs.cluster.plugins.module_utils._vip.operations import AddLink, VipOperation


class Refusal(Exception):
    """As pyroute2's NetlinkError: an errno by the name of code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Rtnl:
    """In pyroute2's place: remembers what it is asked for, and refuses it when there is an errno."""

    def __init__(self, number: int) -> None:
        self.number, self.asked = number, []

    def link(self, command: str, **fields: Any) -> None:
        self.asked.append((command, fields))
        if self.number:
            raise Refusal(self.number)


def apply(monkeypatch: pytest.MonkeyPatch, operation: VipOperation, number: int = 0) -> list[Any]:
    """Carry one step out with a kernel that answers with an errno; return what it was asked for."""
    rtnl = Rtnl(number)
    monkeypatch.setitem(sys.modules, "pyroute2", SimpleNamespace(IPRoute=lambda: rtnl, NetlinkError=Refusal))
    VipClient().apply([operation])
    return rtnl.asked


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("dummy", {}),
        ("ipip", {"ipip_collect_metadata": True}),
        ("ip6tnl", {"ip6tnl_collect_metadata": True}),
        ("gre", {"gre_collect_metadata": True}),
    ],
)
def test_tunnels_are_external(monkeypatch: pytest.MonkeyPatch, kind: str, fields: dict[str, Any]) -> None:
    assert apply(monkeypatch, AddLink("vip0", kind)) == [("add", {"ifname": "vip0", "kind": kind, **fields})]


@pytest.mark.parametrize(("name", "kind"), [("tunl0", "ipip"), ("ip6tnl0", "ip6tnl")])
def test_a_device_that_its_module_made_when_asked_for_is_taken(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    assert apply(monkeypatch, AddLink(name, kind), errno.EEXIST)


@pytest.mark.parametrize(
    ("operation", "number", "about"),
    [
        (
            AddLink("vip0", "dummy"),
            errno.EOPNOTSUPP,
            ("The kernel", None),
        ),
        (
            AddLink("ipip0", "ipip"),
            errno.EOPNOTSUPP,
            ("The kernel", None),
        ),
        (
            AddLink("ip6tnl1", "ip6tnl"),
            errno.EEXIST,
            ("The kernel", None),
        ),
        (
            AddLink("tunl0", "ip6tnl"),
            errno.EEXIST,
            ("The kernel", None),
        ),
        (
            AddLink("vip0", "dummy"),
            errno.EEXIST,
            ("The kernel", None),
        ),
        (
            AddLink("vip0", "dummy"),
            errno.EPERM,
            ("The task", None),
        ),
    ],
)
def test_words(
    monkeypatch: pytest.MonkeyPatch, operation: VipOperation, number: int, about: Any, error_words: Any
) -> None:
    with pytest.raises(KernelRefusal) as caught:
        apply(monkeypatch, operation, number)
    assert (error_words(caught.value), caught.value.errno) == (about, number)
