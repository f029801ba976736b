# SPDX-License-Identifier: GPL-3.0-or-later
"""One program on each host with IPVS for all tests: a login for each would cost seconds."""

from __future__ import annotations

import subprocess

import pytest
from kernels import INVENTORY, KERNELS, REMOTE, Kernel, command, packed_driver
from lab_access import ssh_command
from xdist.scheduler import LoadScopeScheduling


class ByKernel(LoadScopeScheduling):
    """Gives all tests of one kernel to one worker, so that each kernel has one conversation."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name in KERNELS if name in nodeid.rpartition("[")[2]), "no kernel")


def pytest_xdist_make_scheduler(config, log) -> ByKernel:
    """Choose how tests are given to workers."""
    return ByKernel(config, log)


@pytest.fixture(scope="session", params=KERNELS)
def driver(request):
    ssh = ssh_command(request.param, INVENTORY)
    subprocess.run([*ssh, f"cat > {REMOTE}"], input=packed_driver(), check=True, timeout=60)
    with subprocess.Popen(
        [*ssh, "unshare", "--net", "python3", REMOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Kernel(request.param, process)
        process.stdin.close()
        process.wait(30)


@pytest.fixture
def kernel(driver):
    """The conversation, with an empty table (emptied by ipvsadm, not by us) and nothing remembered."""
    driver.batch(command("ipvsadm", "--clear"), command("rm", "-f", "/var/lib/lvs-cluster/drained.json"))
    return driver


@pytest.fixture
def count(kernel, record_property):
    """Tell how many random cases of a kind were tried, in the summary at the end."""
    return lambda kind, number: record_property(f"{kind} on {kernel.name}", number)
