# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that restores a host at boot, built on the controller: a zip of this collection's own packages."""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

# What the program imports, by package; the packages that only modules or the lab need are left out.
PACKAGES = (
    "_arp",
    "_arp_filter",
    "_core",
    "_drain",
    "_firewall",
    "_gate",
    "_ipvs",
    "_neighbor",
    "_netlink",
    "_nftables",
    "_owner",
    "_parts",
    "_path",
    "_restore",
    "_rtnetlink",
    "_sync",
    "_sysctl",
    "_table",
    "_vip",
)
_HOME = "ansible_collections/lvs/cluster/plugins/module_utils"
_MAIN = """\
from ansible_collections.lvs.cluster.plugins.module_utils._restore.main import main

raise SystemExit(main())
"""


def package_sources(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return path below module_utils -> source, for all files of the packages."""
    home = Path(__file__).resolve().parents[2] / "module_utils"
    return {f"{name}/{file.name}": file.read_text("utf-8") for name in packages for file in (home / name).glob("*.py")}


def pack(sources: Mapping[str, str], main: str = _MAIN) -> bytes:
    """Return a zip that Python runs: `main` and the sources, the same bytes for the same texts.

    Every directory gets an empty `__init__.py`, as in the zip that Ansible makes of a module.
    """
    files = {"__main__.py": main, **{f"{_HOME}/{path}": source for path, source in sources.items()}}
    for path in list(files):
        for parent in Path(path).parents[:-1]:
            files.setdefault(f"{parent}/__init__.py", "")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            archive.writestr(zipfile.ZipInfo(path), files[path])
    return packed.getvalue()


@functools.cache
def restore_program() -> bytes:
    """Return the program of this version of the collection."""
    return pack(package_sources())
