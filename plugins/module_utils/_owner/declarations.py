# SPDX-License-Identifier: GPL-3.0-or-later
"""The declarations of a host, read from their files: what each cluster has there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .._core.errors import LvsError
from .._core.files import read_bytes
from .._core.owner import Owner, owner_and_name
from .._core.paths import STATE_DIRECTORY

_SUFFIX = ".json"


class Declaration(NamedTuple):
    """One declaration: its owner and name, and the content of its file (see boot_restore)."""

    owner: str
    name: str
    state: Mapping[str, Any]


def labels(root: str = "") -> list[str]:
    """Return the labels of the host's declarations (see owned_name)."""
    try:
        entries = os.listdir(root + STATE_DIRECTORY)
    except OSError:
        return []
    return sorted(entry[: -len(_SUFFIX)] for entry in entries if entry.endswith(_SUFFIX) and entry[0] != ".")


def read_others(owner: Owner, root: str = "") -> list[Declaration]:
    """Return the declarations of other owners; raise LvsError for one that can't be read: it may have anything."""
    return [read_declaration(label, root) for label in labels(root) if not owner.owns(owner_and_name(label)[0])]


def read_siblings(owner: Owner, name: str, root: str = "") -> list[Declaration]:
    """Return the owner's declarations of other names, without those that can't be read: its next run writes them."""
    found = []
    for label in labels(root):
        if owner_and_name(label)[0] == owner.name and label != owner.label(name):
            with suppress(LvsError):
                found.append(read_declaration(label, root))
    return found


def read_declaration(label: str, root: str = "") -> Declaration:
    """Return one declaration; a file from before owners had names says none."""
    owner, name = owner_and_name(label)
    path = f"{root}{STATE_DIRECTORY}/{label}{_SUFFIX}"
    remedy = f"run lvs.cluster.site of the cluster {owner}, which writes it again, or remove the file"
    try:
        state = json.loads(read_bytes(path) or b"{}")
        said = state.get("owner", owner)
    except (AttributeError, OSError, ValueError) as error:
        raise LvsError(path, None, f"cannot be read as a declaration of cluster {owner} ({error})", remedy) from None
    if said != owner:
        rule = f"says that it is of cluster {said}, and its name that it is of cluster {owner}"
        raise LvsError(
            path, None, rule, "restore the name of the file, and set lvs_cluster_formerly to rename a cluster"
        )
    return Declaration(owner, name, state)
