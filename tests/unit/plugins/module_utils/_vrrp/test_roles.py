# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that a host's addresses show, and the wait for them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue, LvsError
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Own
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp import roles
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.model import Instance, Seen, VipPlace, seen_of
from ansible_collections.lvs.cluster.plugins.module_utils._vrrp.options import parse_vrrp
from argument_specs import validated
from vrrp_instances import VIP, VIP6, instance

(WEB,) = parse_vrrp({"instances": [instance()]}).instances
ANCHOR = "169.254.51.51"


def own(*addresses: str, device: str = "eth0") -> list[Own]:
    return [Own(device, address, 128 if ":" in address else 32, 0) for address in addresses]


def inquiry(**options: Any) -> roles.RolesInquiry:
    return roles.RolesInquiry.from_options(validated("vrrp_info", options))


@pytest.mark.parametrize(
    ("addresses", "vmac", "seen"),
    [
        (own(), False, Seen("web", "backup")),
        (own(ANCHOR, VIP, VIP6), False, Seen("web", "master")),
        (own(ANCHOR, VIP), False, Seen("web", "master", missing=(VIP6,))),
        (own(VIP6), False, Seen("web", "backup", leftover=(VIP6,))),
        # A VIP on another device is another one's, such as a real server's on lo.
        ([*own(ANCHOR, VIP), *own(VIP6, device="lo")], False, Seen("web", "master", missing=(VIP6,))),
        (own(VIP, VIP6, device="lo"), False, Seen("web", "backup")),
        (own(ANCHOR, VIP, VIP6, device="vrrp.51"), True, Seen("web", "master")),
    ],
)
def test_what_is_seen(addresses, vmac, seen):
    assert seen_of(WEB._replace(vmac=vmac), addresses) == seen
    assert seen.settled is not bool(seen.missing or seen.leftover)


def test_the_wait_ends_when_two_looks_show_the_same(monkeypatch):
    looks = [own(), own(ANCHOR), own(ANCHOR, VIP, VIP6), own(ANCHOR, VIP, VIP6), own()]
    monkeypatch.setattr(roles, "own_addresses", lambda: looks.pop(0))
    assert roles.wait_for_roles(inquiry(role="master", timeout=20), [WEB]) == [Seen("web", "master")]
    assert len(looks) == 1


def test_without_a_time_one_look_is_all(monkeypatch):
    looks = [own(VIP)]
    monkeypatch.setattr(roles, "own_addresses", lambda: looks.pop(0))
    assert roles.wait_for_roles(inquiry(), [WEB]) == [Seen("web", "backup", leftover=(VIP,))]


@pytest.mark.parametrize(
    ("seen", "running"),
    [
        (Seen("web", "backup"), True),
        (Seen("web", "master", missing=(VIP6,)), True),
        (Seen("web", "backup", leftover=(VIP, VIP6)), True),
        (Seen("web", "master"), False),
    ],
)
def test_what_is_not_as_asked(seen: Seen, running: bool, error_words: Any) -> None:
    with pytest.raises(LvsError) as refusal:
        roles.refuse_unsettled(inquiry(role="master", timeout=10), seen, running)
    assert error_words(refusal.value) == ("role of instance web", seen.role)


def test_what_is_as_asked():
    for role in ("any", "master"):
        roles.refuse_unsettled(inquiry(role=role, timeout=10), Seen("web", "master"), True)


@pytest.mark.parametrize("there", [[], [WEB]])
def test_an_instance_that_the_host_does_not_have(there: list[Any], error_words: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        roles.chosen(inquiry(names=["mail"]), there)
    assert error_words(refusal.value) == ("names", "mail")
    assert roles.chosen(inquiry(), there) == there


@pytest.mark.parametrize(
    ("options", "subject"), [({"timeout": -1}, "timeout"), ({"timeout": 601}, "timeout"), ({"owner": "A"}, "owner")]
)
def test_options_that_are_refused(options: dict[str, Any], subject: str, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as refusal:
        inquiry(**options)
    assert error_words(refusal.value)[0] == subject


PLACES = (VipPlace("192.0.2.30", "eth0"), VipPlace("198.51.100.30", "eth1"), VipPlace("2001:db8::30", "eth0"))


@pytest.mark.parametrize(
    ("answering", "left"),
    [
        (["192.0.2.30", "198.51.100.30", "2001:db8::30"], []),
        (["192.0.2.30"], ["198.51.100.30", "2001:db8::30"]),
        ([], ["192.0.2.30", "198.51.100.30", "2001:db8::30"]),
    ],
)
def test_vips_for_which_nobody_answers(answering, left):
    asked = []

    def ask(interface, vips):
        asked.append((interface, list(vips)))
        return {vip: ["02:00:00:00:00:01"] if vip in answering else [] for vip in vips}

    instance = Instance("web", 51, "eth0", 254, "192.0.2.3", vips=PLACES)
    assert roles.unanswered(instance, ask) == left
    assert asked == [("eth0", ["192.0.2.30", "2001:db8::30"]), ("eth1", ["198.51.100.30"])]
