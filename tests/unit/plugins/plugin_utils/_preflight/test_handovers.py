# SPDX-License-Identifier: GPL-3.0-or-later
"""A VIP moves only between directors that are in the run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import PortRange
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import HostFacts, Interface
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.context import DIRECTOR_VIPS, Case
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight.handover_rules import check_handovers
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Service, Topology

VIP = "192.0.2.30"
DIPS = {"lb1": ("192.0.2.2",), "lb2": ("192.0.2.3",)}
MACS = {"lb1": "02:00:00:00:00:01", "lb2": "02:00:00:00:00:02", "rs1": "02:00:00:00:00:03"}


def facts(host: str, *vips: str, on: str = "eth0", **owners: tuple[str, ...]) -> HostFacts:
    """Return the facts of a host with VIPs on a device; `owners` are by the name of a director, or `vip`."""
    asked = {**{DIPS[name][0]: macs for name, macs in owners.items() if name in DIPS}, VIP: owners.get("vip", ())}
    own = tuple(f"{vip}/32" for vip in vips)
    interfaces = (
        Interface("lo", "", True, own if on == "lo" else ()),
        Interface("eth0", MACS[host], True, own if on != "lo" else ()),
    )
    return HostFacts("6.1.0", interfaces, owners=asked)


def sentences(directors: tuple[str, ...], known: dict[str, HostFacts], **variables: Any) -> list[str]:
    service = Service("web", (VIP,), (PortRange(80, 80),), ("tcp",), 0, "direct", directors, (), {})
    case = Case(Topology((service,), DIPS, {}), known, variables)
    return [judgement.finding.sentence for judgement in check_handovers(case) if not judgement.warning]


@pytest.mark.parametrize("directors", [("lb2", "lb1"), ("lb2",)])
def test_the_next_owner_is_not_in_the_run(directors: tuple[str, ...], error_words: Any) -> None:
    (sentence,) = sentences(directors, {"lb1": facts("lb1", VIP)})
    assert sentence.startswith("lb1: VIP: '192.0.2.30' would be removed from this host, and lb2, which is to have it")
    assert sentences(directors, {"lb1": facts("lb1", VIP), "lb2": facts("lb2")}) == []
    assert sentences(directors, {"lb1": facts("lb1")}) == []


def test_the_former_owner_is_not_in_the_run() -> None:
    answered = {"lb1": (MACS["lb1"],), "vip": (MACS["lb1"],)}
    (sentence,) = sentences(("lb2", "lb1"), {"lb2": facts("lb2", **answered)})
    assert sentence.startswith("lb2: VIP: '192.0.2.30' is to be assigned here, and director lb1")
    assert sentences(("lb2", "lb1"), {"lb2": facts("lb2", **answered), "lb1": facts("lb1", VIP)}) == []
    assert sentences(("lb2", "lb1"), {"lb2": facts("lb2", lb1=(MACS["lb1"],))}) == []
    assert sentences(("lb2", "lb1"), {"lb2": facts("lb2", VIP, lb1=(MACS["lb1"],))}) == []


def test_a_vip_of_a_real_server_does_not_move() -> None:
    assert sentences(("lb2", "lb1"), {"rs1": facts("rs1", VIP, on="lo")}) == []


def test_who_decides_by_own_variables_is_left_out() -> None:
    assert sentences(("lb2", "lb1"), {"lb1": facts("lb1", VIP)}, lb1={DIRECTOR_VIPS: VIP}) == []
