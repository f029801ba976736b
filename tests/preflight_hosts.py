# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that preflight has nothing to say of, for tests that put one thing wrong."""

from __future__ import annotations

from typing import Any

from ansible_collections.lvs.cluster.plugins.module_utils._core.ports import PortRange
from ansible_collections.lvs.cluster.plugins.module_utils._facts.model import Gateway, HostFacts, Interface, Scheduler
from ansible_collections.lvs.cluster.plugins.plugin_utils._preflight import report as preflight_report
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.model import Server, Service, Topology

VIP, DIP, ROUTER = "192.0.2.30", "192.0.2.3", "192.0.2.1"
PORTS = (PortRange(80, 80),)
MAC = {"lb1": "02:00:00:00:00:03", "rs1": "02:00:00:00:00:04", "rs2": "02:00:00:00:00:05", "x": "02:00:00:00:00:66"}
LO = Interface("lo", "", True, ("127.0.0.1/8",))


def cluster(forwarding: str = "direct", *, rip: str = "192.0.2.4", **options: Any) -> Topology:
    servers = (Server("rs1", rip, {}), Server("rs2", "192.0.2.5", {}))
    service = Service("web", (VIP,), PORTS, ("tcp",), 0, forwarding, ("lb1",), servers, options)
    return Topology((service,), {"lb1": (DIP,)}, {"rs1": (rip,), "rs2": ("192.0.2.5",)})


def eth(host: str, *addresses: str, **values: Any) -> Interface:
    return Interface("eth0", MAC[host], values.pop("up", True), addresses, **values)


def healthy() -> dict[str, HostFacts]:
    answers = {"192.0.2.4": (MAC["rs1"],), "192.0.2.5": (MAC["rs2"],), VIP: ()}
    router = (Gateway(ROUTER, "eth0"),)
    return {
        "lb1": HostFacts(
            "6.1.0", (LO, eth("lb1", "192.0.2.3/24")), router, "module", {"wlc": Scheduler(True)}, owners=answers
        ),
        "rs1": HostFacts("6.1.0", (LO, eth("rs1", "192.0.2.4/24")), router, owners={VIP: (), DIP: (MAC["lb1"],)}),
        "rs2": HostFacts("6.1.0", (LO, eth("rs2", "192.0.2.5/24")), router, owners={VIP: (), DIP: (MAC["lb1"],)}),
    }


def changed(host: str, **values: Any) -> dict[str, HostFacts]:
    facts = healthy()
    return {**facts, host: facts[host]._replace(**values)}


def heard(host: str, **owners: tuple[str, ...]) -> dict[str, HostFacts]:
    """Return healthy facts in which a host heard others: _192_0_2_30=(...)."""
    own = {name[1:].replace("_", "."): macs for name, macs in owners.items()}
    return changed(host, owners={**healthy()[host].owners, **own})


def told(topology: Topology, facts: dict[str, HostFacts], devices: Any = None) -> list[str]:
    found = preflight_report.findings(topology, facts, devices)
    return [("warning: " if one.warning else "") + one.finding.sentence for one in found]
