# SPDX-License-Identifier: GPL-3.0-or-later
"""VIPs that another host answers for: who is asked, and what the answers lead to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import AddressConflict
from ansible_collections.lvs.cluster.plugins.module_utils._rtnetlink.model import Link
from ansible_collections.lvs.cluster.plugins.module_utils._vip.conflict import plan_free_vips
from ansible_collections.lvs.cluster.plugins.module_utils._vip.model import CurrentVips, Held
from ansible_collections.lvs.cluster.plugins.module_utils._vip.options import VipSpec
from ansible_collections.lvs.cluster.plugins.module_utils._vip.plan import plan_vips

VIP, VIP6 = "192.0.2.30", "2001:db8::30"
OWN, OWN2, OTHER, OTHER2 = (f"52:54:00:00:00:0{number}" for number in range(1, 5))
LINKS = {
    "lo": Link("lo", "", up=True, arp=False, loopback=True),
    "eth0": Link("eth0", "", up=True, arp=True, mac=OWN),
    "eth1": Link("eth1", "", up=True, arp=True, mac=OWN2),
    "eth2": Link("eth2", "", up=False, arp=True, mac="52:54:00:00:00:05"),
    "vip0": Link("vip0", "dummy", up=True, arp=False),
}


class Segment:
    """Answers as it is told to, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Sequence[str]]) -> None:
        self.answers, self.asked = answers, []

    def ask(self, interface: str, addresses: Sequence[str]) -> Mapping[str, Sequence[str]]:
        self.asked.append((interface, tuple(addresses)))
        return {address: self.answers.get(address, ()) for address in addresses}


def plan(segment: Segment, held: Sequence[Held] = (), **options: Any):
    wanted = VipSpec.from_options({"addresses": [VIP, VIP6], "interface": "eth0", **options})
    current = CurrentVips(LINKS, tuple(held))
    return plan_free_vips(current, wanted, segment.ask), plan_vips(current, wanted)


HERE = Held("eth0", VIP, 32, label="eth0")
HERE6 = Held("eth0", VIP6, 128, deprecated=True, noprefixroute=True)


@pytest.mark.parametrize(
    ("held", "options", "asked"),
    [
        ([], {}, (VIP, VIP6)),
        ([HERE], {}, (VIP6,)),
        ([HERE, HERE6], {}, None),
        # What answers already is not asked for, even where it is put right.
        ([HERE._replace(prefix=24), HERE6._replace(deprecated=False)], {}, None),
        # One that duplicate address detection has switched off is.
        ([HERE, HERE6._replace(usable=False)], {}, (VIP6,)),
        # The same address on another device does not answer on this one.
        ([HERE._replace(interface="eth1"), HERE6], {}, (VIP,)),
        ([], {"on_conflict": "warn"}, (VIP, VIP6)),
        ([], {"on_conflict": "ignore"}, None),
        ([], {"announce": 1}, (VIP, VIP6)),
        ([], {"announce": 0}, None),
        ([], {"interface": "lo"}, None),
        ([], {"interface": "vip0"}, None),
        ([], {"interface": "vip1", "kind": "dummy"}, None),
        ([], {"interface": "ip6tnl1", "kind": "ip6tnl"}, None),
        ([], {"interface": "eth2"}, None),
        ([HERE, HERE6], {"state": "absent"}, None),
        ([], {"state": "absent"}, None),
    ],
)
def test_only_what_is_added_and_announced_is_asked_for(
    held: list[Held], options: dict[str, Any], asked: tuple[str, ...] | None
) -> None:
    segment = Segment({})
    free, bare = plan(segment, held, **options)
    assert segment.asked == ([(options.get("interface", "eth0"), asked)] if asked else [])
    assert free == bare


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        ({VIP: [OTHER]}, f"{VIP} ({OTHER})"),
        ({VIP6: [OTHER, OTHER2]}, f"{VIP6} ({OTHER}, {OTHER2})"),
        ({VIP6: [OTHER], VIP: [OTHER2]}, f"{VIP} ({OTHER2}), {VIP6} ({OTHER})"),
        ({VIP: [OWN2, OTHER]}, f"{VIP} ({OTHER})"),
    ],
)
def test_what_is_taken_is_refused_with_everyone_who_has_it(
    answers: dict[str, list[str]], taken: str, error_words: Any
) -> None:
    remedy = "remove them there; if that is a real server, set its ARP sysctls (lvs.cluster.arp_sysctl, arp_ignore: 1)"
    with pytest.raises(AddressConflict) as caught:
        plan(Segment(answers))
    assert error_words(caught.value) == ("addresses", None)
    assert caught.value.rule.endswith(f": {taken}")
    warned, bare = plan(Segment(answers), on_conflict="warn")
    assert warned.operations == bare.operations
    assert warned.warnings == (f"addresses are in use by another host on the segment of eth0: {taken}; {remedy}.",)


def test_this_host_itself_is_no_conflict() -> None:
    free, bare = plan(Segment({VIP: [OWN2], VIP6: [OWN]}), [HERE._replace(interface="eth1")])
    assert free == bare
    assert free.changed
