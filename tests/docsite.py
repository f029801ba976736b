# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation as a site in build/docs, without a warning: python tests/docsite.py, or make docs.

antsibull-docs sets the site up and turns the plugins, roles and guides into its sources; Sphinx makes pages of them. Nothing
is looked up on the network, so what the pages say of ansible-core's own documentation is text and no link.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tools import PROJECT, environment

SITE = PROJECT / "build" / "docs"
SOURCES = SITE / "rst"
PAGES = SITE / "build" / "html" / "index.html"
GUIDES = PROJECT / "docs" / "docsite" / "rst"
PICTURES = {".svg", ".png"}
SET_UP = [
    *("antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--dest-dir", str(SITE)),
    *(
        "--project",
        "lvs.cluster",
        "--title",
        "lvs.cluster",
        "--copyright",
        "The lvs.cluster maintainers",
        "lvs.cluster",
    ),
]
READ = [
    *("antsibull-docs", "--config-file", str(SITE / "antsibull-docs.cfg"), "collection", "--cleanup", "everything"),
    *("--use-current", "--squash-hierarchy", "--dest-dir", str(SOURCES), "lvs.cluster"),
]
WRITE = ["sphinx-build", "-M", "html", str(SOURCES), str(SITE / "build"), "-c", str(SITE), "-q", "-W", "--keep-going"]
# What ansible-core's documentation has, and every page of a plugin refers to.
OFFLINE = """
intersphinx_mapping = {}
nitpick_ignore_regex = [
    ("std:ref", r"common_return_values|action_plugins|ansible_configuration_settings|ansible_collections\\.ansible\\..*")
]
"""


def build(path: str) -> subprocess.CompletedProcess[str]:
    """Build the site with the programs of `path`; return how the last step ended, or the first that failed."""
    shutil.rmtree(SITE, ignore_errors=True)
    SOURCES.mkdir(parents=True)
    os.chmod(SOURCES, 0o755)  # antsibull-docs wants a folder that nobody else can write in
    variables = {**os.environ, "PATH": path, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "NO_COLOR": "1"}
    for step in (SET_UP, READ, WRITE):
        if step is WRITE:  # antsibull-docs takes the texts only
            for picture in [file for file in GUIDES.iterdir() if file.suffix in PICTURES]:
                shutil.copy(picture, SOURCES / "docsite")
            with open(SITE / "conf.py", "a", encoding="utf-8") as settings:
                settings.write(OFFLINE)
        done = subprocess.run(step, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            break
    return done


def main() -> int:
    """Build it, and say where it is."""
    programs = environment("gates", ["--requirement", str(PROJECT / "requirements" / "gates.txt")])
    done = build(os.pathsep.join([str(programs), os.environ["PATH"]]))
    print(done.stdout if done.returncode else f"The documentation is in {PAGES}.", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
