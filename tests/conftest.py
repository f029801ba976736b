# SPDX-License-Identifier: GPL-3.0-or-later
"""How many random cases were run, told at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

_CASES: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[_CASES] = Counter()


@pytest.fixture
def count_case(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Return what a test calls for each of its random cases."""
    cases, name = request.config.stash[_CASES], request.node.nodeid

    def count() -> None:
        cases[name] += 1

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell the counts."""
    if config.stash[_CASES]:
        terminalreporter.section("random cases")
        for name, number in sorted(config.stash[_CASES].items()):
            terminalreporter.line(f"{number:>6} {name}")
