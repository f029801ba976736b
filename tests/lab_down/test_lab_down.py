# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the tests' labs: nothing of them is left but the images."""

from __future__ import annotations

import os

import pytest
from commands import execute
from lab_processes import processes, run_directory

LABS = os.environ.get("LVS_LABS") or os.environ.get("LVS_LAB", "lab")


@pytest.mark.parametrize("lab", LABS.split())
def test_nothing_is_left(lab):
    end = execute("ansible-playbook", "lvs.cluster.lab_down", "-i", "lab", LVS_LAB=lab)
    assert end.status == 0, end.output
    assert not run_directory(lab).exists()
    assert processes(lab) == {}
