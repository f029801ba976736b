# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is as it was before after a rehearsal, and, when it was part of a cluster, after the teardown."""

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


def written_down(name: str) -> dict[str, dict[str, str]]:
    return json.loads((Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / name).read_text())


@pytest.fixture(scope="module")
def before():
    return written_down("before.json")


@pytest.fixture(scope="module")
def rehearsed():
    return written_down("rehearsed.json")


@pytest.fixture(scope="module")
def now():
    return state_of(HOSTS)


def lines(state: str) -> list[str]:
    return [line for line in state.splitlines() if not NOT_OURS.search(line)]


@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("host", HOSTS)
def test_a_rehearsal_writes_nothing(before, rehearsed, host, what):
    assert rehearsed[host][what].splitlines() == before[host][what].splitlines()


@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("host", HOSTS)
def test_nothing_is_left(before, now, host, what):
    assert lines(before[host][what]), "nothing was looked at, so nothing is proved"
    assert lines(now[host][what]) == lines(before[host][what])
