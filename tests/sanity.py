# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` without containers on what users get: python tests/sanity.py [ARGUMENT ...].

ansible-test wants a folder named as the collection is, with nothing but the collection in it: the built tarball, with the
settings of tests/. It makes an environment for each test, with pip, for which it downloads a bootstrap script from a
server of its own. The one it gets here installs the same from what each Python carries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import CACHE, PROJECT, pythons

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
# Not run, each for a reason that is no finding's: the program is no Python package, and nothing here is in its language.
SKIPPED = {
    "shellcheck": "the only shell script of the collection is two lines that begin a Python on the lab's machines",
    "pslint": "there is no PowerShell",
}


def lay_out() -> None:
    """Put the collection as it is built, and the settings of the tests, where ansible-test wants them."""
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
    # The nearest repository is to be this one, since git leaves the checkout's .cache out of what it lists.
    subprocess.run(["git", "init", "--quiet"], cwd=COLLECTION, check=True)
    subprocess.run(["git", "add", "--all"], cwd=COLLECTION, check=True)


def make_home() -> None:
    """Make the home of ansible-test: pip finds its settings and its cache where the person has them."""
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

    return get_venv_packages(NativePythonConfig(version="{}.{}".format(*sys.version_info), path=sys.executable))["pip"]


def main(arguments: list[str]) -> int:
    """Run it on each Python that is found here."""
    lay_out()
    make_home()
    found = pythons()
    print(f"ansible-test sanity, with Python {', '.join(found) or 'of .venv only'}", flush=True)
    for name, reason in SKIPPED.items():
        print(f"not run: {name}: {reason}", flush=True)
    folders = [str(Path(python).parent) for python in found.values()]
    path = os.pathsep.join([str(Path(sys.executable).parent), *folders, os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "HOME": str(HOME)}
    environment.pop("ANSIBLE_CONFIG", None)
    skips = [f"--skip-test={name}" for name in SKIPPED]
    command = ["ansible-test", "sanity", "--color", "no", *skips, *arguments]
    return subprocess.run(command, cwd=COLLECTION, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
