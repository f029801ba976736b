# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of boot_restore: the program is transferred to hosts that lack it, and to no others."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
from ansible_collections.lvs.cluster.plugins.action.boot_restore import ActionModule
from ansible_collections.lvs.cluster.plugins.plugin_utils._restore.program import restore_program

GIVEN = {"name": "director", "program": {"checksum": "by hand"}}


class Host(ActionModule):
    """A host that has the program or not; it notes what reaches it."""

    def __init__(self, has_program):
        shell = SimpleNamespace(tmpdir=None, join_path=lambda *parts: "/".join(parts))
        self._task = SimpleNamespace(args=GIVEN, async_val=0, diff=False, check_mode=False)
        self._connection = SimpleNamespace(_shell=shell, always_pipeline_modules=False)
        self._supports_check_mode, self._supports_async = True, False
        self.has_program, self.runs, self.files = has_program, [], {}

    def _execute_module(self, module_args, task_vars):
        self.runs.append(module_args)
        return (
            {"changed": True} if self.has_program or module_args["program"].get("source") else {"program_missing": True}
        )

    def _make_tmp_path(self):
        return "/tmp/ansible"

    def _transfer_data(self, path, data):
        self.files[path] = data

    def _fixup_perms2(self, paths):
        assert paths == ("/tmp/ansible", "/tmp/ansible/restore.pyz")


@pytest.mark.parametrize("has_program", [True, False])
def test_the_program_is_transferred_where_it_is_missing(has_program):
    host, checksum = Host(has_program), hashlib.sha256(restore_program()).hexdigest()
    assert host.run() == {"changed": True}
    first = {"name": "director", "program": {"checksum": checksum}}
    second = {"name": "director", "program": {"checksum": checksum, "source": "/tmp/ansible/restore.pyz"}}
    assert host.runs == ([first] if has_program else [first, second])
    assert host.files == ({} if has_program else {"/tmp/ansible/restore.pyz": restore_program()})
