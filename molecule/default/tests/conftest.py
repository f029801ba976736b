# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's hosts for the tests, and what a person wants to see of them when a test fails."""

from __future__ import annotations

import pytest
import testinfra
from lab_access import lab_hosts
from lab_shell import LabShell

CLUSTER = ("director", "rs1", "rs2")
FINDINGS = (
    "ipvsadm -Ln --stats",
    "ip -br address",
    "ip neighbour",
    "sysctl -a --pattern 'arp_(ignore|announce)$|ip_forward$|send_redirects$'",
    "journalctl -b -u 'lvs-cluster-*' -u nginx --no-pager | tail -n 20",
)


@pytest.fixture(scope="session")
def lab():
    """Host name -> testinfra host."""
    return {
        name: testinfra.get_host(
            f"ssh://{access.user}@{access.address}:{access.port}",
            ssh_identity_file=access.key,
            ssh_extra_args=access.options,
        )
        for name, access in lab_hosts().items()
    }


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call" and report.failed:
        report.sections.append(("state of the cluster", findings()))
    return report


def findings() -> str:
    """Return what every host of the cluster says of itself."""
    shell, lines = LabShell("lab"), []
    for name in CLUSTER:
        for command in FINDINGS:
            result = shell.run(name, command)
            lines += [f"--- {name}: {command}", result.stdout.rstrip(), result.stderr.rstrip()]
    return "\n".join(line for line in lines if line)
