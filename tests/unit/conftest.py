# SPDX-License-Identifier: GPL-3.0-or-later
"""Records every error that the unit tests bring about, for test_errors.py, which runs last and judges them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from error_sites import Recorder

RECORDER = pytest.StashKey[Recorder]()
WHOLE = pytest.StashKey[bool]()
LAST = "test_errors.py"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORDER] = Recorder()
    config.stash[RECORDER].start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the judge last, and note whether all tests of this folder run before it."""
    items.sort(key=lambda item: item.path.name == LAST)
    here = {item.path for item in items}
    config.stash[WHOLE] = not (
        set(Path(__file__).parent.rglob("test_*.py")) - here
        or config.option.keyword
        or config.option.markexpr
        or config.option.deselect
        or any("::" in argument for argument in config.args)
        or hasattr(config, "workerinput")
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Record nothing of random cases: what they bring about differs from run to run, and the judge must not."""
    recorder = item.config.stash[RECORDER]
    recorder.paused = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    try:
        return (yield)
    finally:
        recorder.paused = False


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """Return what the other tests made the collection say; skips where not all of them ran."""
    if not request.config.stash[WHOLE]:
        pytest.skip("judges what all unit tests bring about, in one process: pytest tests/unit")
    return request.config.stash[RECORDER]
