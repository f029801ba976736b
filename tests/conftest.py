# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: how many random cases were tried, told at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest


@pytest.fixture
def count_case(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return what a test calls for each of its random cases."""
    told = request.node.user_properties
    place, total = len(told), 0
    told.append((request.node.nodeid, total))

    def count() -> None:
        nonlocal total
        total += 1
        told[place] = (request.node.nodeid, total)

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what tests counted, or recorded with record_property(kind, number); with several workers too."""
    totals: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        if report.when == "call":
            for kind, number in report.user_properties:
                totals[kind] += number
    if totals:
        terminalreporter.section("random cases")
        for kind, number in sorted(totals.items()):
            terminalreporter.write_line(f"{number:>8}  {kind}")
