# SPDX-License-Identifier: GPL-3.0-or-later
"""What README says was run is what the tests run."""

from __future__ import annotations

import re

import pytest
import yaml
from commands import PROJECT
from parts import PARTS
from sessions import core_matrix

TABLE = (PROJECT / "README.md").read_text(encoding="utf-8").partition("### Where it runs\n")[2].partition("\n## ")[0]
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")]


def test_every_core_is_told():
    assert [row for row in ROWS if row.startswith("| ansible-core")] == core_matrix.table()


def test_the_oldest_core_is_the_one_that_is_required():
    required = yaml.safe_load((PROJECT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert required == f">={min(core_matrix.CORES, key=lambda core: [*map(int, core.split('.'))])}.0"


def test_every_path_that_runs_with_each_core_is_there():
    assert [path for path in core_matrix.TESTS if not (PROJECT / path).exists()] == []


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ({}, {}),
        ({"3.11": "/a"}, {"2.17": "/a", "2.18": "/a", "2.19": "/a"}),
        (
            {"3.10": "/0", "3.11": "/1", "3.12": "/2", "3.13": "/3"},
            {"2.17": "/0", "2.18": "/1", "2.19": "/3", "2.20": "/2", "2.21": "/3"},
        ),
    ],
)
def test_a_core_gets_the_first_of_its_pythons_that_is_here(found, chosen):
    assert core_matrix.choose(found) == {**dict.fromkeys(core_matrix.CORES), **chosen}


def test_every_part_that_is_named_is_there():
    named = {name for row in ROWS for name in re.findall(r"`([a-z]+)`", row.rsplit("|", 2)[1])}
    assert named
    assert named <= PARTS.keys()


def test_every_release_of_the_tests_machines_is_told():
    hosts = yaml.safe_load((PROJECT / "tests" / "kernel" / "lab" / "hosts.yml").read_text())
    releases = set(hosts["lab"]["hosts"])
    told = {"bullseye": "Debian 11", "bookworm": "Debian 12", "trixie": "Debian 13"}
    assert releases <= told.keys()
    for name in releases:
        assert any(row.startswith(f"| {told[name]}") for row in ROWS), name


def test_every_pyroute2_is_told():
    source = (PROJECT / "tests" / "netns" / "test_vip_pyroute2.py").read_text()
    (versions,) = re.findall(r"^VERSIONS = (.*)$", source, re.MULTILINE)
    for version in re.findall(r"\d+\.\d+\.\d+", versions):
        assert any(f"pyroute2 {version}" in row for row in ROWS), version
