# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal of the next release's notes, in a copy of what antsibull-changelog reads."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tools import CACHE, PROJECT

COPY = CACHE / "release"
NEXT = "1.1.0"
COMMAND = ["antsibull-changelog", "release", "--version", NEXT]
_ENTRY = "site - is rehearsed."


def prepare() -> None:
    """Make the copy, with the next version and a fragment for it."""
    shutil.rmtree(COPY, ignore_errors=True)
    for name in ("changelogs", "meta", "playbooks", "plugins", "roles"):
        shutil.copytree(PROJECT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
    galaxy = (PROJECT / "galaxy.yml").read_text(encoding="utf-8")
    (COPY / "galaxy.yml").write_text(galaxy.replace(f"version: {_now()}", f"version: {NEXT}"), encoding="utf-8")
    (_fragments() / "rehearsal.yml").write_text(f"minor_changes:\n  - {_ENTRY}\n", encoding="utf-8")


def problems() -> list[str]:
    """Return what is wrong after the command has run in the copy."""
    now, notes = _now(), (COPY / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
    versions = re.findall(r"(?m)^## v(.*)", notes)[:2]
    next_notes, _, notes_now = notes.partition(f"## v{now}")
    fragments = sorted(path.name for path in _fragments().glob("*.yml"))
    checks = {
        f"the first versions are {versions}, not {[NEXT, now]}": versions == [NEXT, now],
        f"the notes of {NEXT} lack the fragment's entry": _ENTRY in next_notes,
        f"the notes of {now} lack its new modules": "New Modules" in notes_now,
        f"these fragments are left: {fragments}": not fragments,
    }
    return [text for text, passed in checks.items() if not passed]


def _fragments() -> Path:
    return COPY / "changelogs" / "fragments"


def _now() -> str:
    (version,) = re.findall(r"(?m)^version: (.*)", (PROJECT / "galaxy.yml").read_text(encoding="utf-8"))
    return str(version)
