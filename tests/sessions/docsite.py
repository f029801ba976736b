# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation's site in build/docs.

antsibull-docs sets the site up and turns the plugins, roles and guides into sources, and Sphinx turns these into pages. Nothing
is looked up on the network, so references to ansible-core's own documentation are text without a link.
"""

from __future__ import annotations

import os
import shutil

from tools import PROJECT

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
# Every page of a plugin refers to these labels of ansible-core's documentation.
OFFLINE = """
intersphinx_mapping = {}
nitpick_ignore_regex = [
    ("std:ref", r"common_return_values|action_plugins|ansible_configuration_settings|ansible_collections\\.ansible\\..*")
]
"""


def prepare() -> None:
    """Make the empty directory of the sources."""
    shutil.rmtree(SITE, ignore_errors=True)
    SOURCES.mkdir(parents=True)
    os.chmod(SOURCES, 0o755)  # antsibull-docs requires that nobody else can write there


def complete() -> None:
    """Add the pictures of the guides and the settings to the sources; antsibull-docs takes only the texts."""
    for picture in [file for file in GUIDES.iterdir() if file.suffix in PICTURES]:
        shutil.copy(picture, SOURCES / "docsite")
    with open(SITE / "conf.py", "a", encoding="utf-8") as settings:
        settings.write(OFFLINE)
