# SPDX-License-Identifier: GPL-3.0-or-later
"""Linters, unit tests, and the checks that the community runs on a collection.

`nox --list` shows the sessions, and `nox --session NAME` runs one. Environments stay in .cache/nox for later runs.
tests/parts.py runs these sessions beside the tests that need a lab.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import nox
from nox.command import CommandFailed

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

from sessions import ansible_test, core_matrix, docsite, release
from tools import CACHE, PROJECT, pythons

nox.needs_version = ">=2025.2"
nox.options.envdir = ".cache/nox"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.sessions = ["lint", "unit"]
# Sessions without an environment of their own run the programs beside nox.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

LINTERS = (
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["yamllint", "--strict", "."],
    ["ansible-lint", "--offline", "--strict"],
    ["codespell"],
    ["reuse", "lint", "--quiet"],
)
COLLECTION = PROJECT / ".collections" / "ansible_collections" / "lvs" / "cluster"
LINT_DOCS = [
    *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--check-extra-docs-refs"),
    *("--validate-collection-refs", "all", "--disallow-unknown-collection-refs", str(COLLECTION)),
]
SETTINGS = {"ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "NO_COLOR": "1"}
# The Python of each ansible-core that has one on this machine.
CORES = core_matrix.choose(pythons())


def install(session: nox.Session, *requirements: str) -> None:
    """Install into the session's environment; pip does nothing if it has all of it."""
    # Most of what pip would compile is never imported.
    session.install("-qq", "--disable-pip-version-check", "--no-compile", *requirements)


def run_each(session: nox.Session, steps: Mapping[str, Callable[[], object]]) -> None:
    """Run all steps, also after one has failed; then end the session with the names of those that failed."""
    failed = []
    for name, step in steps.items():
        try:
            step()
        except CommandFailed:
            failed.append(name)
        session.log(f"{'FAILED' if name in failed else 'passed'}: {name}")
    if failed:
        session.error(f"failed: {', '.join(failed)}")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Run ruff, mypy, yamllint, ansible-lint, codespell and reuse; the first that fails ends the session."""
    for command in LINTERS:
        session.run(*command)


@nox.session(venv_backend="none")
def unit(session: nox.Session) -> None:
    """Run the unit tests, or the tests and options of pytest that follow `--`."""
    session.run("pytest", "-q", "--durations=5", *(session.posargs or ["--numprocesses=2", "tests/unit"]))


@nox.session(venv_backend="none")
def sanity(session: nox.Session) -> None:
    """Run `ansible-test sanity` on the built collection with each Python of this machine; its arguments follow `--`."""
    ansible_test.lay_out()
    ansible_test.make_home()
    found = pythons()
    session.log(f"ansible-test sanity, with Python {', '.join(found) or 'of .venv only'}")
    for name, reason in ansible_test.SKIPPED.items():
        session.log(f"not run: {name}: {reason}")
    with session.chdir(ansible_test.COLLECTION):
        session.run(*ansible_test.command(), *session.posargs, env=ansible_test.environment(found))


@nox.session
@nox.parametrize("python,core", [nox.param(python or False, core, id=core) for core, python in CORES.items()])
def cores(session: nox.Session, core: str) -> None:
    """Run tests, playbooks and modules with each ansible-core that has a Python on this machine."""
    if not any(CORES.values()):
        session.error("no ansible-core has a Python on this machine")
    if not CORES[core]:
        session.skip(f"none of Python {', '.join(core_matrix.CORES[core])} is on this machine")
    install(session, f"ansible-core=={core}.*", *core_matrix.LIBRARIES)
    run = partial(session.run, env=SETTINGS, silent=True, external=True)
    run_each(session, {name: partial(run, *command) for name, command in core_matrix.steps().items()})


@nox.session
def gates(session: nox.Session) -> None:
    """Run the checks of antsibull and galaxy-importer, or those whose names follow `--`."""
    install(session, "--requirement", "requirements/gates.txt")
    every: dict[str, Callable[[], object]] = {
        "changelog": partial(session.run, "antsibull-changelog", "lint", env=SETTINGS, silent=True),
        "plugins": partial(session.run, *LINT_DOCS, env=SETTINGS, silent=True),
        "docs": partial(build_docs, session),
        "release": partial(rehearse_release, session),
        "importer": partial(import_to_galaxy, session),
    }
    run_each(session, {name: every[name] for name in session.posargs or every})


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the documentation's site in build/docs, in the environment of `gates`."""
    session.notify("gates", ["docs"])


def build_docs(session: nox.Session) -> None:
    """Build the documentation's site; a warning of Sphinx is an error."""
    docsite.prepare()
    for command in (docsite.SET_UP, docsite.READ):
        session.run(*command, env=SETTINGS, silent=True)
    docsite.complete()
    session.run(*docsite.WRITE, env=SETTINGS, silent=True)
    session.log(f"The documentation is in {docsite.PAGES}.")


def rehearse_release(session: nox.Session) -> None:
    """Make the notes of the next release in a copy; raise CommandFailed if they are not as expected."""
    release.prepare()
    with session.chdir(release.COPY):
        session.run(*release.COMMAND, env=SETTINGS, silent=True)
    complain(session, release.problems())


def import_to_galaxy(session: nox.Session) -> None:
    """Give the built tarball to galaxy-importer; raise CommandFailed if it has a warning or an error."""
    folder = CACHE / "gates"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), env=SETTINGS, silent=True)
    (tarball,) = folder.glob("*.tar.gz")
    with session.chdir(folder):
        output = str(session.run("python", "-m", "galaxy_importer.main", str(tarball), env=SETTINGS, silent=True))
    complain(session, [line for line in output.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))])


def complain(session: nox.Session, complaints: list[str]) -> None:
    """Show the complaints; raise CommandFailed if there are any."""
    for complaint in complaints:
        session.warn(complaint)
    if complaints:
        raise CommandFailed
