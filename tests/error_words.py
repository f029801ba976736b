# SPDX-License-Identifier: GPL-3.0-or-later
"""What errors say, in unit/errors.txt, by the test that brings them about."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).parent / "unit" / "errors.txt"
HEADER = """\
# SPDX-License-Identifier: GPL-3.0-or-later
# The words of errors, by test. `make words` renews this file; review its diff.
"""
INDENT = "    "


class ErrorWords:
    """The sentences of errors.txt, and those that errors of this run have, by test function."""

    def __init__(self, path: Path, renew: bool = False) -> None:
        self.path, self.renew = path, renew
        self.stored: dict[str, list[str]] = {}
        self.seen: dict[str, list[str]] = {}
        test = ""
        for line in path.read_text().splitlines() if path.exists() else ():
            if line.startswith(INDENT):
                self.stored[test].append(line[len(INDENT) :])
            elif line and not line.startswith("#"):
                test = line
                self.stored[test] = []

    def check(self, test: str, text: str) -> None:
        """Note what an error says, and fail unless it is stored."""
        self.seen.setdefault(test, []).append(text)
        assert self.renew or text in self.stored.get(test, ()), f"not in {self.path.name}: {text!r}"

    def differences(self) -> list[str]:
        """Return the tests whose errors say something else, more, less or in another order than is stored."""
        return sorted(test for test in {**self.stored, **self.seen} if self.seen.get(test) != self.stored.get(test))

    def write(self, whole: bool) -> None:
        """Store what was said in place of what is stored of the same tests, or of all tests after a `whole` run."""
        words = self.seen if whole else {**self.stored, **self.seen}
        blocks = ["\n".join([test, *(INDENT + text for text in words[test])]) + "\n" for test in sorted(words)]
        self.path.write_text("\n".join([HEADER, *blocks]))
