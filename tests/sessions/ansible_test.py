# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-test sanity` needs to run without containers on the built collection.

ansible-test needs a directory whose path names the collection and that holds nothing else: the content of the tarball, with the
settings of tests/. It makes an environment for each of its tests with pip, for which it downloads a bootstrap script from a
server of its own. The script here installs the same from the pip that each Python carries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import CACHE, PROJECT

ROOT = CACHE / "sanity"
COLLECTION = ROOT / "ansible_collections" / "lvs" / "cluster"
HOME = ROOT / "home"  # where ansible-test keeps its environments
SETTINGS = PROJECT / "tests" / "config.yml"
GET_PIP = """\
import subprocess
import sys

# A process of its own: ensurepip turns off the settings of pip for the process that it is imported by.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "-qq", *options]))
"""
# Tests that do not run, and why.
SKIPPED = {
    "shellcheck": "the program is no Python package; the collection's only shell scripts are two of the lab's initrd, of one line each",
    "pslint": "the collection has no PowerShell",
}


def lay_out() -> None:
    """Build the collection, and put its content and the settings of the tests where ansible-test needs them."""
    shutil.rmtree(COLLECTION, ignore_errors=True)
    COLLECTION.mkdir(parents=True)
    build = ROOT / "build"
    shutil.rmtree(build, ignore_errors=True)
    command = ["ansible-galaxy", "collection", "build", "--output-path", str(build)]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    (tarball,) = build.glob("*.tar.gz")
    shutil.unpack_archive(tarball, COLLECTION)
    shutil.copy(PROJECT / "galaxy.yml", COLLECTION)
    (COLLECTION / "tests").mkdir()
    shutil.copy(SETTINGS, COLLECTION / "tests")
    # ansible-test asks git for the files, and the checkout ignores .cache.
    subprocess.run(["git", "init", "--quiet"], cwd=COLLECTION, check=True)
    subprocess.run(["git", "add", "--all"], cwd=COLLECTION, check=True)


def make_home() -> None:
    """Make the home of ansible-test, with the bootstrap script and with links to the settings and the cache of pip."""
    for folder in (".config", ".cache"):
        link, target = HOME / folder, Path.home() / folder
        HOME.mkdir(parents=True, exist_ok=True)
        if target.is_dir() and not link.is_symlink():
            link.symlink_to(target)
    script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{pip_version().replace('.', '_')}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP, encoding="utf-8")


def pip_version() -> str:
    """Return the version of pip that this ansible-test installs."""
    from ansible_test._internal.host_configs import NativePythonConfig
    from ansible_test._internal.python_requirements import get_venv_packages

    python = NativePythonConfig(version="{}.{}".format(*sys.version_info), path=sys.executable)
    return str(get_venv_packages(python)["pip"])


def command() -> list[str]:
    """Return the command, without the arguments of whoever runs it."""
    return ["ansible-test", "sanity", "--color", "no", *(f"--skip-test={name}" for name in SKIPPED)]


def environment(found: Mapping[str, str]) -> dict[str, str | None]:
    """Return the environment of the command, which runs the tests with these Pythons (version -> interpreter)."""
    folders = [str(Path(sys.executable).parent), *(str(Path(python).parent) for python in found.values())]
    return {"PATH": os.pathsep.join([*folders, os.environ["PATH"]]), "HOME": str(HOME), "ANSIBLE_CONFIG": None}
