# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks' arithmetic, and the table that they print."""

from __future__ import annotations

import json

import pytest
from bench.figures import Figure, ratios, table


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
