# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: random cases are not judged by the clock, and how many were tried is told at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

# How long a case takes says something of the machine and what else runs on it, and nothing of the code.
settings.register_profile("without a clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without a clock")


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
