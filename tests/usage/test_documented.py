# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of README and the guides, typed as they stand there, on the lab."""

from __future__ import annotations

import json
import shlex

import pytest
from documented import TYPED, typed_on_the_lab


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return where the commands write their files."""
    return tmp_path_factory.mktemp("documented")


@pytest.mark.parametrize("command", TYPED)
def test_a_command_ends_well(typed, folder, command):
    run = typed(*shlex.split(typed_on_the_lab(command, folder)))
    assert run.status == 0, run.output


def test_their_files_are_there(folder):
    assert {server["name"] for service in _services(folder) for server in service["servers"]} == {"rs1", "rs2"}
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert "lvs_services:" in (folder / "director.yml").read_text()


def _services(folder):
    (director,) = json.loads((folder / "status.json").read_text())["directors"]
    return director["services"]
