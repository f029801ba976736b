# SPDX-License-Identifier: GPL-3.0-or-later
"""A declaration of boot_restore and its files, for the tests of _restore."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.cluster.plugins.module_utils._core import paths
from ansible_collections.lvs.cluster.plugins.module_utils._owner import declarations
from ansible_collections.lvs.cluster.plugins.module_utils._parts import declaration
from ansible_collections.lvs.cluster.plugins.module_utils._parts.declaration import declare
from ansible_collections.lvs.cluster.plugins.module_utils._restore import plan as boot
from ansible_collections.lvs.cluster.plugins.module_utils._restore.client import checksum_of

CHECKSUM = checksum_of(b"program")
DIRECTOR = {
    "name": "director",
    "vips": [{"interface": "lan0", "addresses": ["192.0.2.30"], "label": None}],
    "services": [{"address": "192.0.2.30", "port": 80, "real_servers": [{"address": "192.0.2.4", "weight": None}]}],
}
UNIT = "/etc/systemd/system/lvs-cluster-director.service"
WANT = "/etc/systemd/system/multi-user.target.wants/lvs-cluster-director.service"
STATE = "/etc/lvs-cluster/director.json"


@pytest.fixture
def files():
    declared = declare(DIRECTOR)
    return {file.path: file for file in boot.wanted_files(declared, "/usr/bin/python3", CHECKSUM)}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Return the directory that stands for / in the places where declarations are."""
    for module in (paths, declaration, declarations):
        for name in ("STATE_DIRECTORY", "UNIT_DIRECTORY", "MODULES_DIRECTORY", "PROGRAM"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, f"{tmp_path}{getattr(paths, name).replace(str(tmp_path), '')}")
    return tmp_path
