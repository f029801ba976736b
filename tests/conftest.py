# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests share: the counts of random cases, added up and shown at the end."""

from __future__ import annotations

from collections import Counter


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what tests recorded with record_property(kind, number)."""
    totals: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        if report.when == "call":
            totals.update({kind: number for kind, number in report.user_properties if isinstance(number, int)})
    if totals:
        terminalreporter.section("random cases")
        for kind, number in sorted(totals.items()):
            terminalreporter.write_line(f"{number:>8}  {kind}")
