# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rolling update does with the servers of a batch, and with those that were drained before or failed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lvs.cluster.plugins.filter.operations import rolling_batch as rolling_filter
from ansible_collections.lvs.cluster.plugins.filter.operations import unfinished_directors
from ansible_collections.lvs.cluster.plugins.plugin_utils._operations.rolling import rolling_batch
from ansible_collections.lvs.cluster.plugins.plugin_utils._topology.reader import read_topology

GROUPS = {"directors": ["lb1", "lb2"], "realservers": ["rs1", "rs2"]}
SERVICES = [
    {"name": "web", "address": "192.0.2.30", "ports": [80]},
    {"name": "mail", "address": "192.0.2.31", "ports": [25], "directors": ["lb2"], "real_servers": ["rs2"]},
]
HOSTVARS: dict[str, dict[str, Any]] = {
    "lb1": {"director_address": "192.0.2.1"},
    "lb2": {"director_address": "192.0.2.2"},
    "rs1": {"realserver_address": "192.0.2.4"},
    "rs2": {"realserver_address": "192.0.2.5"},
}
READ = read_topology(SERVICES, GROUPS, HOSTVARS)
DRAINED = [{"already_drained": ["192.0.2.5"]}, {"already_drained": []}]


def batch(hosts: list[str], checks: Any = (), failed: Any = ()) -> dict[str, Any]:
    return rolling_batch(READ, GROUPS, hosts, checks, failed)


def servers(step: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {one["director"]: one["servers"] for one in step}


def test_every_server_goes_through_all_steps_on_every_director() -> None:
    steps = batch(["rs1", "rs2"])
    both = {"lb1": ["192.0.2.4", "192.0.2.5"], "lb2": ["192.0.2.4", "192.0.2.5"]}
    for name in ("check", "drain", "probe", "restore"):
        assert servers(steps[name]) == both, name
        assert all(one["hosts"] == ["rs1", "rs2"] for one in steps[name])
    ports = {one["director"]: [path["port"] for path in one["services"]] for one in steps["probe"]}
    assert ports == {"lb1": [80], "lb2": [80, 25]}
    (line,) = steps["lines"]
    assert line.startswith("rs1, rs2: drained, and restored after the tasks; ")


def test_a_server_that_was_drained_before_is_only_checked() -> None:
    steps = batch(["rs1", "rs2"], DRAINED)
    assert servers(steps["check"]) == {"lb1": ["192.0.2.4", "192.0.2.5"], "lb2": ["192.0.2.4", "192.0.2.5"]}
    for name in ("drain", "probe", "restore"):
        assert servers(steps[name]) == {"lb1": ["192.0.2.4"], "lb2": ["192.0.2.4"]}, name
    assert [line.partition(":")[0] for line in steps["lines"]] == ["rs1", "rs2"]
    assert steps["lines"][1] == "rs2: drained before this run; gets the tasks, and stays drained."


def test_a_batch_that_was_drained_before_is_left_alone() -> None:
    steps = batch(["rs2"], DRAINED)
    assert steps["drain"] == steps["probe"] == steps["restore"] == []
    assert len(steps["lines"]) == 1


def test_a_server_that_failed_is_neither_probed_nor_restored() -> None:
    steps = batch(["rs1", "rs2"], failed=["rs1"])
    assert servers(steps["drain"]) == {"lb1": ["192.0.2.4", "192.0.2.5"], "lb2": ["192.0.2.4", "192.0.2.5"]}
    for name in ("probe", "restore"):
        assert servers(steps[name]) == {"lb1": ["192.0.2.5"], "lb2": ["192.0.2.5"]}, name
    assert batch(["rs1"], failed=["rs1"])["restore"] == []


@pytest.mark.parametrize("failure", [{}, {"rolling_failure": "Install: it failed"}])
def test_the_filter_knows_who_failed(failure: dict[str, Any]) -> None:
    hostvars = {**HOSTVARS, "rs1": {**HOSTVARS["rs1"], **failure}}
    steps = rolling_filter(SERVICES, GROUPS, hostvars, ["rs1"])
    assert bool(steps["restore"]) != bool(failure)
    assert servers(steps["drain"]) == {"lb1": ["192.0.2.4"], "lb2": ["192.0.2.4"]}


def test_directors_that_have_not_run() -> None:
    done = {"director_result": {"state": "absent"}}
    assert unfinished_directors(["lb1", "lb2"], {"lb1": done, "lb2": {}}) == ["lb2"]
    assert unfinished_directors(["lb1"], {"lb1": done}) == unfinished_directors([], {}) == []
