# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates that the community puts before a collection, with tools of their own: python tests/gates.py.

Each reads what users get: the documentation in the checkout and as a site, the changelog, and the built tarball.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import docsite
from tools import CACHE, PROJECT, environment

NEXT = "1.1.0"
COLLECTION = PROJECT / ".collections" / "ansible_collections" / "lvs" / "cluster"
LINT_DOCS = [
    *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--check-extra-docs-refs"),
    *("--validate-collection-refs", "all", "--disallow-unknown-collection-refs", str(COLLECTION)),
]


def run(title: str, command: list[str], path: str, cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Run one gate, and show what it says when it does not end well."""
    variables = {**os.environ, "PATH": path, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=cwd, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return told(title, done)


def told(title: str, done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """Tell how a gate ended, and return that."""
    print(f"{'passed' if done.returncode == 0 else 'FAILED'}: {title}", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return done


def build(path: str) -> Path:
    """Return the tarball, built anew."""
    folder = CACHE / "gates"
    shutil.rmtree(folder, ignore_errors=True)
    run("the tarball is built", ["ansible-galaxy", "collection", "build", "--output-path", str(folder)], path)
    (tarball,) = folder.glob("*.tar.gz")
    return tarball


def rehearse_release(path: str) -> bool:
    """Return whether this release has its notes and the next one's can be made, in a copy of what antsibull-changelog reads."""
    copy = CACHE / "release"
    shutil.rmtree(copy, ignore_errors=True)
    for name in ("changelogs", "meta", "playbooks", "plugins", "roles"):
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    galaxy = (PROJECT / "galaxy.yml").read_text(encoding="utf-8")
    (now,) = re.findall(r"(?m)^version: (.*)", galaxy)
    (copy / "galaxy.yml").write_text(galaxy.replace(f"version: {now}", f"version: {NEXT}"), encoding="utf-8")
    fragments = copy / "changelogs" / "fragments"
    (fragments / "rehearsal.yml").write_text("minor_changes:\n  - site - is rehearsed.\n", encoding="utf-8")
    command = ["antsibull-changelog", "release", "--version", NEXT]
    done = run(f"the release notes of {NEXT} can be made", command, path, copy)
    notes = (copy / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", "")
    heads = re.findall(r"(?m)^## v(.*)", notes)
    return (
        done.returncode == 0
        and heads[:2] == [NEXT, now]
        and "site - is rehearsed." in notes.partition(f"## v{now}")[0]
        and "New Modules" in notes.partition(f"## v{now}")[2]
        and not list(fragments.glob("*.yml"))
    )


def import_to_galaxy(tarball: Path, path: str) -> bool:
    """Return whether galaxy-importer takes the tarball without an error; show its warnings."""
    done = run("galaxy-importer", ["python", "-m", "galaxy_importer.main", str(tarball)], path, tarball.parent)
    complaints = [line for line in done.stdout.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    print(*complaints, sep="\n" if complaints else "", end="\n" if complaints else "", flush=True)
    return done.returncode == 0 and not complaints


def main() -> int:
    """Run the gates one after the other, all of them."""
    programs = environment("gates", ["--requirement", str(PROJECT / "requirements" / "gates.txt")])
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    results = [
        run("antsibull-changelog lint", ["antsibull-changelog", "lint"], path).returncode == 0,
        run("antsibull-docs lint-collection-docs", LINT_DOCS, path).returncode == 0,
        told("the documentation's site is built without a warning", docsite.build(path)).returncode == 0,
        rehearse_release(path),
        import_to_galaxy(build(path), path),
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
