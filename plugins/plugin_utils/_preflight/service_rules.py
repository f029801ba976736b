# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about services by themselves: what is legal in lvs_services, and still has consequences to know of."""

from __future__ import annotations

from collections.abc import Iterator

from .._topology.finding import Finding
from .._topology.proofs import without_proof
from .._topology.traffic import TCP
from .context import Case
from .judgement import Judgement


def check_open_ports(case: Case) -> Iterator[Judgement]:
    """A service by a mark names its ports."""
    for service in case.topology.services:
        if not service.ports:
            every = f"every {' and '.join(service.protocols)} port of {', '.join(service.vips)}"
            rule = f"is missing, so that packet filters are opened for {every}"
            remedy = "list the ports and ranges that clients need"
            yield Judgement(Finding("", f"lvs_services ({service.name}).ports", "", rule, remedy), warning=True)


def check_proofs(case: Case) -> Iterator[Judgement]:
    """A port proves the servers of a service, unless lvs_services says that none does."""
    for service in without_proof(case.topology):
        if service.prove_ports is not None or not service.servers:
            continue
        where = f"lvs_services ({service.name})"
        unproved = "so that its servers receive traffic without a proof that they serve"
        if TCP not in service.protocols:
            protocols = ", ".join(service.protocols)
            rule = f"cannot be probed, {unproved}"
            remedy = "add tcp if the servers answer by TCP too, or confirm it with prove_ports: []"
            finding = Finding("", f"{where}.protocol", protocols, rule, remedy)
        else:
            rule = f"is missing, and the service has no ports, {unproved}"
            remedy = "name the TCP ports at which a server must answer, or confirm it with prove_ports: []"
            finding = Finding("", f"{where}.prove_ports", "", rule, remedy)
        yield Judgement(finding, warning=True)
