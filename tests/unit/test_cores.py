# SPDX-License-Identifier: GPL-3.0-or-later
"""What README says was run is what the tests run."""

from __future__ import annotations

import re

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
