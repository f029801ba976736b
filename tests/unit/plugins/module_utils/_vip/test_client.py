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
    ("operation", "number", "message"),
    [
        (
            AddLink("vip0", "dummy"),
            errno.EOPNOTSUPP,
            "The kernel refused to create dummy device vip0: it has no dummy devices; install the kernel's dummy module, or "
            "use lo.",
        ),
        (
            AddLink("ipip0", "ipip"),
            errno.EOPNOTSUPP,
            "The kernel refused to create ipip device ipip0: it has no ipip devices; install the kernel's ipip module.",
        ),
        (
            AddLink("ip6tnl1", "ip6tnl"),
            errno.EEXIST,
            "The kernel refused to create ip6tnl device ip6tnl1: it has one external ip6tnl device at most, and this host "
            "has that already; name it as the interface, or remove it.",
        ),
        (
            AddLink("tunl0", "ip6tnl"),
            errno.EEXIST,
            "The kernel refused to create ip6tnl device tunl0: it has one external ip6tnl device at most, and this host "
            "has that already; name it as the interface, or remove it.",
        ),
        (
            AddLink("vip0", "dummy"),
            errno.EEXIST,
            "The kernel refused to create dummy device vip0: another program changed it at the same moment (File exists); "
            "run the task again.",
        ),
        (
            AddLink("vip0", "dummy"),
            errno.EPERM,
            "Not allowed to create dummy device vip0: this needs CAP_NET_ADMIN; run the task as root (become: true).",
        ),
    ],
)
def test_words(monkeypatch: pytest.MonkeyPatch, operation: VipOperation, number: int, message: str) -> None:
    with pytest.raises(KernelRefusal) as caught:
        apply(monkeypatch, operation, number)
    assert (str(caught.value), caught.value.errno) == (message, number)
