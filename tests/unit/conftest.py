# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the words of errors with those in errors.txt.

A test asserts the type and the parts of an error; `pytest tests/unit --renew-words` writes what the errors say.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core.errors import LvsError
from error_words import PATH, ErrorWords

HERE = Path(__file__).parent
WORDS = pytest.StashKey[ErrorWords]()
WHOLE = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-words", action="store_true", help="write what errors say to tests/unit/errors.txt")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[WORDS] = ErrorWords(PATH, config.option.renew_words)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note whether all tests of this folder run: only then is it known what no error says any more."""
    selected = config.option.keyword or config.option.markexpr or config.option.deselect
    whole = not set(HERE.rglob("test_*.py")) - {item.path for item in items}
    config.stash[WHOLE] = whole and not selected and not any("::" in argument for argument in config.args)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    words, whole = session.config.stash[WORDS], session.config.stash.get(WHOLE, False)
    if exitstatus == pytest.ExitCode.OK and words.renew:
        words.write(whole)
    elif exitstatus == pytest.ExitCode.OK and whole and words.differences():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    words = config.stash[WORDS]
    if config.stash.get(WHOLE, False) and not words.renew and (differences := words.differences()):
        terminalreporter.section(f"errors of these tests say something else than in {words.path.name}")
        terminalreporter.write_line("\n".join(differences))


@pytest.fixture
def error_words(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., tuple[str, object]]:
    """Return a function that compares what an error says with errors.txt, and returns its subject and value.

    errors.txt lists what the cases of a test say in their order; a `case` that is named has an entry of its own.
    """
    words = request.config.stash[WORDS]
    test = f"{request.path.relative_to(HERE)}::{request.node.originalname}"

    def check(error: LvsError, case: str = "") -> tuple[str, object]:
        # The details of an error, such as a log, are not its own words.
        text = str(error).removesuffix(getattr(error, "details", ""))
        text = text.replace(str(tmp_path), "<tmp_path>").replace("\n", r"\n")
        words.check(f"{test}[{case}]" if case else test, text)
        return error.subject, error.value

    return check
