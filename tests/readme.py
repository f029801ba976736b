# SPDX-License-Identifier: GPL-3.0-or-later
"""What README tells people to write, taken from it word by word: python tests/readme.py HEADING FILE writes one block down."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def block(after: str) -> str:
    """Return the first block of code after the line that ends with `after`."""
    _, found, rest = README.read_text(encoding="utf-8").partition(f"{after}\n")
    code = re.search(r"^```\w+\n(.*?)^```$", rest, re.MULTILINE | re.DOTALL)
    if not found or code is None:
        raise SystemExit(f"{README}: no block of code after a line that ends with {after!r}")
    return code[1]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(block(sys.argv[1]), encoding="utf-8")
