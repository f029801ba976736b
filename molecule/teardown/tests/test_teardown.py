# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that was part of a cluster is, after the teardown, the host that it was before."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from host_state import COMMANDS, state_of

HOSTS = ("director", "rs1", "rs2")
# The demo page stays, as does the web server that it came with: it is no part of the cluster.
NOT_OURS = re.compile(r"nginx|/etc/\.pwd\.lock")


@pytest.fixture(scope="module")
def before():
    return json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "before.json").read_text())


@pytest.fixture(scope="module")
def now():
    return state_of(HOSTS)


def lines(state: str) -> list[str]:
    return [line for line in state.splitlines() if not NOT_OURS.search(line)]


@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("host", HOSTS)
def test_nothing_is_left(before, now, host, what):
    assert lines(before[host][what]), "nothing was looked at, so nothing is proved"
    assert lines(now[host][what]) == lines(before[host][what])
