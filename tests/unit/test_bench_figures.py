# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks' arithmetic, and the table that they print."""

from __future__ import annotations

import json

import pytest
from bench.failover import Reading, reading_of
from bench.figures import Figure, ratios, table
from bench.imports import account


def test_ratios_are_made_round_by_round():
    assert ratios([1.0, 3.0], [2.0, 2.0]) == [0.5, 1.5]
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratios([1.0, 3.0], [2.0])


@pytest.mark.parametrize(
    ("values", "goal", "median", "met"),
    [
        ([0.3, 0.1, 0.2], 0.2, 0.2, True),
        ([0.3, 0.1, 0.21], 0.2, 0.21, False),
        ([0.1, 0.3], 0.2, 0.2, True),
        ([9.0], None, 9.0, True),
    ],
)
def test_the_value_in_the_middle_is_held_against_the_goal(values, goal, median, met):
    figure = Figure("one", "other", values, goal)
    assert (figure.median, figure.met) == (pytest.approx(median), met)
    assert json.loads(json.dumps(figure.as_values()))["met"] is met


def test_the_table():
    figures = [
        Figure("apply", "ipvsadm -R", [0.1, 0.21, 0.3], 0.25),
        Figure("runs", "", [7], 6, "runs"),
        Figure("memory", "", [20.5], 80, "MiB"),
        Figure("no goal", "ping", [2.0]),
    ]
    assert table(figures) == [
        "measured  against     median     lowest to highest  goal",
        "apply     ipvsadm -R  0.21       0.10 to 0.30       <= 0.25    met",
        "runs                  7 runs                        <= 6 runs  MISSED",
        "memory                20.50 MiB                     <= 80 MiB  met",
        "no goal   ping        2.00",
    ]


def test_imports_are_put_down_to_who_wrote_them():
    told = [
        "import time: self [us] | cumulative | imported package",
        "import time:      1500 |       1500 |   enum",
        "import time:       500 |       2000 | pyroute2.netlink",
        "import time:       250 |       2250 |     ansible_collections.lvs.cluster.plugins.module_utils._core.plan",
        "import time:      1000 |       3250 |   ansible.module_utils.basic",
        "import time:       125 |        125 | zipimport",
    ]
    assert account(told) == {"of Python": 1.625, "of pyroute2": 0.5, "of ours": 0.25, "of Ansible": 1.0}


@pytest.mark.parametrize(
    ("answered", "since", "reading"),
    [
        ({0: 0.5, 1: 1.5, 2: 2.5, 3: 3.5}, 1.2, Reading(1.0, 0)),
        # Two requests without an answer, and what is sent before the event does not count.
        ({1: 1.5}, 1.8, Reading(1.5, 2)),
        ({0: 0.5, 3: 3.5}, 1.2, Reading(3.0, 1)),
        ({}, 0.0, Reading(3.0, 4)),
    ],
)
def test_what_a_client_meets(answered, since, reading):
    assert reading_of([0.0, 1.0, 2.0, 3.0], answered, since) == reading
