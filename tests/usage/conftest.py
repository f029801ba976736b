# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of use share: they run on the lab that $LVS_LAB names, after the cluster was built in it."""

from __future__ import annotations

import subprocess

import pytest
from commands import execute
from lab_access import ssh_command


@pytest.fixture
def typed():
    """Run a command, in the checkout unless told otherwise."""
    return execute


@pytest.fixture
def on_host():
    """Run a command line on a host of the lab, without Ansible; it must end well."""

    def run(host: str, line: str) -> str:
        return subprocess.run(
            [*ssh_command(host), line], stdout=subprocess.PIPE, text=True, check=True, timeout=60
        ).stdout

    return run


@pytest.fixture
def lab_table(on_host):
    """Return the director's table, as ipvsadm reads it, without the connections of the moment."""
    # The columns are the server, its thresholds, then its connections, which come and go by themselves.
    thresholds = "ipvsadm -Ln --thresholds | awk '{print $1, $2, $3, $4}'"
    return lambda: on_host("director", f"ipvsadm -Sn; {thresholds}")
