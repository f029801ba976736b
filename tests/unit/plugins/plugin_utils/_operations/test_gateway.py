# SPDX-License-Identifier: GPL-3.0-or-later
"""Which MAC a gateway is told of each VIP, and what is said when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import InvalidValue
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.gateway import gateway_neighbors, neighbor_entries
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

VIP, VIP6, OTHER = "192.0.2.30", "2001:db8::30", "192.0.2.31"
ONE, TWO = "02:00:00:00:00:02", "02:00:00:00:00:03"
GROUPS = {"directors": ["lb1", "lb2"], "realservers": ["rs1"]}
SERVICES = [
    {"name": "web", "address": [VIP, VIP6], "ports": [80]},
    {"name": "tls", "address": VIP, "ports": [443]},
    {"name": "mail", "address": OTHER, "ports": [25], "directors": ["lb2"]},
]
RIPS = {"realserver_address": ["192.0.2.4", "2001:db8::4"]}


def bound(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **owners: Any) -> Any:
    """Return the neighbours; `first` and `second` are variables of the directors."""
    hostvars = {
        "lb1": {"director_address": ["192.0.2.2", "2001:db8::2"], **(first or {})},
        "lb2": {"director_address": "192.0.2.3", **(second or {})},
        "rs1": RIPS,
    }
    heard = {"192.0.2.2": [ONE], "2001:db8::2": [ONE], "192.0.2.3": [TWO]}
    heard.update({name[1:].replace("_", "."): macs for name, macs in owners.items()})
    answers = {dip: [{"mac": mac, "latency_ms": 1.0} for mac in macs] for dip, macs in heard.items()}
    return gateway_neighbors(read_topology(SERVICES, GROUPS, hostvars), answers, [VIP, VIP6, OTHER])


def entries(**macs: str) -> list[dict[str, str]]:
    names = {"vip": VIP, "vip6": VIP6, "other": OTHER}
    return [{"address": names[name], "mac": mac} for name, mac in macs.items()]


ABSENT = {"director_state": "absent"}


def test_each_vip_is_bound_to_the_director_that_answers() -> None:
    assert bound() == entries(vip=ONE, vip6=ONE, other=TWO)


def test_the_next_director_takes_over_and_needs_no_dip_of_the_family() -> None:
    assert bound(first=ABSENT) == entries(vip=TWO, vip6=TWO, other=TWO)


def test_a_vip_that_nobody_answers_for_is_left_out() -> None:
    assert bound(second=ABSENT) == entries(vip=ONE, vip6=ONE)
    assert bound(first=ABSENT, second=ABSENT) == []


def test_one_that_answers_twice_with_one_mac_is_one() -> None:
    assert bound(_192_0_2_2=[ONE, ONE])[0]["mac"] == ONE


def test_a_standby_that_is_down_is_in_nobodys_way() -> None:
    assert gateway_neighbors(read_topology(SERVICES[:1], GROUPS, {
        "lb1": {"director_address": "192.0.2.2"}, "lb2": {"director_address": "192.0.2.3"}, "rs1": RIPS,
    }), {"192.0.2.2": [{"mac": ONE}]}, [VIP]) == entries(vip=ONE)  # fmt: skip


@pytest.mark.parametrize(
    ("macs", "about"),
    [
        (
            [],
            ("DIP of director lb1", "192.0.2.2"),
        ),
        (
            [TWO, ONE],
            ("DIP of director lb1", "192.0.2.2"),
        ),
    ],
)
def test_a_director_that_can_not_be_told(macs: list[str], about: Any, error_words: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        bound(_192_0_2_2=macs)
    assert error_words(caught.value) == about


def test_a_vip_that_moves_by_itself_has_no_entry(error_words: Any) -> None:
    moved = {"director_failover": "vrrp"}
    with pytest.raises(InvalidValue) as caught:
        bound(first=moved, second=moved)
    assert error_words(caught.value) == ("gateway_vips", VIP)


def test_entries_that_are_removed_whatever_their_mac() -> None:
    assert neighbor_entries([VIP, OTHER]) == [{"address": VIP}, {"address": OTHER}]
