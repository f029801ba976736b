# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what verify has to know of this host beside preflight facts: sysctls, static neighbours, what boots bring."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from .._core.errors import LvsError
from .._core.files import read_bytes
from .._core.owner import DEFAULT_OWNER, owned_name
from .._core.paths import STATE_DIRECTORY, UNIT_DIRECTORY
from .._restore.client import read_start
from .._rtnetlink.state import own_neighbors
from .._sysctl.client import SysctlClient
from .._sysctl.model import effective, needed

SYSCTLS = ("arp_ignore", "arp_announce", "forwarding", "send_redirects", "rp_filter")


def read_sysctls(devices: Iterable[str], root: str = "") -> dict[str, dict[str, int]]:
    """Return the effective value of each setting on each device; one that has gone meanwhile is left out."""
    names, keys = list(devices), needed(SYSCTLS)
    values = SysctlClient(root).values(keys, names)
    present = [name for name in names if all((name, key) in values for key in keys)]
    return {name: {key: effective(values, name, key) for key in SYSCTLS} for name in present}


def read_boots(names: Iterable[str], root: str = "", owner: str = DEFAULT_OWNER) -> dict[str, dict[str, Any]]:
    """Return, for each name of boot_restore, whether its unit is active and enabled, and what it declares (or None).

    `start` is what the unit starts (see read_start), None where it has no file or nothing is declared.
    """
    found = {}
    for name in names:
        label = owned_name(owner, name)
        unit = f"lvs-cluster-{label}.service"
        path = f"{root}{STATE_DIRECTORY}/{label}.json"
        try:
            data = read_bytes(path)
            declared = None if data is None else json.loads(data)
        except (OSError, ValueError) as error:
            raise LvsError(path, None, f"cannot be read ({error})", "run lvs.cluster.site to write it again") from None
        found[name] = {
            "unit": unit,
            "active": os.path.isdir(f"{root}/run/lvs-cluster-{label}"),
            "enabled": os.path.islink(f"{root}{UNIT_DIRECTORY}/multi-user.target.wants/{unit}"),
            "declared": declared,
            "start": None if declared is None else read_start(name, declared, root, owner),
        }
    return found


def read_neighbors() -> list[dict[str, str]]:
    """Return the static entries of the neighbour table that have a MAC."""
    found = (one for one in own_neighbors() if one.permanent and one.mac)
    return [{"interface": one.interface, "address": one.address, "mac": one.mac} for one in found]
