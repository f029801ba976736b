# SPDX-License-Identifier: GPL-3.0-or-later
"""One of the lab's modules run in this process, and options that it takes."""

from __future__ import annotations

import importlib
import json

import pytest
from module_args import patch_module_args


def run(name, capsys, **options):
    module = importlib.import_module(f"ansible_collections.lvs.cluster.plugins.modules.{name}")
    with patch_module_args(options), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


MACHINE = {"qemu": "QEMU 7.2", "accelerator": "tcg", "cpu": "qemu64", "memory": 384}
HOST = {"name": "rs1", "image": "/nowhere", "port": 1, "interfaces": []}
