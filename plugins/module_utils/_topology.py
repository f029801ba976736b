# SPDX-License-Identifier: GPL-3.0-or-later
"""The topology that is written once (`lvs_services`): read, made canonical, and judged in one place."""

from __future__ import annotations

from typing import Any

from ._finding import Finding, Findings
from ._topology_hosts import Groups, Hostvars
from ._topology_model import Server, Service, Topology
from ._topology_reader import Reader

__all__ = ["Groups", "Hostvars", "Server", "Service", "Topology", "findings", "topology"]


def topology(services: Any, groups: Groups, hostvars: Hostvars) -> Topology:
    """Return the topology that `lvs_services` and the inventory write; raise Findings with all mistakes at once."""
    reader = Reader(groups, hostvars)
    found = reader.read(services)
    if reader.notes.found:
        raise Findings(reader.notes.found)
    return found


def findings(services: Any, groups: Groups, hostvars: Hostvars) -> list[Finding]:
    """Return every mistake that the description itself shows, without a look at any host."""
    reader = Reader(groups, hostvars)
    reader.read(services)
    return reader.notes.found
