# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of the lab: nothing of it is left but the image."""

from __future__ import annotations

from commands import execute
from lab_processes import processes, run_directory


def test_nothing_is_left():
    end = execute("ansible-playbook", "lvs.cluster.lab_down", "-i", "lab")
    assert end.status == 0, end.output
    assert not run_directory().exists()
    assert processes() == {}
