# SPDX-License-Identifier: GPL-3.0-or-later
"""Which schedulers the running kernel can have."""

from __future__ import annotations

import os

from .._core.errors import InvalidValue

_MODULE_TREE = "/lib/modules"


def check_scheduler(name: str, release: str | None = None, tree: str = _MODULE_TREE) -> None:
    """Raise InvalidValue when the kernel that runs can't have scheduler `name`: not loaded, built in or on disk.

    Where the host hides its modules (a container) nothing is known, and the kernel itself decides.
    """
    module = f"ip_vs_{name}"
    if os.path.isdir(f"/sys/module/{module}"):
        return
    listed = ""
    for index in ("modules.dep", "modules.builtin"):
        try:
            with open(os.path.join(tree, release or os.uname().release, index), encoding="utf-8") as lines:
                listed += lines.read()
        except OSError:
            return
    if f"/{module}.ko" not in listed:
        raise InvalidValue("scheduler", name, f"is not in this kernel (no module {module})", _scheduler_remedy(listed))


def _scheduler_remedy(listed: str) -> str:
    names = {
        line.split(".ko")[0].rsplit("/ip_vs_", 1)[-1] for line in listed.splitlines() if "/ip_vs_" in line.split(":")[0]
    }
    known = sorted(name for name in names if name not in ("ftp",) and not name.startswith("pe_"))
    return f"choose from {', '.join(known)}" if known else "install the kernel's IPVS modules"
